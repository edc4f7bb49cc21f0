"""Coefficients that differ between conditions or subjects are found, named, and not invented."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.stats import multivariate_normal

from twinlab.discovery import Settings, discover, local_coefficients
from twinlab.discovery.apart import found_apart, starts_apart
from twinlab.discovery.covariates import candidates_of, known_covariates
from twinlab.discovery.mixed import Mixed, Quadratic, _LocalFirst, _SharedFirst
from twinlab.discovery.problem import make_problem
from twinlab.discovery.question import question_of
from twinlab.discovery.search import prepare_starts, run_starts
from twinlab.errors import UserError
from twinlab.kernels import Initial
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study


def prey_and_predators(seed, factors, conditions, *, noise=0.05, n=25):
    """Predator-prey; `factors` (n_trajectory, 4) multiply the four rates."""
    rng, time = np.random.default_rng(seed), np.linspace(0, 8, n)
    clean = []
    for factor in factors:
        a, b, c, d = np.array([1.0, 0.5, 1.0, 0.5]) * factor
        clean.append(
            solve_ivp(
                lambda t, x, a=a, b=b, c=c, d=d: [
                    a * x[0] - b * x[0] * x[1], d * x[0] * x[1] - c * x[1]
                ],
                (0, 8), rng.uniform(0.5, 3, 2), "DOP853", time, rtol=1e-8, atol=1e-8,
            ).y.T
        )  # fmt: skip
    sd = np.concatenate(clean).std(axis=0)
    values = [x + noise * sd * rng.standard_normal(x.shape) for x in clean]
    return Study.from_arrays(
        "pp", ["prey", "predator"], [time] * len(values), values, conditions=conditions
    )


def found(study, **settings):
    library = Library.polynomial(study, degree=2)
    return discover(study, library, seed=0, settings=Settings(draws=40, starts=2, **settings))


TRUE = {
    "d prey/dt: prey",
    "d prey/dt: predator*prey",
    "d predator/dt: predator",
    "d predator/dt: predator*prey",
}


def labels(discovery):
    return {discovery.library.column_label(int(c)) for c in discovery.best.columns}


def test_one_odd_condition_is_named_and_none_is_invented():
    names = [f"c{i}" for i in range(6)]
    factors = np.ones((6, 4))
    assert found(prey_and_predators(1, factors, names)).variation is None
    factors[2, 2] = 1.7
    study = prey_and_predators(1, factors, names)
    discovery = found(study)
    # One fit for all takes the odd condition for further terms.
    assert labels(discovery) == TRUE
    [effect] = discovery.variation.effects
    assert effect.label == "d predator/dt: predator" and effect.probability > 0.95
    assert discovery.varying.effects[effect.effect].name == "c2"
    assert effect.size90[0] < np.log(1.7) < effect.size90[1]
    assert discovery.r_squared.min() > 0.95
    assert any("c2" in w.text for w in discovery.warnings if w.code == "varies")
    assert found(study, vary="nothing").variation is None


def test_variation_by_subject_with_shrunken_estimates():
    rng = np.random.default_rng(4)
    deviation = 0.3 * rng.standard_normal(8)
    factors = np.ones((8, 4))
    factors[:, 0] = np.exp(deviation)
    discovery = found(prey_and_predators(4, factors, [""] * 8))
    assert labels(discovery) == TRUE
    [term] = discovery.variation.terms
    assert term.label == "d prey/dt: prey"
    assert term.omega90[0] < deviation.std() < term.omega90[1]
    own = discovery.best.local
    assert np.abs(own.deviation[:, 0] - deviation + deviation.mean()).max() < 0.25
    assert np.corrcoef(own.deviation[:, 0], deviation)[0, 1] > 0.98
    # Draws of a subject have its own coefficient.
    column = discovery.library.find("prey", "prey")
    drawn = discovery.posterior.of(2)[:, column].mean()
    assert drawn == pytest.approx(np.exp(deviation[2]), rel=0.1)


def a_quadratic(rng, n=7, d=2, k=3):
    """A linear mixed model and its rows."""
    rows = 6
    shared, local = rng.standard_normal((n, rows, k)), rng.standard_normal((n, rows, d + k))
    y = rng.standard_normal((n, rows)) + shared @ np.resize([1.0, -1.0, 0.5], k)
    return (
        Quadratic(
            float((y**2).sum()),
            np.einsum("rik,ril->kl", shared, shared),
            np.einsum("rik,ri->k", shared, y),
            np.einsum("rik,ril->rkl", local, local),
            np.einsum("rik,ri->rk", local, y),
            np.einsum("rik,ril->rkl", shared, local),
            float(n * rows),
        ),
        shared,
        local,
        y,
    )


def test_evidence_is_that_of_the_dense_normal_model():
    """Differences of log evidences at a scale of one against dense covariances."""
    rng = np.random.default_rng(3)
    cost, shared, local, y = a_quadratic(rng)
    prior = Initial(rng.standard_normal((7, 2)), np.full((7, 2), 0.5))
    mixed = object.__new__(Mixed)
    mixed.cost, mixed.place, mixed.met = cost.without_states(prior), {}, {}
    mixed.free, mixed.held = np.arange(3), np.zeros(0, int)
    mixed.slab, mixed.known = np.full(3, 0.2), np.zeros(0)
    omega = np.array([0.4, 0.7])
    own = mixed.cost.of(mixed.free, np.array([0, 2]))
    solved = mixed._solve(mixed.solver(own, 0), omega)
    used = [0, 1, 2, 4]
    # Dense: all rows jointly normal, the scale marginalised (multivariate t).
    design = np.concatenate(shared) * 1.0
    covariance = np.eye(42) + design @ design.T / 0.2
    centre = np.zeros(42)
    for r in range(7):
        own = local[r][:, used]
        part = slice(6 * r, 6 * r + 6)
        spread = np.diag([2.0, 2.0, 0.4**2, 0.7**2])
        covariance[part, part] += own @ spread @ own.T
        centre[part] = own[:, :2] @ prior.mean[r]
    gap = np.concatenate(y) - centre
    square = gap @ np.linalg.solve(covariance, gap)
    dense = -0.5 * np.linalg.slogdet(covariance)[1]
    dense -= 0.5 * (42 + 20) * np.log((20 + square) / (42 + 20))
    assert solved.value == pytest.approx(dense, rel=1e-8)
    assert multivariate_normal(centre, covariance).logpdf(np.concatenate(y)) < 0
    assert solved.mean.shape == solved.variance.shape == (7, 2)
    assert (solved.variance < omega**2).all()


def test_the_order_in_which_things_are_integrated_out_does_not_matter():
    rng = np.random.default_rng(4)
    cost, *_ = a_quadratic(rng, k=6)
    own = cost.without_states(Initial(np.zeros((7, 2)), np.ones((7, 2))))
    own = own.of(np.arange(6), np.array([1, 4]))
    slab, known, omega = rng.uniform(0.1, 1.0, 5), np.array([0.7]), np.array([0.3, 0.8])
    local, shared = (kind(own, slab, known, 2).at(omega) for kind in (_LocalFirst, _SharedFirst))
    for a, b in zip(local, shared, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)
    assert local.effects.shape == local.effects_variance.shape == (2,)


def test_covariates_as_columns():
    study = prey_and_predators(0, np.ones((4, 4)), ["a", "a", "b", "b"])
    own = [{"weight": w, "sex": s} for w, s in zip([50, 60, 80, 90.5], [0, 1, 1, 0], strict=True)]
    study = replace(
        study,
        trajectories=tuple(
            replace(t, covariates=c) for t, c in zip(study.trajectories, own, strict=True)
        ),
    )
    names = known_covariates(study, None)
    assert names == ("weight", "sex")
    made = candidates_of(study, True, names)
    assert [(c.kind, c.name) for c in made] == [
        ("condition", "b"), ("power", "weight"), ("group", "sex")
    ]  # fmt: skip
    np.testing.assert_allclose(made[1].value, np.log(np.array([50, 60, 80, 90.5]) / 70))
    with pytest.raises(UserError, match="no covariate 'height'"):
        known_covariates(study, ("height",))
    lacking = replace(study.trajectories[1], covariates={"sex": 1.0})
    study = replace(study, trajectories=(study.trajectories[0], lacking))
    with pytest.raises(UserError, match="weight is missing for 2"):
        known_covariates(study, ("weight",))


def test_wrong_requests_are_refused():
    study = prey_and_predators(0, np.ones((2, 4)), ["", ""])
    with pytest.raises(UserError, match="fewer than two"):
        found(study, vary="condition")
    with pytest.raises(UserError, match="cannot vary by 'moon'"):
        found(study, vary="moon")
    with pytest.raises(UserError, match="no term 'prey\\^3'"):
        found(study, vary="subject", vary_terms=("prey^3",))


def levels_of_their_own(n=14):
    """Production and loss; production, and so where a subject settles, is each subject's own."""
    rng, time = np.random.default_rng(8), np.linspace(0, 6, 9)
    production = np.exp(0.4 * rng.standard_normal(n))
    begin = np.where(np.arange(n) % 2, 0.1, 2.5)
    clean = [
        b / 0.8 * (1.0 + (f - 1.0) * np.exp(-0.8 * time))
        for b, f in zip(production, begin, strict=True)
    ]
    values = [(x * np.exp(0.05 * rng.standard_normal(9)))[:, None] for x in clean]
    return Study.from_arrays("levels", ["x"], [time] * n, values), production


