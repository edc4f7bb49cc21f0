"""Runs that are killed, methods that crash or overrun, and what the files and tables then say."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from twinlab.benchmark import measure as measuring
from twinlab.benchmark.levels import AXES
from twinlab.benchmark.measure import measure
from twinlab.benchmark.page import bench_html
from twinlab.benchmark.published import PUBLISHED
from twinlab.benchmark.results import Results
from twinlab.benchmark.runner import make_executor, missing, run
from twinlab.benchmark.suites import Item, make_suite, restricted
from twinlab.benchmark.tables import bad_lines, blocks, text
from twinlab.benchmark.workers import close_children, run_request
from twinlab.cli import main
from twinlab.errors import UserError

METHODS = ("truth", "nothing", "narrow")
SMALL = {"predator_prey": {"points": 8}, "logistic": {"points": 8}}

MISBEHAVED = """
import os, time
from twinlab.benchmark.scoring import Answer

def crash(study, library, knowledge, seed, budget):
    raise RuntimeError("no\\nway")

def die(study, library, knowledge, seed, budget):
    os._exit(7)

def sleep(study, library, knowledge, seed, budget):
    print("this must not reach the protocol")
    time.sleep(60)

def slow(study, library, knowledge, seed, budget):
    time.sleep(1.2)
    return Answer({})
"""


@pytest.fixture
def outsider(tmp_path, monkeypatch):
    """A module of somebody else's methods, on the path of this process and its children."""
    (tmp_path / "outsider.py").write_text(MISBEHAVED, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    measuring.versions.cache_clear()
    yield "outsider"
    close_children()


def small_suite(seeds=2, budget=20.0):
    """Two axes of the noise suite's shape with tiny cells."""
    suite = make_suite("smoke", seeds)
    items = tuple(
        Item(i.axis, i.level, i.at, replace(i.cell, points=8))
        for i in suite.items
        if i.axis in ("noise", "hidden")
    )
    axes = {name: suite.axes[name] for name in ("noise", "hidden")}
    return replace(suite, items=items, axes=axes, methods=METHODS, budget=budget)


def run_here(suite, results, **options):
    with ThreadPoolExecutor(2) as executor:
        run(suite, METHODS, results, executor, task=measure, **options)


def test_interrupted_and_resumed_gives_the_same_table(tmp_path):
    suite = small_suite()
    whole = Results(tmp_path / "whole.jsonl")
    run_here(suite, whole)
    said = []

    def stop_half_way(line):
        said.append(line)
        if len(said) == 9:
            raise KeyboardInterrupt

    path = tmp_path / "parts.jsonl"
    with pytest.raises(KeyboardInterrupt):
        run_here(suite, Results(path), say=stop_half_way)
    kept = path.read_bytes()
    assert 9 <= kept.count(b"\n") < len(suite.cells()) * len(METHODS)
    torn = kept[: kept.rstrip(b"\n").rfind(b"\n") + 40]  # the last row was being written
    path.write_bytes(torn)
    again = Results(path)
    done_before = torn.count(b"\n")
    assert len(again.rows) == done_before
    assert len(missing(suite, METHODS, again)) == len(suite.cells()) * len(METHODS) - done_before
    lines = []
    run_here(suite, again, say=lines.append)
    assert lines[-1].startswith(f"[{len(whole.rows)}/{len(whole.rows)}] ") and "left" in lines[0]
    assert text(suite, METHODS, Results(path), costs=False) == text(
        suite, METHODS, whole, costs=False
    )
    assert path.read_bytes().startswith(torn[: torn.rfind(b"\n")])  # nothing done was redone
    run_here(suite, again, say=lambda _line: pytest.fail("there was nothing left to do"))


def test_rows_of_other_versions_or_budgets_are_kept_apart(tmp_path):
    suite = small_suite(seeds=1)
    path = tmp_path / "rows.jsonl"
    run_here(suite, Results(path))
    assert not missing(suite, METHODS, Results(path))
    assert missing(replace(suite, budget=5.0), METHODS, Results(path))
    old = path.read_text("utf-8").replace('"twinlab": "0', '"twinlab": "9')
    path.write_text(old, "utf-8")
    total = len(suite.cells()) * len(METHODS)
    assert len(missing(suite, METHODS, Results(path))) == total
    run_here(suite, Results(path))
    assert len(path.read_text("utf-8").splitlines()) == 2 * total


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"key": 1}\n', "utf-8")
    with pytest.raises(UserError, match="rows.jsonl, line 1"):
        Results(path)


@pytest.mark.parametrize(
    ("function", "outcome", "words"),
    [
        ("crash", "failed", "RuntimeError: no way"),
        ("die", "crashed", "code 7"),
        ("sleep", "overran", "killed after 1 s"),
        ("slow", "overran", "more than 1 s"),
    ],
)
def test_misbehaviour_is_an_outcome(outsider, function, outcome, words):
    cell = vars(make_suite("smoke").items[0].cell)
    request = {"cell": cell, "method": f"{outsider}:{function}", "budget": 1.0}
    started = time.perf_counter()
    row = run_request(request)
    assert time.perf_counter() - started < 30
    assert row["outcome"] == outcome and words in row["failure"]
    assert row["metrics"]["f1"] == 0.0 and row["metrics"]["nrmse"] == 10.0
    after = run_request({**request, "method": "truth"})
    assert after["outcome"] == "answered" and after["metrics"]["exact"]


