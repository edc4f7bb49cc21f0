"""Methods whose worth is known: the truth, nothing, and bands that lie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from twinlab.benchmark.adapters import METHODS, find_method
from twinlab.benchmark.cells import Cell, make_case
from twinlab.benchmark.measure import measure
from twinlab.benchmark.metrics import coefficient_error, judge, support_metrics
from twinlab.benchmark.scoring import ERROR_CAP, Answer
from twinlab.benchmark.statistics import Reliability
from twinlab.errors import UserError

CELLS = (
    Cell("predator_prey", points=12),
    Cell("chemostat", conditions=3, points=12),  # driven
    Cell("pk_saturable", conditions=3, points=12, variation="rates"),
    Cell("seir", conditions=3, points=12, hidden=1),
    Cell("seir", conditions=3, points=12, variation="knockout"),
    Cell("predator_prey", points=12, library="removed"),
    Cell("predator_prey", points=12, library="x5", sampling="irregular"),
)


def scores(method: str, cell: Cell) -> dict:
    case = make_case(cell)
    return judge(METHODS[method](case, 10.0), case)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.system}-{cell.key[-60:]}")
def test_the_truth_scores_one_everywhere(cell):
    got = scores("truth", cell)
    assert got["exact"] is True
    assert (got["precision"], got["recall"], got["f1"]) == (1.0, 1.0, 1.0)
    assert got["coefficient_error"] == 0.0
    assert got["covered90"] == got["covered50"] == got["n_true"]
    assert got["band90"] == got["band50"] == got["n_band"] > 0
    assert got["nrmse"] < 1e-4 and got["diverged"] == 0
    if not cell.hidden:
        assert got["nrmse_condition"] < 1e-4
    table = Reliability.from_json(got["reliability"])
    assert table.brier == 0.0 and table.calibration_error() == 0.0
    assert got["hidden_correlation"] == (pytest.approx(1.0) if cell.hidden else None)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.system}-{cell.key[-60:]}")
def test_nothing_scores_zero(cell):
    got = scores("nothing", cell)
    assert got["exact"] is False
    assert (got["precision"], got["recall"], got["f1"]) == (0.0, 0.0, 0.0)
    assert got["coefficient_error"] == pytest.approx(1.0)
    assert got["covered90"] == got["covered50"] == got["band90"] == got["band50"] == 0
    assert got["nrmse"] > 0.3
    assert Reliability.from_json(got["reliability"]).brier > 0.0
    assert got["hidden_correlation"] == (0.0 if cell.hidden else None)


def test_narrow_bands_fail_the_coverage_row():
    got = scores("narrow", CELLS[0])
    assert got["exact"] and got["nrmse"] < 0.3
    assert got["covered90"] == 0
    assert got["band90"] < 0.1 * got["n_band"]


def test_a_failure_scores_nothing_and_counts_the_cap():
    case = make_case(CELLS[0])
    got = judge(Answer({"prey": {"prey": 1.0}}, failure="no"), case)
    assert got["f1"] == 0.0 and not got["exact"]
    assert got["nrmse"] == got["nrmse_condition"] == ERROR_CAP
    assert got["covered90"] == got["band90"] == 0
    assert got["reliability"] is None


def test_a_method_without_intervals_or_bands_is_not_judged_on_them():
    case = make_case(CELLS[0])
    got = judge(Answer(case.truth), case)
    assert got["exact"]
    assert got["covered90"] is got["band90"] is got["reliability"] is None


def test_known_interventions_are_applied_to_the_terms_of_the_model():
    case = make_case(Cell("seir", conditions=3, points=12, variation="knockout"))
    changed = next(t for t in case.tests if t.kind == "condition")
    assert any(f != 1.0 for f in changed.factors.values())
    untold = replace(changed, factors=dict.fromkeys(changed.factors, 1.0))
    blind = replace(case, tests=(*case.tests[:-1], untold))
    assert judge(Answer(case.truth), case)["nrmse_condition"] < 1e-4
    assert judge(Answer(case.truth), blind)["nrmse_condition"] > 0.05


def test_refined_constants_near_the_truth_are_the_true_term():
    case = make_case(Cell("pk_saturable", conditions=3, points=12))
    near = {s: dict(row) for s, row in case.truth.items()}
    (state, term) = next((s, t) for s, row in near.items() for t in row if "mm(" in t)
    value = near[state].pop(term)
    near[state]["mm(central,2.1)"] = value
    assert judge(Answer(near), case)["exact"]
    near[state].pop("mm(central,2.1)")
    near[state]["mm(central,3)"] = value
    assert not judge(Answer(near), case)["exact"]


def test_support_and_error_by_hand():
    true = {("x", "x"): 3.0, ("y", "x*y"): 4.0}
    found = {("x", "x"): 3.0, ("y", "1"): 1.0}
    got = support_metrics(found, true, unwritten=1)
    assert got["precision"] == pytest.approx(1 / 3)
    assert got["recall"] == 0.5
    assert got["f1"] == pytest.approx(2 / 5)
    assert got["missing"] == ["y:x*y"] and got["extra"] == ["y:1"]
    assert coefficient_error(found, true) == pytest.approx(np.sqrt(1 + 16) / 5)


def test_unknown_methods_are_refused_with_the_list():
    with pytest.raises(UserError, match="twinlab"):
        find_method("sindi")
    with pytest.raises(UserError, match="cannot be loaded"):
        find_method("no.such.module:answer").load()


def test_our_own_method_fills_every_column():
    cell = Cell("predator_prey", points=25, noise=0.05)
    row = measure({"cell": vars(cell), "method": "twinlab", "budget": 60})
    got = row["metrics"]
    assert row["outcome"] == "answered" and got["f1"] > 0.8
    assert 0 < got["band50"] < got["band90"] <= got["n_band"]
    assert got["covered50"] <= got["covered90"] <= got["n_true"]
    assert sum(got["reliability"]["n"]) == 12
    assert row["seconds"] > 0 and row["versions"]["source"] and row["seed"] == 0


def test_the_ceiling_finds_the_coefficients():
    cell = Cell("pk_saturable", conditions=3, points=30, noise=0.01)
    row = measure({"cell": vars(cell), "method": "nls", "budget": 60})
    assert row["metrics"]["exact"] and row["metrics"]["coefficient_error"] < 0.05
    assert row["metrics"]["nrmse"] < 0.05
