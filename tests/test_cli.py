"""The command line: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import twinlab
from twinlab import cli
from twinlab.console import ProgressLine
from twinlab.discovery import Progress

from .handmade import lotka_volterra, small_discovery

ROOT = Path(__file__).parents[1]
COMMAND = (sys.executable, "-m", "twinlab")
LYNX_HARE = ROOT / "sample_data" / "lynx_hare.csv"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One subject of predator and prey, 24 points with 3 % noise."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(3)
    grid = np.linspace(0, 8, 24)
    values = lotka_volterra(np.array([2.0, 0.8]), grid)
    values += 0.03 * values.std(axis=0) * rng.standard_normal(values.shape)
    rows = [f"{t:.4f},{x:.5f},{y:.5f}" for t, (x, y) in zip(grid, values, strict=True)]
    path = folder / "pond.csv"
    path.write_text("time,prey,predator\n" + "\n".join(rows) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def discovered(data: Path) -> tuple[Path, str]:
    """Folder and printed words of one discovery, made by the real command."""
    out = data.parent / "first"
    run = subprocess.run(
        [*COMMAND, "discover", str(data), "--out", str(out), "--seed", "4"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    return out, run.stdout + "\n---\n" + run.stderr


def ends(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    try:
        code = cli.main([str(a) for a in arguments])
    except SystemExit as stop:
        code = int(stop.code or 0)
    printed = capsys.readouterr()
    return code, printed.out.replace("\u00a0", " "), printed.err


# -------------------------------------------------------------------------------- discover


def test_discover_writes_three_files_and_says_so(discovered: tuple[Path, str]) -> None:
    out, words = discovered
    assert sorted(p.name for p in out.iterdir()) == ["discovery.json", "model.twin", "report.html"]
    for name in ("discovery.json", "model.twin", "report.html"):
        assert f"Wrote {out / name}" in words


def test_discover_says_what_it_chose_and_found(discovered: tuple[Path, str]) -> None:
    _, words = discovered
    assert "No configuration beside pond.csv" in words and "degree 2" in words
    assert "d prey/dt =" in words and "90 % interval" in words
    assert "R2 prey: 0.9" in words and "chi-square per point" in words
    progress = words.split("---")[1].strip().splitlines()
    assert len(progress) >= 3  # without a terminal, a line a stage
    assert "100%" in progress[-1] and "\r" not in words


def test_discover_finds_the_pond(discovered: tuple[Path, str]) -> None:
    result = json.loads((discovered[0] / "discovery.json").read_text("utf-8"))
    found = {s: {t["term"] for t in e} for s, e in result["models"][0]["equations"].items()}
    assert found == {"prey": {"prey", "predator*prey"}, "predator": {"predator", "predator*prey"}}


def test_workers_do_not_change_the_result(
    discovered: tuple[Path, str], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = data.parent / "second"
    code, _, _ = ends(capsys, "discover", data, "--out", out, "--seed", "4", "--workers", "1")
    assert code == 0
    first, second = (
        json.loads((folder / "discovery.json").read_text("utf-8"))
        for folder in (discovered[0], out)
    )
    assert first.pop("seconds") > 0 and second.pop("seconds") > 0
    assert first == second


def test_the_configuration_beside_the_data_is_used_and_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "pond.csv"
    copy.write_bytes(data.read_bytes())
    (tmp_path / "pond.yaml").write_text("library: {polynomial: 1}\nhorizon: 9\n")
    asked = {}

    def instead(study, library, knowledge, **options):
        asked.update(library=library, **options)
        return small_discovery()

    monkeypatch.setattr("twinlab.discovery.discover", instead)
    code, words, _ = ends(capsys, "discover", copy, "--out", tmp_path / "out")
    assert code == 0 and "pond.yaml" in words
    assert len(asked["library"].columns) == 6
    assert asked["settings"].horizon == 9 and asked["seed"] == 0
    ends(capsys, "discover", copy, "--out", tmp_path / "out", "--degree", "3")
    assert len(asked["library"].columns) == 20
    assert asked["settings"].horizon == 9


def test_a_fit_that_fails_ends_with_3_and_marked_files(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "twinlab.discovery.discover", lambda *_, **__: small_discovery(status="failed")
    )
    code, words, _ = ends(capsys, "discover", data, "--out", tmp_path)
    assert code == 3 and "did not converge" in words
    assert json.loads((tmp_path / "discovery.json").read_text("utf-8"))["status"] == "failed"
    assert "did not converge" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.skipif(os.name == "nt", reason="signals differ")
def test_interrupting_ends_with_130_and_one_line(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [*COMMAND, "discover", str(LYNX_HARE), "--degree", "4", "--out", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        # A test run in the background ignores the signal, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert run.stderr is not None
    for line in run.stderr:
        if "kernels" not in line:  # the kernels are ready and the fit has begun
            break
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=120)
    assert run.returncode == 130
    assert errors.strip().splitlines()[-1] == "twinlab: interrupted."
    assert "Traceback" not in errors
    assert not (tmp_path / "out").exists()


# ----------------------------------------------------------------------------- wrong input

BAD_FILES = {
    "empty": b"",
    "no table": b"\x89PNG\r\n\x1a\n\x00\x00",
    "no time": b"a,b\n1,2\n2,3\n",
    "text in a value": b"time,x\n0,1\n1,two\n2,3\n",
    "time backwards": b"subject,time,variable,value\ns,0,x,1\ns,2,x,2\ns,1,x,3\n",
    "twice the same header": b"time,x,x\n0,1,2\n1,2,3\n",
    "constant": b"time,x\n0,1\n1,1\n2,1\n3,1\n",
    "one time": b"time,x\n0,1\n",
    "all missing": b"time,x\n0,\n1,\n2,\n",
    "not UTF-8": b"time,gr\xf6\xdfe\n0,1\n1,2\n2,3\n",
    "infinite": b"time,x\n0,1\n1,inf\n2,3\n",
}


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_bad_files_end_with_2_and_one_message(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    code, words, errors = ends(capsys, "discover", path, "--out", tmp_path / "out")
    assert code == 2
    assert errors.startswith("twinlab: ") and "Traceback" not in errors
    assert "Wrote" not in words and not (tmp_path / "out").exists()


def test_a_huge_file_ends_with_2_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.write(b"time,x\n")
        file.truncate(200_000_000)
    code, _, errors = ends(capsys, "discover", path, "--out", tmp_path / "out")
    assert code == 2 and "huge.csv" in errors and "MB" in errors


def test_a_logarithm_of_negative_values_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cold.csv"
    path.write_text("time,x\n" + "".join(f"{t},{t - 3}\n" for t in range(8)))
    path.with_suffix(".yaml").write_text('library: {polynomial: 1, terms: ["log(x)"]}\n')
    code, _, errors = ends(capsys, "discover", path, "--out", tmp_path / "out")
    assert code == 2 and "log(x)" in errors and "Traceback" not in errors


@pytest.mark.parametrize(
    ("library", "words"),
    [
        ('{terms: ["prey*wolf"]}', "wolf"),
        ("{terms: [\"__import__('os')\"]}", "^"),
        ('{terms: ["log(prey - 3)"]}', "log"),
    ],
)
def test_bad_terms_end_with_2(
    data: Path, library: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(f"library: {library}\n")
    code, _, errors = ends(capsys, "discover", data, "--config", config, "--out", tmp_path / "out")
    assert code == 2
    assert errors.startswith("twinlab: ") and words in errors and "Traceback" not in errors


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "none.csv"),
        ("discover", "none.csv"),
        ("discover", str(LYNX_HARE), "--config", "none.yaml"),
        ("discover", str(LYNX_HARE), "--out", str(LYNX_HARE)),
        ("discover", str(LYNX_HARE), "--seed", "-1"),
        ("discover", str(LYNX_HARE), "--seed", "one"),
        ("discover", str(LYNX_HARE), "--workers", "0"),
        ("discover", str(LYNX_HARE), "--degree", "99"),
        ("validate", str(LYNX_HARE)),  # one subject: nothing to learn from without it
        ("validate", str(LYNX_HARE), "--leave", "visit"),
        ("validate", str(LYNX_HARE), "--leave", "end", "--share", "2"),
        ("report", "none.twin", "--out", "x.html"),
        ("report", str(LYNX_HARE), "--out", "x.html"),
        ("report", "none.twin", "--out", "x.pdf"),
        ("report", "none.twin"),
        ("serve", "--port", "99999"),
        ("fly",),
        (),
    ],
)
def test_wrong_arguments_end_with_2(
    arguments: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, errors = ends(capsys, *arguments)
    assert code == 2
    assert errors and "Traceback" not in errors
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------------------- validate


def test_validate_forecasts_the_end_and_says_how_well(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed, _ = ends(
        capsys, "validate", data, "--leave", "end", "--share", "0.25", "--out", tmp_path
    )
    assert code == 0
    assert "Predicted the end of every record from its beginning: 90 % intervals held" in printed
    written = json.loads((tmp_path / "validation.json").read_text("utf-8"))
    assert written["overall"]["n"] == 12 and written["overall"]["r_squared"] > 0.9
    assert written["verdict"][0] in printed
    assert "<html" in (tmp_path / "validation.html").read_text("utf-8")


# -------------------------------------------------------------------------- other commands


def test_check_says_what_a_file_holds(capsys: pytest.CaptureFixture[str]) -> None:
    code, words, _ = ends(capsys, "check", LYNX_HARE)
    assert code == 0
    assert "hare" in words and "lynx" in words and "year" in words and "42" in words


def test_report_is_written_again_from_a_twin(
    discovered: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, words, _ = ends(
        capsys, "report", discovered[0] / "model.twin", "--out", tmp_path / "again.html"
    )
    assert code == 0 and "again.html" in words
    again = (tmp_path / "again.html").read_text("utf-8")
    first = (discovered[0] / "report.html").read_text("utf-8")
    embedded = '<script type="application/json" id="discovery">'
    assert (
        again.split(embedded)[1].split("</script>")[0]
        == (first.split(embedded)[1].split("</script>")[0])
    )


def test_serve_hands_its_options_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}
    monkeypatch.setattr("twinlab.ui.serve", lambda **options: asked.update(options))
    code, _, _ = ends(
        capsys,
        *(
            "serve",
            "--port",
            "5010",
            "--no-browser",
            "--allow-websocket-origin",
            "lab.example:5010",
        ),
    )
    assert code == 0
    assert asked == {
        "port": 5010,
        "address": "127.0.0.1",
        "open_browser": False,
        "allow_origins": ["lab.example:5010"],
    }


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(capsys, "--version")[:2] == (0, f"twinlab {twinlab.__version__}\n")


# -------------------------------------------------------------------------------- progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_moves_on_one_line_and_never_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("twinlab.console._REFRESH", 0.0)
    stream = Terminal()
    with ProgressLine(stream) as line:
        line(Progress("a", "First " + "x" * 80, 0.5))
        line(Progress("a", "Late event", 0.25))
        line(Progress("b", "Done", 1.0))
    drawn = stream.getvalue().split("\r\x1b[K")
    assert stream.getvalue().count("\n") == 0
    assert all(len(part) < 60 for part in drawn)
    assert [part.split("%")[0][-4:].strip() for part in drawn[1:4]] == ["50", "50", "100"]
    assert drawn[-1] == ""  # the line is cleared at the end


def test_progress_without_a_terminal_is_a_line_a_stage() -> None:
    stream = io.StringIO()
    with ProgressLine(stream) as line:
        for stage, text, fraction in (("a", "One", 0.0), ("a", "Two", 0.3), ("b", "Three", 1.0)):
            line(Progress(stage, text, fraction))
    assert stream.getvalue() == "  0% One\n100% Three\n"
