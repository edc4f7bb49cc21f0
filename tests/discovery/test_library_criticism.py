"""Is the truth in the library: score tests, proposals, the alarm and what it withholds."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.stats import chi2, kstest
from scipy.stats import f as f_distribution

from twinlab.discovery import (
    NOT_IN_LIBRARY,
    Discovery,
    Settings,
    discover,
    discovery_mapping,
    dumps,
    withheld,
)
from twinlab.discovery.lack_of_fit import discrepancy_tests, replicate_test, score_test
from twinlab.discovery.model_prior import SLAB_SHARE
from twinlab.discovery.proposals import imitators_removed
from twinlab.discovery.result import Proposal
from twinlab.discovery.search import Weighed, prepare_starts, weigh
from twinlab.discovery.steps import SCALE_FREEDOM, Frame, Point, linearise
from twinlab.discovery.wider_library import MOST_COLUMNS, extended
from twinlab.library import Library
from twinlab.study import Study

from .conftest import predator_prey

QUICK = Settings(starts=1, draws=40)


def lacking(study: Study, *columns: tuple[str, str]) -> Library:
    """The quadratic library without some columns."""
    library = Library.polynomial(study, degree=2)
    gone = {library.find(*column) for column in columns}
    return library.restrict(c for c in range(len(library.columns)) if c not in gone)


def best_of(discovery: Discovery) -> tuple[Frame, Weighed]:
    frame = prepare_starts(discovery.problem, discovery.settings)[0].frame
    best = discovery.best
    point = Point(best.columns, best.coefficients, best.initial)
    weighed = weigh(frame, point, discovery.noise)
    assert weighed is not None
    return frame, weighed


@pytest.fixture(scope="module")
def incomplete() -> Discovery:
    study = predator_prey(seed=1, n_condition=3, noise=0.05)
    return discover(study, lacking(study, ("predator", "predator")), settings=QUICK, seed=1)


# --------------------------------------------------------------------------------- the F test


def test_score_test_is_the_f_test_of_added_columns() -> None:
    """Against two regressions, one without and one with the columns (Fisher's extra squares)."""
    rng = np.random.default_rng(0)
    base, extra = rng.standard_normal((40, 3)), rng.standard_normal((40, 4))
    y = rng.standard_normal(40)
    without = y - base @ np.linalg.lstsq(base, y, rcond=None)[0]
    both = np.hstack([base, extra])
    within = y - both @ np.linalg.lstsq(both, y, rcond=None)[0]
    small, large = within @ within, without @ without
    exact = f_distribution.sf((large - small) / 4 / (small / 33), 4, 33)
    rest = extra - base @ np.linalg.lstsq(base, extra, rcond=None)[0]
    assert score_test(rest.T @ without, rest.T @ rest, large, 37) == pytest.approx(exact)


def test_score_test_does_not_count_directions_it_knows_nothing_of() -> None:
    variance = np.diag([1.0, 2.0, 0.0])
    score = np.array([1.0, -1.0, 0.0])
    assert score_test(score, variance, 20.0, 20) == score_test(
        score[:2], variance[:2, :2], 20.0, 20
    )
    assert np.isnan(score_test(np.zeros(2), np.zeros((2, 2)), 5.0, 10))
    assert np.isnan(score_test(score, variance, 5.0, 1))


def test_large_samples_give_the_chi_square() -> None:
    exact = chi2.sf(9.0, 1)
    assert score_test(np.array([3.0]), np.eye(1), 5000.0, 5000) == pytest.approx(exact, rel=0.05)


# ------------------------------------------------------------------------------- score tests


def growth(seed: int, push: float = 0.0) -> Study:
    """Exponential decay, pushed by a slow wave that no term of the library can express."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0.0, 5.0, 25)
    values = []
    for start in (1.0, 2.0):
        x = solve_ivp(
            lambda t, x: -0.6 * x + push * np.sin(1.2 * t), (0, 5), [start], "RK45", time,
            rtol=1e-8, atol=1e-8,
        ).y.T  # fmt: skip
        values.append(x + 0.04 * rng.standard_normal(x.shape))
    return Study.from_arrays("decay", ["a"], [time, time], values)


def decay_fit(study: Study) -> tuple[Frame, Weighed]:
    from twinlab.discovery.noise import make_noise
    from twinlab.discovery.problem import make_problem
    from twinlab.knowledge import Knowledge

    library = Library.user_terms(study, ["a"])
    problem = make_problem(study, library, Knowledge())
    frame = prepare_starts(problem, QUICK)[0].frame
    noise = make_noise(problem, "constant", frame.smooth.sd, frame.smooth.at_data)
    point = Point(np.array([0]), np.array([-0.6]), frame.initial_prior.mean.copy())
    weighed = weigh(frame, point, noise)
    assert weighed is not None
    return frame, weighed


def test_the_true_model_is_not_alarmed_more_often_than_said() -> None:
    """Fixed structure, no selection: the p-values are uniform."""
    p = []
    for seed in range(60):
        frame, best = decay_fit(growth(seed))
        p.append(float(discrepancy_tests(frame, best.fit, best.noise)[0]))
    assert kstest(p, "uniform").pvalue > 0.01
    assert np.mean(np.array(p) < 0.05) <= 0.15


def test_a_push_that_no_term_explains_is_seen() -> None:
    for seed in range(5):
        frame, best = decay_fit(growth(seed, push=0.4))
        assert discrepancy_tests(frame, best.fit, best.noise)[0] < 0.01


def test_residuals_beyond_the_scatter_of_replicates_are_seen() -> None:
    rng = np.random.default_rng(0)
    time = np.linspace(0.0, 5.0, 20)

    def study(bend: float) -> Study:
        clean = np.exp(-0.6 * time) + bend * np.sin(2.0 * time)
        thrice = clean + 0.02 * rng.standard_normal((3, time.size))
        mean = thrice.mean(axis=0)[:, None]
        plain = Study.from_arrays("replicates", ["a"], [time], [mean])
        spread = ((thrice - thrice.mean(axis=0)) ** 2).sum(axis=0)[:, None]
        trajectory = replace(plain.trajectories[0], count=np.full((time.size, 1), 3), spread=spread)
        return replace(plain, trajectories=(trajectory,))

    right, wrong = decay_fit(study(0.0)), decay_fit(study(0.1))
    assert (right[0].problem.count == 3).all()
    assert replicate_test(right[0].problem, right[1].fit, right[1].noise) > 0.02
    assert replicate_test(wrong[0].problem, wrong[1].fit, wrong[1].noise) < 1e-4
    # Limits among the values, replicates of them too, neither hide a lack of fit nor feign one.
    for (frame, best), enough in ((right, 0.02), (wrong, 0.0)):
        below = np.zeros(frame.problem.value.shape, bool)
        below[-4:] = True
        some = replace(frame.problem, censored=below)
        p = replicate_test(some, best.fit, best.noise)
        assert p > enough if enough else p < 1e-3
        assert p == replicate_test(replace(some, spread=some.spread * ~below), best.fit, best.noise)
    heavy = replace(wrong[1].noise, model="student")
    assert np.isnan(replicate_test(wrong[0].problem, wrong[1].fit, heavy))
    alone = decay_fit(growth(0))
    assert np.isnan(replicate_test(alone[0].problem, alone[1].fit, alone[1].noise))


# --------------------------------------------------------------------------------- extension


def test_the_extension_holds_no_term_of_the_library_and_every_usual_one(found: Discovery) -> None:
    problem = found.problem
    active = found.best.columns
    wider = extended(problem, active, found.settings)
    own = {(c.stoichiometry, problem.library.terms[c.term]) for c in problem.library.columns}
    new = wider.library.columns[len(active) :]
    assert not own & {(c.stoichiometry, wider.library.terms[c.term]) for c in new}
    assert len(new) == len(set(new)) <= MOST_COLUMNS
    texts = {wider.library.terms[c.term].text for c in new if c.stoichiometry[0][0] == 0}
    assert {"predator^3", "predator*prey^2"} <= texts
    assert any(t.startswith("prey*mm(predator") for t in texts)
    assert any(t.startswith("repress(prey") for t in texts)
    assert [wider.library.column_label(i) for i in range(len(active))] == [
        problem.library.column_label(int(c)) for c in active
    ]


def test_a_removed_term_is_in_the_extension(incomplete: Discovery) -> None:
    wider = extended(incomplete.problem, incomplete.best.columns, incomplete.settings)
    column = wider.library.find("predator", "predator")
    assert column >= len(incomplete.best.columns)


# ------------------------------------------------------------------------- backward elimination


def _value(frame: Frame, gram, columns) -> float:
    """Log posterior of one support on the regression, term by term."""
    a = gram.matrix[np.ix_(columns, columns)] + np.diag(frame.precision[columns])
    w = np.linalg.solve(a, gram.vector[columns])
    scale = SLAB_SHARE / np.sqrt(frame.precision[columns])
    slab = -(np.log(np.pi * scale) + np.log1p((w / scale) ** 2)).sum()
    squares = gram.yy - gram.vector[columns] @ w
    from twinlab.discovery.model_prior import log_support_prior

    return float(
        -0.5 * (gram.n + SCALE_FREEDOM) * np.log(squares + SCALE_FREEDOM)
        - 0.5 * np.linalg.slogdet(a)[1]
        + 0.5 * len(columns) * np.log(2 * np.pi)
        + slab
        + log_support_prior(frame.prior, np.asarray(columns))
    )


def test_elimination_gives_what_a_plain_computation_gives(found: Discovery) -> None:
    frame, best = best_of(found)
    gram = linearise(frame, best.fit, best.noise, 0.0)
    assert gram is not None
    true = best.fit.columns
    # an imitator stands in for a true term: adding the term must take it out
    spare = next(c for c in range(frame.problem.n_column) if c not in true)
    active = np.sort(np.append(true[1:], spare))
    candidates = np.setdiff1d(np.arange(frame.problem.n_column), active)
    supports, gains = imitators_removed(frame, gram, active, candidates)
    base = _value(frame, gram, active)
    for support, gain, new in zip(supports, gains, candidates, strict=True):
        assert new in support
        assert gain == pytest.approx(_value(frame, gram, support) - base, abs=1e-5)
    winner = int(np.argmax(gains))
    assert candidates[winner] == true[0]
    assert np.array_equal(supports[winner], true)


def test_required_terms_are_never_taken_out(found: Discovery) -> None:
    frame, best = best_of(found)
    gram = linearise(frame, best.fit, best.noise, 0.0)
    assert gram is not None
    spare = next(c for c in range(frame.problem.n_column) if c not in best.fit.columns)
    required = np.zeros(frame.problem.n_column, bool)
    required[spare] = True
    frame = replace(frame, prior=frame.prior._replace(required=required))
    active = np.sort(np.append(best.fit.columns, spare))
    candidates = np.setdiff1d(np.arange(frame.problem.n_column), active)
    supports, _ = imitators_removed(frame, gram, active, candidates)
    assert all(spare in support for support in supports)


# ------------------------------------------------------------------------------ the whole alarm


def test_the_missing_term_is_proposed_first(incomplete: Discovery) -> None:
    first = incomplete.proposals[0]
    assert (first.state, first.term) == ("predator", "predator")
    assert first.gain > 20.0
    assert len(incomplete.proposals) <= 5
    assert sorted((p.gain for p in incomplete.proposals), reverse=True) == [
        p.gain for p in incomplete.proposals
    ]
    text = next(w.text for w in incomplete.warnings if w.code == NOT_IN_LIBRARY)
    assert "Adding predator to d predator/dt" in text and f"about {first.gain:.0f}" in text


def test_the_gain_is_what_the_evidence_rises_by_when_the_term_is_added(
    incomplete: Discovery,
) -> None:
    whole = discover(
        incomplete.study, Library.polynomial(incomplete.study, degree=2), settings=QUICK, seed=1
    )
    rise = whole.best.evidence - incomplete.best.evidence
    assert not whole.proposals and withheld(whole) is None
    # the wider library's size prior (hundreds of columns instead of twelve) is in the gain
    assert incomplete.proposals[0].gain == pytest.approx(rise, abs=15.0)


def test_probabilities_are_withheld_and_the_file_says_why(incomplete: Discovery) -> None:
    why = withheld(incomplete)
    assert why is not None and "no model of this library is right" in why
    mapping = json.loads(dumps(discovery_mapping(incomplete)))
    assert mapping["withheld"] == why
    assert mapping["proposals"][0]["term"] == "predator"


def test_a_complete_library_raises_no_alarm(found: Discovery) -> None:
    assert withheld(found) is None and found.proposals == ()
    assert NOT_IN_LIBRARY not in {w.code for w in found.warnings}
    assert discovery_mapping(found)["withheld"] is None
    assert len(found.diagnostics["lack_of_fit"]["discrepancy"]) == 2


def test_every_reason_to_withhold_is_told(found: Discovery) -> None:
    assert "did not converge" in str(withheld(replace(found, status="failed")))
    assert "2.31" in str(withheld(replace(found, chi2_per_point=2.31)))
    assert "not finite" in str(withheld(replace(found, chi2_per_point=float("nan"))))
    lacking = Proposal("prey", "predator", 12.0)
    assert "by 12" in str(withheld(replace(found, proposals=(lacking,))))
    # Short of decisive, the warning stands beside the probabilities.
    assert withheld(replace(found, proposals=(replace(lacking, gain=6.0),))) is None


def test_the_same_seed_proposes_the_same(incomplete: Discovery) -> None:
    again = discover(incomplete.study, incomplete.library, settings=QUICK, seed=1)
    assert again.proposals == incomplete.proposals