def test_a_killed_command_goes_on_where_it_was(outsider, tmp_path):
    arguments = [sys.executable, "-m", "twinlab", "bench", "--suite", "smoke", "--axis", "noise"]
    arguments += ["--peers", f"truth,{outsider}:slow", "--budget", "30", "--workers", "1"]
    path = tmp_path / "rows.jsonl"
    # without TwinLab itself, which other tests run
    code = (
        "import sys; from twinlab.benchmark import command; from twinlab.cli import main; "
        f"command.chosen_methods = lambda *_: ('truth', '{outsider}:slow', 'nothing'); "
        "sys.exit(main(sys.argv[1:]))"
    )
    given = [sys.executable, "-c", code, *arguments[3:], "--json", str(path)]
    first = subprocess.Popen(given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.perf_counter() + 40
    while time.perf_counter() < deadline and (
        not path.exists() or path.read_bytes().count(b"\n") < 2
    ):
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    before = path.read_bytes()
    assert 2 <= before.count(b"\n") < 6
    second = subprocess.run(given, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 0, second.stderr
    assert path.read_bytes().startswith(before[: before.rfind(b"\n")])
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(rows) == 6
    assert len({(row["key"], row["method"]) for row in rows}) == 6
    assert "6 of 6 answers" in second.stdout and "truth" in second.stdout


def test_bench_from_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("twinlab.benchmark.command.chosen_methods", lambda *_: METHODS)
    monkeypatch.setattr("twinlab.benchmark.command.make_suite", lambda *_: small_suite(1))
    monkeypatch.setattr("twinlab.benchmark.command.run", lambda s, m, r, e, **o: run_here(s, r))
    assert main(["bench", "--html", "page.html", "--workers", "1"]) == 0
    out = capsys.readouterr()
    assert "Noise   [challenge 1" in out.out and "Unobserved states   [challenge 4" in out.out
    assert "Wrote page.html" in out.out
    assert (tmp_path / "bench-smoke.jsonl").exists()
    page = Path("page.html").read_text("utf-8")
    assert "Where TwinLab does badly" in page and "src=" not in page.split("<script>")[0]


def test_wrong_options_are_said(capsys, tmp_path):
    for given, words in (
        (["--suite", "smok"], "There is no suite 'smok'"),
        (["--suite", "axis:nois"], "There is no axis 'nois'"),
        (["--axis", "nois"], "has no axis 'nois'"),
        (["--peers", "sindi"], "no method 'sindi'"),
        (["--html", "x.pdf"], "ends in .html"),
        (["--executor", "fibres", "--peers", "none"], "no executor 'fibres'"),
    ):
        assert main(["bench", *given, "--json", str(tmp_path / "x.jsonl")]) == 2
        assert words in capsys.readouterr().err


def test_the_processes_executor_gives_the_same_rows(tmp_path):
    suite = restricted(small_suite(1), "noise")
    here, there = Results(), Results(tmp_path / "there.jsonl")
    run_here(suite, here)
    with make_executor("processes", 1) as executor:
        run(suite, METHODS, there, executor, workers=1)
    assert text(suite, METHODS, here, costs=False) == text(suite, METHODS, there, costs=False)
    assert all(row["memory_mb"] is None or row["memory_mb"] >= 0 for row in there.rows.values())


def test_the_tables_call_a_liar_one():
    suite = small_suite(4)
    results = Results()
    run_here(suite, results)
    made = blocks(suite, METHODS, results)
    lines = {(b.axis, line.level, line.method): line.totals for b in made for line in b.lines}
    truth, narrow = (lines["noise", "2 %", m] for m in ("truth", "narrow"))
    assert truth.covered90.value == truth.band90.value == truth.exact.value == 1.0
    assert narrow.exact.value == 1.0 and narrow.covered90.value == 0.0
    assert narrow.band90.value < 0.1
    assert truth.exact.interval[1] == 1.0 and 0.3 < truth.exact.interval[0] < 0.6  # Wilson, n = 4
    told = [why for block, _, why in bad_lines(made, "narrow") if block.axis == "noise"]
    assert told and all("coefficients cover 0 %" in why for why in told)
    assert not [row for row in bad_lines(made, "truth")]
    worst = bad_lines(made, "nothing")
    assert worst[0][1].totals.f1.value == 0.0


def test_suites_are_what_they_promise():
    grid = make_suite("grid")
    assert len({item.cell.system for item in grid.items}) >= 12
    assert {item.cell.seed for item in grid.items} == set(range(20))
    holdout = {item.cell.system for item in make_suite("holdout").items}
    assert len(holdout) >= 5
    tuned_on = ("grid", "development", "calibration", "four", "smoke", "holdout-first")
    for name in (*tuned_on, *(f"axis:{axis}" for axis in AXES)):
        assert not holdout & {item.cell.system for item in make_suite(name).items}, name
    assert len(make_suite("development").cells()) == 136
    smoke = make_suite("smoke")
    challenges = {smoke.axes[item.axis][1].split()[0] for item in smoke.items}
    assert challenges == set("12345678")
    assert len(make_suite("four").cells()) == 4 * 3 * 4 * 6
    assert "nls" in make_suite("four").methods
    for name in ("esindy", "odrbindy"):
        levels = {item.level for item in make_suite(name).items}
        assert levels == {level for suite, level in PUBLISHED if suite == name}
    assert make_suite("axis:library", 2).axes["library"][1].startswith("7")
    assert {item.axis for item in make_suite("seir", 1).items} == {"noise", "points", "conditions"}


def test_the_page_holds_what_the_tables_say():
    suite = small_suite(2)
    results = Results()
    run_here(suite, results)
    page = bench_html(suite, METHODS, results)
    assert page.count("<h2>") == 6  # bad, all, two axes, reliability, how
    assert "expected calibration error" in page
    assert 'class="own' not in page  # TwinLab itself was not run here
    assert "http" not in page.split("<script>")[0].replace("http-equiv", "")
