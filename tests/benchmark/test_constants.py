"""Constants of saturating terms held against the truth."""

from __future__ import annotations

import numpy as np
import pytest

from twinlab.benchmark import constants
from twinlab.benchmark.matching import alike, matched_text
from twinlab.benchmark.scoring import Answer, score, support
from twinlab.benchmark.systems import SYSTEMS
from twinlab.expressions import parse_term

SYSTEM = SYSTEMS["pk_saturable"]


def with_half_saturation(value: str) -> Answer:
    equations = {s: dict(row) for s, row in SYSTEM.equations.items()}
    equations["central"][f"mm(central,{value})"] = equations["central"].pop("mm(central,2)")
    intervals = {(s, t): (v - 0.1, v + 0.1) for s, row in equations.items() for t, v in row.items()}
    return Answer(equations, intervals, alternatives=((1.0, equations),))


@pytest.mark.parametrize(("value", "exact"), [("2", 1), ("2.19", 1), ("1.81", 1), ("2.3", 0)])
def test_nearly_true_constants_score_as_the_truth(value, exact):
    result = score(with_half_saturation(value), SYSTEM)
    assert result.exact == bool(exact) and (result.f1 == 1.0) == bool(exact)
    assert result.truth_rank == exact
    assert result.covered == result.n_true - (1 - exact)


def test_only_constants_of_hill_functions_are_forgiven():
    names = ["x", "y"]
    true = support({"x": {"hill(x,1,2)": 1.0, "x^2": 1.0, "y*repress(x,1,2)": 1.0}}, names)
    assert matched_text("x", "hill(x,1.05,1.9)", true, names) == ("x", "hill(x,1,2)")
    assert matched_text("x", "repress(x,0.95,2)*y", true, names) == ("x", "y*repress(x,1,2)")
    assert matched_text("x", "hill(x,1.05,1.7)", true, names) == ("x", "hill(x,1.05,1.7)")
    assert matched_text("y", "hill(x,1.05,2)", true, names) == ("y", "hill(x,1.05,2)")
    assert matched_text("x", "x^2.01", true, names) == ("x", "x^2.01")
    assert not alike(parse_term("exp(x)", names), parse_term("exp(1.01*x)", names))


def test_parameters_are_changed_and_checked():
    changed = constants.with_parameters(SYSTEM, ["half_saturation=1.4"])
    assert "mm(central,1.4)" in changed.equations["central"]
    assert "mm(central,2)" in SYSTEM.equations["central"]
    for wrong in ("half=1.4", "half_saturation", "half_saturation=two"):
        with pytest.raises(constants.UserError):
            constants.with_parameters(SYSTEM, [wrong])


def test_command_finds_constants_off_the_grid(capsys):
    arguments = ["--parameter", "half_saturation=1.4", "--noise", "0.005", "--seeds", "1"]
    assert constants.main([*arguments, "--conditions", "4", "--points", "40"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("seed   0  exact  central: K") and "refined" in lines[0]
    assert lines[1].startswith("K and n within 5 % in 1 of 1 seeds")


def test_command_refuses_what_it_cannot_do(capsys):
    assert constants.main(["--parameter", "speed=3"]) == 2
    assert "half_saturation" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        constants.main(["--points", "2"])


def test_missing_and_doubled_terms_are_not_found():
    found = constants.FoundConstant("x", "mm(x,1)", None)
    assert not found.found and "not found" in constants.line(0, [found], False, 1.0)
    near = constants.FoundConstant("x", "mm(x,1)", (0.04, 0.0), True, (True, True))
    far = constants.FoundConstant("x", "mm(x,1)", (0.04, -0.06), True, (True, False))
    assert near.found and not far.found
    text = constants.closing([near, far, found], 1, 2, 3)
    assert "in 1 of 3 seeds (1 of 3 terms)" in text and "refined 2 of 3" in text
    assert np.all([w in text for w in ("hold K in 2", "n in 1")])
