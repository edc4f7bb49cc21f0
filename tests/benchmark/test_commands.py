"""The benchmark commands, with a stub in the place of the methods."""

from __future__ import annotations

import json

import pytest

from twinlab.benchmark import compare, own, pysindy_peer, recovery
from twinlab.benchmark.scoring import Answer
from twinlab.benchmark.systems import SYSTEMS
from twinlab.errors import UserError
from twinlab.study import read_study


def truth_teller(study, library, seed, *_settings):
    """Answer with the truth of whatever system the states are of."""
    # Suites have variants with the same states: those of published settings are not meant.
    system = next(
        s for s in SYSTEMS.values() if s.states == library.states and not s.name.startswith("four_")
    )
    intervals = {
        (state, term): (value, value)
        for state, row in system.equations.items()
        for term, value in row.items()
    }
    return Answer(system.equations, intervals, 0.5, ((1.0, system.equations),))


def silent(study, library, seed, *_settings):
    """Answer that nothing was found, or crash on odd seeds."""
    return Answer({}, failure="RuntimeError: no") if seed % 2 else Answer({})


@pytest.fixture
def stubbed(monkeypatch):
    monkeypatch.setattr(own, "prepare", lambda: None)
    monkeypatch.setattr(own, "answer", truth_teller)
    monkeypatch.setattr(pysindy_peer, "prepare", lambda: None)
    monkeypatch.setattr(pysindy_peer, "installed", lambda: True)
    monkeypatch.setattr(pysindy_peer, "answer", lambda *given, best=False: silent(*given))


def test_recovery_prints_a_line_a_seed_and_the_sums(stubbed, capsys, tmp_path):
    file = tmp_path / "scores.json"
    code = recovery.main(["--system", "seir", "--seeds", "3", "--json", str(file)])
    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert [line.split()[1] for line in lines[:3]] == ["0", "1", "2"]
    assert all("exact" in line and "cover 5/5" in line for line in lines[:3])
    assert lines[3] == "exact 3 of 3"
    assert "cover 15 of 15" in lines[5]
    assert [row["seed"] for row in json.loads(file.read_text())["scores"]] == [0, 1, 2]


def test_recovery_goes_on_after_a_failure(stubbed, capsys):
    recovery.main(["--method", "pysindy", "--seeds", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert "missing" in lines[0] and "wrong" in lines[0]
    assert "FAILED" in lines[1] and "RuntimeError: no" in lines[1]
    assert "exact 0 of 2" in lines and "failed 1" in lines[-1]


def test_recovery_refuses_unknown_settings(capsys):
    assert recovery.main(["--set", "speed=9", "--seeds", "1"]) == 2
    assert "slab_width" in capsys.readouterr().err
    with pytest.raises(UserError, match="int"):
        own.parse_settings(["starts=many"])
    settings = own.parse_settings(["starts=1", "slab_width=3", "horizon=20", "noise=constant"])
    assert (settings.starts, settings.slab_width, settings.horizon) == (1, 3.0, 20.0)
    assert settings.noise == "constant"


def test_compare_gives_every_method_the_same_file(stubbed, capsys, tmp_path, monkeypatch):
    seen = []

    def watching(study, library, seed, *settings):
        seen.append((study.provenance.file, study.provenance.sha256, seed))
        return truth_teller(study, library, seed)

    monkeypatch.setattr(own, "answer", watching)
    monkeypatch.setattr(
        pysindy_peer, "answer", lambda *given, best=False: watching(*given) and silent(*given)
    )
    file = tmp_path / "rows.json"
    arguments = ["--seeds", "2", "--systems", "predator_prey", "--no-samples", "--json", str(file)]
    assert compare.main(arguments) == 0
    assert len(seen) == 6 and len(set(seen)) == 2
    out = capsys.readouterr().out
    rows = [line for line in out.splitlines() if line.startswith("predator_prey 2 x 50")]
    assert [row.split()[6] for row in rows] == ["TwinLab", "PySINDy", "PySINDy"]
    assert "1.00   100 %" in rows[0] and "0.00     0 %" in rows[1]
    assert len(json.loads(file.read_text())) == 6


def test_compare_without_the_peer_says_so(stubbed, capsys, monkeypatch):
    monkeypatch.setattr(pysindy_peer, "installed", lambda: False)
    assert compare.main(["--seeds", "1", "--systems", "seir", "--no-samples"]) == 0
    out = capsys.readouterr().out
    assert "not installed" in out and "TwinLab alone" in out


def test_written_files_read_back_unchanged(tmp_path):
    study = SYSTEMS["enzyme_hill"].simulate(2, 12, 0.05, seed=4).study
    compare.write_csv(study, tmp_path / "x.csv")
    again = read_study(tmp_path / "x.csv")
    assert again.variables == study.variables
    for one, other in zip(again.trajectories, study.trajectories, strict=True):
        assert (one.subject, one.condition) == (other.subject, other.condition)
        assert (one.time == other.time).all() and (one.value == other.value).all()


def test_sample_files_are_found_by_their_truth():
    if not compare.SAMPLE_DATA.is_dir():
        pytest.skip("sample_data is not beside the package: not a checkout")
    names = sorted(SYSTEMS)
    cases = list(compare.sample_cases(compare.SAMPLE_DATA, names))
    assert {case.system.name for case in cases} == {"predator_prey", "seir", "enzyme_hill"}
    for case in cases:
        assert case.system.equations == SYSTEMS[case.system.name].equations
        assert read_study(case.file).variables == case.system.states
    assert not list(compare.sample_cases(compare.SAMPLE_DATA, ["fitzhugh_nagumo"]))


def test_answer_of_a_discovery_mapping():
    def row(term, value):
        return {"term": term, "coefficient": value, "interval90": [value - 1, value + 1]}

    mapping = {
        "status": "converged",
        "chi2_per_point": 1.25,
        "models": [
            {"probability": 0.8, "equations": {"x": [row("x", 2.0)], "y": []}},
            {"probability": 0.2, "equations": {"x": [row("x^2", 3.0)], "y": [row("y", 1.0)]}},
        ],
    }
    answer = own.answer_from_mapping(mapping, 2.0)
    assert answer.equations == {"x": {"x": 2.0}, "y": {}}
    assert answer.intervals == {("x", "x"): (1.0, 3.0)}
    assert answer.alternatives[1] == (0.2, {"x": {"x^2": 3.0}, "y": {"y": 1.0}})
    assert answer.remarks == {"status": "converged", "chi2": 1.25} and answer.seconds == 2.0
    assert own.answer_from_mapping({"models": []}, 1.0).failure == "no model"


def test_a_crash_of_the_engine_is_recorded(monkeypatch):
    def broken(*_given, **_options):
        raise FloatingPointError("overflow")

    monkeypatch.setattr(own, "discover", broken)
    system = SYSTEMS["predator_prey"]
    answer = own.answer(system.simulate(1, 10, 0.1, 0).study, system.library(), 0)
    assert answer.failure == "FloatingPointError: overflow" and answer.equations == {}