def test_starts_apart_find_what_one_fit_for_all_hides():
    study, production = levels_of_their_own()
    library = Library.polynomial(study, degree=1)
    settings = Settings(draws=20, noise="combined")
    problem = make_problem(study, library, Knowledge(), complexity=1.0, positivity=1.0)
    starts = prepare_starts(problem, settings)
    question = question_of(problem, settings)
    apart = starts_apart(starts, question)
    assert [s.frame.varying.slot.tolist() for s in apart] == [[0, 1]] * 2
    assert starts_apart(starts, replace(question, by_subject=False)) == []
    some = replace(question, terms=np.array([False, True]))
    assert starts_apart(starts, some)[0].frame.varying.slot.tolist() == [-1, 0]
    with ThreadPoolExecutor(1) as pool:
        plain = run_starts(starts, "combined", 0, lambda _: lambda *_: None, pool)
        ended = run_starts(apart, "combined", 0, lambda _: lambda *_: None, pool)
        assert min(o.kappa for o in plain) > 0.0 == max(o.kappa for o in ended)
        frame = starts[0].frame
        varied = found_apart(frame, ended, -np.inf, question, lambda: None, pool)
        assert found_apart(frame, ended, 1e9, question, lambda: None, pool) is None
    assert [library.column_label(int(c)) for c in varied.fit.columns] == ["d x/dt: 1", "d x/dt: x"]
    [term] = varied.variation.terms
    assert term.label == "d x/dt: 1" and term.probability > 0.99
    own = varied.fit.initial[:, 1]
    assert np.corrcoef(own, np.log(production))[0, 1] > 0.99


