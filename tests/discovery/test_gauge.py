"""Priors of hidden states do not see the unit, and small weak regressions that guess at them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from twinlab.discovery.gauge import LEAST_INFORMATION, known_log_determinant, log_sign_changes
from twinlab.discovery.latent import guesses, sparse_points
from twinlab.discovery.latent_search import in_display_units, latent_starts
from twinlab.discovery.problem import make_problem
from twinlab.discovery.result import Settings
from twinlab.discovery.smoothing import smooth_data
from twinlab.discovery.sparse_weak import WeakRows, sparse_path
from twinlab.discovery.steps import linearise, log_evidence
from twinlab.knowledge import Knowledge

from .test_latent import chain, fitted, terms  # noqa: F401

ACTIVE = [("p", "p"), ("z", "p"), ("z", "z"), ("y", "z"), ("y", "y^2")]


def test_evidence_does_not_depend_on_the_unit_of_a_hidden_state(chain):  # noqa: F811
    problem = make_problem(chain[0], terms(chain[0]), Knowledge())
    frame, model = fitted(problem, ACTIVE)
    gram = linearise(frame, model.fit, model.noise, 0.0)
    z = problem.library.states.index("z")
    for scale in (1.0, 1e-3):
        held = replace(frame, problem=replace(frame.problem, scale=frame.problem.scale.copy()))
        held.problem.scale[z] *= scale
        shown, models, _, _ = in_display_units(held, [model], gram)
        factor = np.abs(models[0].fit.x[:, z]).max() / np.abs(model.fit.x[:, z]).max()
        # The value that fixes the scale is a density in that unit.
        there = log_evidence(shown, models[0].fit, models[0].noise) + np.log(factor)
        before = log_evidence(held, model.fit, model.noise)
        assert abs(np.log(factor)) > 0.3
        assert there == pytest.approx(before, abs=0.02)


def test_a_direction_the_data_do_not_know_adds_nothing():
    scale = np.array([2.0, 0.5, 3.0])
    known = np.diag([40.0, 90.0])
    without = known_log_determinant(known, scale[:2])
    schur = np.zeros((3, 3))
    schur[:2, :2], schur[2, 2] = known, 1e-9
    unknown = known_log_determinant(schur, scale)
    # Height of the slab, width of the direction: log 1 = 0.
    slab = -np.log(np.pi * scale[2])
    assert 0.5 * (np.log(2 * np.pi) - (unknown - without)) + slab == pytest.approx(0.0)
    assert without == pytest.approx(np.log(40.0 * 90.0)) and LEAST_INFORMATION < 40.0 * 4.0
    assert known_log_determinant(np.array([[np.nan]]), np.ones(1)) == np.inf


def test_a_hidden_course_beside_amounts_may_not_change_its_sign(chain):  # noqa: F811
    library = terms(chain[0])
    problem = make_problem(chain[0], library, Knowledge())
    x = np.ones((problem.time.size, problem.n_observable))
    z = library.states.index("z")
    x[:, z] = np.linspace(-1.0, 1.0, len(x))
    assert log_sign_changes(problem, x) == -3.0
    signed = x.copy()
    signed[:, library.states.index("y")] = np.linspace(1.0, -0.5, len(x))
    assert log_sign_changes(problem, signed) == 0.0
    x[:, z] = np.linspace(-0.01, 1.0, len(x))  # by less than a fit can tell
    assert log_sign_changes(problem, x) == 0.0
    x[:, z] *= -1.0  # a unit may be negative
    assert log_sign_changes(problem, x) == 0.0


def test_two_terms_in_balance_are_found_together():
    rng = np.random.default_rng(0)
    base = 10.0 * rng.standard_normal(80)
    change = rng.standard_normal(80)
    decoy = change + 0.5 * rng.standard_normal(80)
    features = np.column_stack([decoy, base + change, base, rng.standard_normal(80)])
    side = 5.0 * change + 0.1 * rng.standard_normal(80)
    path = sparse_path(features, side)
    assert path[1].terms == (0,)
    assert sorted(path[2].terms) == [1, 2]
    best = min(path, key=lambda sparse: sparse.badness)
    order = np.argsort(best.terms)
    assert sorted(best.terms) == [1, 2]
    np.testing.assert_allclose(np.array(best.coefficients)[order], [5.0, -5.0], rtol=0.05)
    price = np.log(80) + 2 * np.log(4)
    rest = side - features[:, [1, 2]] @ np.array(best.coefficients)[order]
    assert best.badness == pytest.approx(rest @ rest + 2 * price)
    assert path[0].badness == pytest.approx(side @ side)


def test_small_models_of_a_guess_hold_the_chain(chain):  # noqa: F811
    library = terms(chain[0])
    problem = make_problem(chain[0], library, Knowledge())
    smooth = smooth_data(problem, noise_floor=0.03)
    z = library.states.index("z")
    kinds = {guess.kind: guess for guess in guesses(problem, smooth, z, smooth.sd)}
    assert ("fades", library.find("z", "z")) in kinds
    guess = kinds["made from", library.find("z", "p")]
    mean = smooth.mean.copy()
    mean[:, :, z] = guess.course
    points = sparse_points(problem, replace(smooth, mean=mean), [guess])
    wanted = {library.find("z", "p"), library.find("y", "z"), library.find("y", "y")}
    assert any(wanted <= set(point.columns.tolist()) for point in points)
    rows = WeakRows(problem, smooth, smooth.sd)
    assert rows.badness(z, guess.course) == pytest.approx(guess.score)
    assert rows.badness(z, np.full_like(guess.course, np.nan)) == np.inf


def test_scales_of_guesses_are_their_largest_values(chain):  # noqa: F811
    library = terms(chain[0])
    problem, starts = latent_starts(make_problem(chain[0], library, Knowledge()), Settings())
    z = library.states.index("z")
    largest = [np.abs(start.frame.smooth.at_data[:, z]).max() for start in starts]
    assert problem.scale[z] == pytest.approx(np.exp(np.log(largest).mean()), rel=1e-6)
    row = np.nonzero(problem.gauge[:, z])[0]
    values = [start.frame.smooth.at_data[row, z][0] for start in starts]
    np.testing.assert_allclose(values, 1.0, rtol=1e-6)
    common = starts[0].common
    assert (common.initial_prior.mean[:, z] == 0.0).all()
