"""The PySINDy adapter gives the peer the same features as its own libraries, and a fair hearing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from twinlab.benchmark import pysindy_peer
from twinlab.benchmark.scoring import score
from twinlab.benchmark.systems import SYSTEMS
from twinlab.library import Library
from twinlab.study import Study

needs_pysindy = pytest.mark.skipif(
    not pysindy_peer.installed(), reason="pysindy is in the bench extra"
)
SYSTEM = SYSTEMS["predator_prey"]


def with_values(study, change):
    """Copy a study, its first trajectory's values changed in place by `change`."""
    first = study.trajectories[0]
    values = first.value.copy()
    change(values)
    return replace(study, trajectories=(replace(first, value=values), *study.trajectories[1:]))


@needs_pysindy
def test_features_equal_those_of_the_peers_own_polynomials():
    import pysindy as ps

    from twinlab.benchmark.pysindy_library import TermLibrary

    library = SYSTEM.library()
    x = np.random.default_rng(0).uniform(0.5, 2, (20, 2))
    ours = TermLibrary(library.terms, library.states)
    mine = np.asarray(ours.fit_transform(x))
    theirs = ps.PolynomialLibrary(degree=2).fit(x)
    names = [name.replace(" ", "*") for name in theirs.get_feature_names(["prey", "predator"])]
    order = [names.index(_as_theirs(name)) for name in ours.get_feature_names()]
    np.testing.assert_allclose(mine, np.asarray(theirs.transform(x))[:, order])


def _as_theirs(name):
    return "prey*predator" if set(name.split("*")) == {"prey", "predator"} else name


@needs_pysindy
def test_default_equals_a_direct_call_of_the_peer():
    import pysindy as ps

    study = SYSTEM.simulate(2, 40, 0.05, seed=5).study
    found = pysindy_peer.answer(study, SYSTEM.library(), 11)
    time = study.trajectories[0].time
    np.random.seed(11)  # the places of the test functions are random too
    weak = ps.WeakPDELibrary(ps.PolynomialLibrary(degree=2), spatiotemporal_grid=time, K=100)
    optimizer = ps.EnsembleOptimizer(ps.STLSQ(threshold=0.1), bagging=True, n_models=30)
    model = ps.SINDy(optimizer=optimizer, feature_library=weak)
    model.fit([t.value for t in study.trajectories], t=[time, time])
    median = np.median(optimizer.coef_list, axis=0)
    names = [name.replace(" ", "*") for name in model.get_feature_names()]
    for i, state in enumerate(SYSTEM.states):
        direct = {names[k]: median[i, k] for k in np.flatnonzero(median[i])}
        for term, coefficient in found.equations[state].items():
            theirs = _as_theirs(term).replace("prey*predator", "x0*x1")
            theirs = theirs.replace("predator", "x1").replace("prey", "x0")
            assert coefficient == pytest.approx(direct.pop(theirs), rel=1e-6)
        assert not direct


@needs_pysindy
def test_nearly_clean_data_are_recovered():
    study = SYSTEM.simulate(3, 100, 0.001, seed=0).study
    default = score(pysindy_peer.answer(study, SYSTEM.library(), 0), SYSTEM)
    assert default.f1 == 1.0 and default.error < 0.1


@needs_pysindy
@pytest.mark.slow
def test_best_forecasts_better_than_the_default_on_small_states():
    system = SYSTEMS["seir"]
    study = system.simulate(4, 30, 0.02, seed=0).study
    default = score(pysindy_peer.answer(study, system.library(), 0), system)
    best = score(pysindy_peer.answer(study, system.library(), 0, best=True), system)
    assert not best.failure and best.error < 0.5 * default.error
    assert best.remarks["threshold"] > 0 and best.remarks["bic"] < 0


@needs_pysindy
def test_same_seed_same_answer_and_the_global_generator_is_left_alone():
    study = SYSTEM.simulate(2, 40, 0.1, seed=1).study
    np.random.seed(3)
    first = pysindy_peer.answer(study, SYSTEM.library(), 7)
    drawn = np.random.random()
    second = pysindy_peer.answer(study, SYSTEM.library(), 7)
    np.random.seed(3)
    assert drawn == np.random.random()
    assert first.equations == second.equations and first.intervals == second.intervals


def test_gaps_are_interpolated():
    study = SYSTEM.simulate(2, 11, 0.0, seed=1).study

    def gap(values):
        values[4, 1] = np.nan

    data = pysindy_peer.peer_data(with_values(study, gap), SYSTEM.library())
    value = study.trajectories[0].value
    assert data.values[0][4, 1] == pytest.approx((value[3, 1] + value[5, 1]) / 2)
    np.testing.assert_array_equal(data.values[1], study.trajectories[1].value)


def test_what_the_peer_cannot_take_is_a_failure_that_says_why():
    library = SYSTEM.library()
    time = np.linspace(0, 1, 6)
    uneven = Study.from_arrays(
        "x", SYSTEM.states, [time, time * 1.1], [np.ones((6, 2)), np.ones((6, 2))]
    )
    assert "time grid" in pysindy_peer.answer(uneven, library, 0).failure
    study = SYSTEM.simulate(1, 6, 0.1, seed=1).study

    def empty(values):
        values[:, 0] = np.nan

    assert "never measured" in pysindy_peer.answer(with_values(study, empty), library, 0).failure
    reactions = Library.reactions(SYSTEM.states, ["prey -> predator"])
    assert "plain terms" in pysindy_peer.answer(study, reactions, 0).failure


def test_an_equation_gets_its_own_candidates_only():
    library = SYSTEM.library()
    study = SYSTEM.simulate(3, 40, 0.05, seed=1).study
    gone = library.find("prey", "prey")
    lopsided = library.restrict(c for c in range(len(library.columns)) if c != gone)
    answered = pysindy_peer.answer(study, lopsided, 0)
    assert not answered.failure
    assert "prey" not in answered.equations["prey"]
    assert "predator" in answered.equations["predator"]
    whole = pysindy_peer.answer(study, library, 0)
    assert "prey" in whole.equations["prey"]


def test_bic_prefers_the_truth_and_refuses_what_diverges():
    from twinlab.benchmark.trajectory_bic import TrajectoryBic

    data = SYSTEM.simulate(2, 40, 0.05, seed=2)
    library = SYSTEM.library()
    bic = TrajectoryBic(library, data.time, tuple(t.value for t in data.study.trajectories))
    truth = np.zeros((2, len(library.terms)))
    for i, state in enumerate(SYSTEM.states):
        for term, value in SYSTEM.equations[state].items():
            truth[i, library.columns[library.find(state, term)].term] = value
    # BIC of the truth, with the initial states at their own least squares, is near that of noise
    n, residual = (
        80,
        np.concatenate(
            [t.value - c for t, c in zip(data.study.trajectories, data.clean, strict=True)]
        ),
    )
    scale = np.concatenate([t.value for t in data.study.trajectories]).std(axis=0)
    noise = n * np.log(np.mean((residual / scale) ** 2, axis=0)).sum() + 4 * np.log(2 * n)
    assert noise - 10 < bic(truth) < noise
    wrong = truth.copy()
    wrong[0] *= 1.3
    assert bic(wrong) > bic(truth) + 20
    explosive = truth.copy()
    explosive[:, library.columns[library.find("prey", "prey^2")].term] = 5.0
    assert bic(explosive) == np.inf