def test_a_model_without_curvature_promises_nothing():
    cost, *_ = a_quadratic(np.random.default_rng(0))
    flat = replace(cost, h_x=np.full(cost.h_x.shape, np.nan))
    mixed = object.__new__(Mixed)
    weak = Initial(np.zeros((7, 2)), np.ones((7, 2)))
    mixed.cost, mixed.place, mixed.met = flat.without_states(weak), {}, {}
    mixed.free, mixed.held = np.arange(3), np.zeros(0, int)
    mixed.slab, mixed.known = np.full(3, 0.2), np.zeros(0)
    assert mixed.choice((0, 1), ()).evidence == -np.inf


def test_conditions_whose_rates_all_differ_share_one_structure():
    """One fit for all buys the differences with terms that are not there."""
    rng = np.random.default_rng(8)
    names = [f"c{i}" for i in range(4)]
    discovery = found(prey_and_predators(8, rng.uniform(0.7, 1.3, (4, 4)), names))
    assert labels(discovery) == TRUE
    assert discovery.variation.by == "condition" and not discovery.variation.effects
    assert {t.label for t in discovery.variation.terms} <= TRUE
    entries = local_coefficients(discovery)
    assert {(e.by, e.names) for e in entries} == {("condition", tuple(names))}
    words = next(w.text for w in discovery.warnings if w.code == "varies")
    assert words.startswith("Coefficients differ between conditions")
