"""Calibration: positions, coverage, envelopes, drawn truths, and how a suite sums them up."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, kstest

from twinlab.benchmark.calibration import calibration, calibration_text
from twinlab.benchmark.calibration_metrics import (
    NOMINAL,
    calibration_metrics,
    central,
    model_pairs,
    position,
)
from twinlab.benchmark.calibration_page import calibration_part
from twinlab.benchmark.cells import Cell, make_case
from twinlab.benchmark.measure import new_row
from twinlab.benchmark.metrics import judge
from twinlab.benchmark.results import Results
from twinlab.benchmark.scoring import Answer, PosteriorSample
from twinlab.benchmark.statistics import Reliability
from twinlab.benchmark.suites import CALIBRATION, make_suite
from twinlab.benchmark.uniformity import ecdf_excess, envelope, histogram_envelope, places
from twinlab.errors import UserError
from twinlab.expressions import parse_term


def test_positions_are_uniform_where_truth_and_draws_are_exchangeable() -> None:
    rng = np.random.default_rng(1)
    pit = [float(position(rng.normal(size=19), rng.normal(), rng)) for _ in range(3000)]
    assert kstest(pit, "uniform").pvalue > 0.01


def test_positions_of_ties_are_spread_over_their_ranks() -> None:
    rng = np.random.default_rng(2)
    draws = np.array([0.0, 1.0, 1.0, 2.0])
    pit = np.array([float(position(draws, 1.0, rng)) for _ in range(500)])
    assert 0.2 <= pit.min() < 0.25 and 0.75 < pit.max() <= 0.8


def test_central_intervals_hold_what_lies_between_their_quantiles() -> None:
    draws = np.linspace(0.0, 1.0, 101)[:, None, None]
    values = np.array([[0.04], [0.06], [0.5], [0.96]])
    draws = np.broadcast_to(draws, (101, 4, 1))
    assert central(draws, values, 0.9).ravel().tolist() == [False, True, True, False]


@pytest.mark.parametrize("n", [30, 400])
def test_envelope_holds_uniform_samples_whole_with_its_level(n: int) -> None:
    low, high = envelope(n)
    rng = np.random.default_rng(7)
    at = places()
    samples = rng.uniform(size=(3000, n))
    share = (samples[:, :, None] <= at).mean(axis=1) if n < 100 else np.stack(
        [np.searchsorted(np.sort(s), at, side="right") / n for s in samples]
    )  # fmt: skip
    inside = ((share >= low) & (share <= high)).all(axis=1).mean()
    assert 0.93 <= inside <= 0.98
    # wider than the pointwise interval of the same level
    assert (high - low >= (binom.ppf(0.975, n, at) - binom.ppf(0.025, n, at)) / n).all()


def test_excess_tells_uniform_from_overconfident() -> None:
    rng = np.random.default_rng(3)
    uniform = [ecdf_excess(rng.uniform(size=200)) for _ in range(400)]
    assert 0.02 <= np.mean(np.array(uniform) > 1.0) <= 0.09
    assert ecdf_excess(rng.beta(0.5, 0.5, size=300)) > 1.0


def test_histogram_envelope_holds_all_bins_at_once() -> None:
    low, high = histogram_envelope(300, 20)
    drawn = np.random.default_rng(4).multinomial(300, np.full(20, 0.05), 3000)
    inside = ((drawn >= low) & (drawn <= high)).all(axis=1).mean()
    assert 0.93 <= inside <= 0.99


# ------------------------------------------------------------------------------- drawn truths


def test_truth_is_drawn_anew_for_every_seed_and_repeats() -> None:
    cells = [Cell("seir", seed=seed, jitter=0.2) for seed in (0, 1, 0)]
    first, second, again = (make_case(cell) for cell in cells)
    assert first.truth != second.truth
    assert first.truth == again.truth
    assert np.array_equal(first.study.trajectories[0].value, again.study.trajectories[0].value)
    assert {s: set(row) for s, row in first.truth.items()} == {
        s: set(row) for s, row in make_case(Cell("seir")).truth.items()
    }


def test_drawn_rates_are_log_normal_around_the_standard_ones() -> None:
    standard = make_case(Cell("toggle", points=5, conditions=1)).truth["u"]["u"]
    drawn = [
        make_case(Cell("toggle", seed=s, points=5, conditions=1, jitter=0.3)).truth["u"]["u"]
        for s in range(60)
    ]
    logs = np.log(np.array(drawn) / standard)
    assert abs(logs.mean()) < 0.12 and 0.22 < logs.std() < 0.38


def test_no_jitter_is_the_standard_truth_and_too_much_is_refused() -> None:
    case = make_case(Cell("seir", points=5))
    assert case.truth == {s: dict(row) for s, row in case.system.equations.items()}
    with pytest.raises(UserError, match="jitter"):
        Cell("seir", jitter=2.0)


# ------------------------------------------------------------------------- from answer to table


def _sample(case, width: float, rng: np.random.Generator, n: int = 200) -> PosteriorSample:
    """Draws around a centre that itself is off by the width: calibrated at width 1."""

    def around(value, spread):
        centre = value + spread * rng.standard_normal(np.shape(value))
        return centre + width * spread * rng.standard_normal((n, *np.shape(value)))

    coefficients = {
        (s, t): around(np.float64(v), 0.1 * abs(v))
        for s, row in case.truth.items()
        for t, v in row.items()
    }
    return PosteriorSample(
        coefficients,
        lambda k, _time: around(case.clean[k], 0.1),
        lambda start, _time, _u: around(
            next(t.clean for t in case.tests if np.array_equal(t.start, start)), 0.1
        ),
    )


def _rows(width: float, count: int = 40) -> list[dict]:
    rng = np.random.default_rng(5)
    rows = []
    for seed in range(count):
        case = make_case(Cell("predator_prey", seed=seed, points=10, conditions=1, jitter=0.2))
        answer = Answer(
            case.truth,
            alternatives=((0.7, case.truth), (0.3, {"prey": {"prey": 1.0}, "predator": {}})),
            inclusion={(s, t): 0.6 for s, row in case.truth.items() for t in row},
            posterior=_sample(case, width, rng),
        )
        rows.append({"metrics": judge(answer, case), "cell": case.cell})
    return rows


@pytest.fixture(scope="module")
def calibrated() -> list[dict]:
    return _rows(1.0)


def test_a_calibrated_answer_is_found_calibrated(calibrated: list[dict]) -> None:
    summary = calibration("all", calibrated)
    assert summary is not None and summary.n == 40 and summary.pit.size == 160
    for level in NOMINAL:
        low, high = summary.coefficients[level][1:]
        assert low - 0.03 <= level / 100 <= high + 0.03
        assert abs(summary.fitted[level][0] - level / 100) < 0.05
        assert abs(summary.fresh[level][0] - level / 100) < 0.05
    assert ecdf_excess(summary.pit) < 1.2
    assert summary.held == 1.0


def test_an_overconfident_answer_is_found_out() -> None:
    summary = calibration("all", _rows(0.3))
    assert summary is not None
    assert summary.coefficients[90][0] < 0.55 and summary.fresh[90][0] < 0.55
    assert ecdf_excess(summary.pit) > 1.5


def test_probabilities_of_models_are_held_against_the_truth(calibrated: list[dict]) -> None:
    summary = calibration("all", calibrated)
    assert summary is not None and summary.top is not None and summary.models is not None
    assert summary.top.total.sum() / summary.top.n.sum() == pytest.approx(0.7)
    assert summary.top.true.sum() == 40
    assert summary.models.n.sum() == 80 and summary.models.true.sum() == 40
    assert summary.inclusion is not None and summary.inclusion.middle_n == 160
    assert summary.inclusion.middle_gap == pytest.approx(0.4)
    assert summary.inclusion.largest_gap() == pytest.approx(0.4)


def test_terms_that_few_draws_hold_have_no_rank() -> None:
    case = make_case(Cell("predator_prey", points=10, conditions=1))
    sample = _sample(case, 1.0, np.random.default_rng(0))
    draws = dict(sample.coefficients)
    draws["prey", "prey"] = np.where(np.arange(200) < 19, draws["prey", "prey"], 0.0)
    del draws["predator", "predator"]
    answer = Answer(case.truth, posterior=PosteriorSample(draws, sample.fitted, sample.forecast))
    names = case.library.names
    true = {(s, parse_term(t, names).text): v for s, r in case.truth.items() for t, v in r.items()}
    out = calibration_metrics(answer, case, true)
    assert out is not None
    assert "prey:prey" not in out["pit"] and "predator:predator" not in out["pit"]
    assert out["held"]["prey:prey"] == pytest.approx(0.095)
    assert out["held"]["predator:predator"] == 0.0 and len(out["pit"]) == 2


def test_withheld_probabilities_are_not_judged() -> None:
    case = make_case(Cell("predator_prey", points=10, conditions=1))
    answer = Answer(case.truth, alternatives=((0.9, case.truth),), inclusion=None)
    assert model_pairs(answer, lambda _other: True) is None
    assert judge(answer, case)["models"] is None
    assert judge(answer, case)["calibration"] is None  # no posterior draws either


def test_log_score_of_sure_and_unsure_probabilities() -> None:
    table = Reliability.of([(0.8, True), (0.8, False), (0.0, False)])
    wanted = -(np.log(0.8) + np.log(0.2) + np.log(1 - 1e-3)) / 3
    assert table.log_score == pytest.approx(wanted)
    assert Reliability.from_json(table.to_json()).log_score == pytest.approx(wanted)


def test_the_suite_prints_and_draws_its_figures(calibrated: list[dict]) -> None:
    suite = make_suite("calibration", 2)
    assert len(suite.cells()) == 2 * len(CALIBRATION)
    assert all(cell.jitter > 0 for cell in suite.cells())
    results = Results()
    for cell, made in zip(suite.cells(), calibrated, strict=False):
        row = new_row(cell, "twinlab", suite.budget)
        results.add({**row, "outcome": "answered", "metrics": made["metrics"]})
    figures: dict = {}
    part = calibration_part(suite, "twinlab", results, figures)
    assert part is not None and len(part["plots"]) == 8
    assert set(figures) == {name for name, _ in part["plots"]}
    assert "inclusion: mean probability" in part["text"] and "simultaneous 95 %" in part["text"]
    assert part["text"].count("\nlogistic") == 1 and "\nall " in part["text"]
    assert calibration_text([]) == []
    assert calibration_part(make_suite("smoke"), "twinlab", results, {}) is None
