"""Families of saturating terms, fits of their constants, and classes of equivalent models."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from twinlab.discovery.collapse import Families
from twinlab.discovery.constants import empty_constants, set_constants
from twinlab.discovery.equivalence import class_text, equivalence_classes, skeleton
from twinlab.discovery.families import families_of, family_inclusion, template_of
from twinlab.discovery.noise import make_noise
from twinlab.discovery.problem import make_problem
from twinlab.discovery.result import RankedModel, RefinedShape, Settings
from twinlab.discovery.search import Weighed, prepare_starts, weigh
from twinlab.discovery.shaped_fit import descend, linearise_shaped, weigh_shaped
from twinlab.discovery.shapes import Scales, Shaped, ShapedModel, Tables
from twinlab.discovery.steps import Frame, Point
from twinlab.expressions import parse_term
from twinlab.kernels import normal_equations, nothing_local
from twinlab.knowledge import Belief, Knowledge
from twinlab.library import Library
from twinlab.study import Study

HALF, HILL = 1.4, 2.6


def elimination(noise: float = 0.01, seed: int = 0, repress: bool = False) -> Study:
    """dx/dt = 0.3 y - 2 h(x), dy/dt = 1 - 0.5 y: a Hill function with constants off the grid."""
    rng, time = np.random.default_rng(seed), np.linspace(0, 6, 30)

    def rhs(t, z):
        h = z[0] ** HILL / (HALF**HILL + z[0] ** HILL)
        rate = 2 * (1 - h) - 0.8 * z[0] if repress else 0.3 * z[1] - 2 * h
        return [rate, 1 - 0.5 * z[1]]

    clean = [
        solve_ivp(rhs, (0, 6), start, "DOP853", time, rtol=1e-9, atol=1e-9).y.T
        for start in ([6.0, 0.5], [2.0, 3.0], [0.3, 4.0])
    ]
    sd = np.concatenate(clean).std(axis=0)
    values = [x + noise * sd * rng.standard_normal(x.shape) for x in clean]
    return Study.from_arrays("elimination", ["x", "y"], [time] * 3, values)


def a_library(study: Study) -> Library:
    grid = Library.hill(study, ["x"], (1.0, 3.0), (1, 2, 4))
    return Library.polynomial(study, degree=1) + grid


def a_frame(study: Study, library: Library, knowledge: Knowledge | None = None) -> Frame:
    problem = make_problem(study, library, knowledge or Knowledge())
    return prepare_starts(problem, Settings(starts=1))[0].frame


@pytest.fixture(scope="module")
def frame() -> Frame:
    study = elimination()
    return a_frame(study, a_library(study))


@pytest.fixture(scope="module")
def scales(frame) -> Scales:
    return Scales(frame)


def noise_of(frame: Frame):
    smooth = frame.smooth
    return make_noise(frame.problem, "constant", smooth.sd, smooth.at_data)


def true_start(frame: Frame, families: Families) -> tuple[ShapedModel, np.ndarray]:
    """The true support with its Hill function at an atom of the grid."""
    library = frame.problem.library
    find = library.find
    columns = [find("x", "y"), find("x", "hill(x,1,2)"), find("y", "1"), find("y", "y")]
    [(model, w)] = families.collapse(columns, [0.3, -2.0, 1.0, -0.5], {})
    return model, w


# ---------------------------------------------------------------------------------- families


def test_families_are_equation_role_variable_and_other_factors():
    names = ["x", "y"]
    library = Library.hill(names, ["x"], (0.5, 2.0), (1, 2), "both") + Library.user_terms(
        names, ["x*hill(y,1,2)", "x*hill(y,3,4)", "y*mm(x,1)", "hill(x,1,2)*hill(x,2,2)"]
    )
    families = families_of(library)
    found = {
        (f.stoichiometry[0][0], tuple((t.kind, t.variable) for t in f.template)): len(f.columns)
        for f in families
    }
    assert len(families) == 8 and sorted(found.values()) == [1, 1, 2, 2, 4, 4, 4, 4]
    # Two Hill functions of one role and variable could change places: they stay as they are.
    assert template_of(parse_term("hill(x,1,2)*hill(x,2,2)", names)) is None
    assert template_of(parse_term("x*y", names)) is None
    free = {f.hill_free for f in families if len(f.columns) == 1}
    assert free == {False}


def test_term_of_a_family_has_the_constants_it_is_given():
    library = Library.user_terms(["x", "y"], ["x*repress(y,1,2)"])
    family = families_of(library)[0]
    assert family.term(np.log([[3.95, 1.7]])).text == "x*repress(y,3.95,1.7)"
    np.testing.assert_allclose(family.constants(library, 0), np.log([[1.0, 2.0]]), atol=1e-15)
    assert family.rest == parse_term("x", ["x"])


def ranked(columns, probability: float) -> RankedModel:
    k = len(columns)
    return RankedModel(
        np.array(sorted(columns), np.int64), probability, 0.0, np.ones(k), np.ones(k),
        np.ones((k, 2)), np.eye(k), np.zeros((1, 2)),
    )  # fmt: skip


def test_inclusion_of_a_family_counts_each_model_once():
    library = Library.hill(["x"], None, (1.0, 2.0), (2,), "activation")
    models = [ranked([0], 0.5), ranked([1], 0.2), ranked([0, 1], 0.2), ranked([], 0.1)]
    [family] = family_inclusion(library, models)
    assert family.probability == pytest.approx(0.9)
    assert (family.equation, family.variables, family.roles) == ("x", ("x",), ("activation",))


# ---------------------------------------------------------------------------------- collapse


def test_atoms_of_a_family_become_one_term(frame, scales):
    families, find = Families(scales), frame.problem.library.find
    columns = [find("x", "y"), find("x", "hill(x,1,2)"), find("x", "hill(x,3,2)")]
    found = families.collapse(columns, [0.3, -1.5, -0.5], {})
    assert all(m.plain[0] in (columns[0], find("x", "1")) for m, _ in found)
    model, w = next(
        (m, w) for m, w in found if m.terms[0].family.columns[0] == find("x", "mm(x,1)")
    )
    assert model.plain.tolist() == [columns[0]] and len(model.terms) == 1
    half, hill = np.exp(model.terms[0].constants[0])
    assert 1.0 < half < 3.0 and hill <= 2.0 and w[0] == 0.3
    # The one Hill function draws the curve of the sum.
    values = {"x": np.linspace(0.2, 5.5, 40)}
    term = frame.problem.library.term_of
    total = -1.5 * term(columns[1]).evaluate(values) - 0.5 * term(columns[2]).evaluate(values)
    assert abs(w[1] * model.terms[0].term.evaluate(values) - total).max() < 0.15


def test_activation_with_repression_is_tried_either_way(frame, scales):
    families, find = Families(scales), frame.problem.library.find
    columns = [find("x", "hill(x,1,2)"), find("x", "repress(x,3,2)")]
    one = find("x", "1")
    found = {
        (m.terms[0].family.template[0].kind, one in m.plain)
        for m, _ in families.collapse(columns, [-1.5, 0.5], {})
    }
    assert len(found) == 4


def test_required_atoms_are_not_touched():
    study = elimination()
    library = a_library(study)
    beliefs = (Belief("x", "hill(x,1,2)", required=True),)
    families = Families(Scales(a_frame(study, library, Knowledge(beliefs))))
    required = library.find("x", "hill(x,1,2)")
    assert not families.touches([required]) and families.touches([library.find("x", "mm(x,1)")])
    [(model, _)] = families.collapse([required], [-2.0], {})
    assert model.plain.tolist() == [required] and not model.terms


def test_michaelis_menten_keeps_its_hill_coefficient(scales):
    study = elimination()
    library = Library.polynomial(study, 1) + Library.michaelis_menten(study, ["x"], (1.0, 2.0))
    families = Families(Scales(a_frame(study, library)))
    [(model, _)] = families.collapse([library.find("x", "mm(x,2)")], [-2.0], {})
    assert model.parameters == [(0, 0, 0)]


# -------------------------------------------------------------------------------- prior, fit


def test_prior_odds_of_a_family_are_shared_out_and_proper(frame, scales):
    families, library = Families(scales), frame.problem.library
    family = families.of_column[library.find("x", "hill(x,1,2)")]
    free = families.shaped(family, np.log([[1.0, 2.0]]))
    held = [families.held(free, 0, n) for n in (1.0, 2.0, 3.0, 4.0)]
    total = np.logaddexp.reduce([free.log_prior, *(h.log_prior for h in held)])
    assert total == pytest.approx(np.logaddexp.reduce(frame.prior.log_odds[list(family.columns)]))
    mean, sd, _ = scales.constants_prior(ShapedModel(np.zeros(0, np.int64), (free,)))
    low, high = np.log(np.quantile(scales.values["x"], (0.05, 0.95)))
    assert mean[0] == pytest.approx(0.5 * (low + high)) and sd[0] >= 1.0
    assert (mean[1], sd[1]) == (pytest.approx(np.log(2)), 0.7)


def test_slab_of_a_refined_term_at_an_atom_is_near_the_atoms_own(frame, scales):
    families, library = Families(scales), frame.problem.library
    for text in ("mm(x,1)", "hill(x,3,2)", "hill(x,1,4)"):
        column = library.find("x", text)
        family = families.of_column[column]
        term = families.shaped(family, family.constants(library, column))
        ratio = scales.precision(term) / frame.precision[column]
        assert 0.5 < ratio < 2.0


@pytest.mark.parametrize("role", ["hill", "repress"])
def test_gradient_is_that_of_the_cost(role):
    """Half the negative gradient of the kernel against differences of the cost it returns."""
    study = elimination(repress=role == "repress")
    frame = a_frame(study, a_library(study))
    families, problem = Families(Scales(frame)), frame.problem
    find = problem.library.find
    columns = [find("x", "x"), find("x", f"{role}(x,1,2)"), find("y", "1"), find("y", "y")]
    [(model, w)] = families.collapse(columns, [-0.5, 1.0, 1.0, -0.5], {})
    data, initial = noise_of(frame).data(problem), frame.initial_prior.mean.copy()

    def evaluate(values):
        moved = model.moved(values)
        tables = Tables(problem, moved)
        tables.set(moved, w)
        return normal_equations(
            initial, w, *tables.active, nothing_local(len(w), len(initial)),
            np.r_[w, np.zeros(2)], tables.table, tables.entries,
            nothing_local(len(w) + 2, len(initial)), data, frame.initial_prior,
            problem.drive(), problem.tolerance(1e-9),
            np.zeros(len(w) + 2), np.empty_like(data.value),
        )  # fmt: skip

    start = np.log([1.3, 1.8])
    gradient = evaluate(start)[3][len(w) :]
    for i in range(2):
        step = np.zeros(2)
        step[i] = 1e-4
        slope = (evaluate(start + step)[1] - evaluate(start - step)[1]) / 2e-4
        assert -0.5 * slope == pytest.approx(gradient[i], rel=2e-3)


def test_constants_off_the_grid_are_found(frame, scales):
    families = Families(scales)
    model, w = true_start(frame, families)
    fitted = weigh_shaped(scales, model, w, frame.initial_prior.mean, noise_of(frame))
    half, hill = np.exp(fitted.model.terms[0].constants[0])
    assert half == pytest.approx(HALF, rel=0.03) and hill == pytest.approx(HILL, rel=0.05)
    # No better fit nearby: the optimum stands under a restart from another atom.
    other = replace(model, terms=(replace(model.terms[0], constants=np.log([[3.0, 4.0]])),))
    again = weigh_shaped(scales, other, w, frame.initial_prior.mean, noise_of(frame))
    assert again.evidence == pytest.approx(fitted.evidence, abs=0.2)
    # And the grid has nothing as good.
    find = frame.problem.library.find
    rest = [find("x", "y"), find("y", "1"), find("y", "y")]
    for text in ("hill(x,1,2)", "hill(x,1,4)", "hill(x,3,2)"):
        columns = np.sort([*rest, find("x", text)])
        at = Point(columns, np.where(columns == find("x", text), -2.0, 0.3), fitted.fit.initial)
        plain = weigh(frame, at, noise_of(frame))
        assert plain is None or plain.evidence < fitted.evidence - 5.0


def test_evidence_is_the_integral_over_the_constants(frame, scales):
    """Laplace in all parameters against quadrature over log K of Laplace in the others."""
    families = Families(scales)
    model, w = true_start(frame, families)
    term = families.held(model.terms[0], 0, 3.0)
    model = replace(model, terms=(term,))
    noise = noise_of(frame)
    for _ in range(2):  # the slab follows the constants from one descent to the next
        fitted = descend(scales, model, w, frame.initial_prior.mean, noise, 20)
        model, w = fitted.model, fitted.fit.coefficients
    best = float(fitted.model.values[0])
    centre, spread, _ = scales.constants_prior(model)

    def conditional(log_half: float) -> float:
        held = np.array([[log_half, np.log(3.0)]])
        stiff = replace(fitted.model, terms=(_Held(term.family, held, (False,), term.log_prior),))
        at = descend(scales, stiff, fitted.fit.coefficients, fitted.fit.initial, noise, 6)
        density = -0.5 * ((log_half - centre[0]) / spread[0]) ** 2
        return float(np.exp(at.evidence + density - fitted.evidence))

    area = quad(conditional, best - 0.15, best + 0.15, epsrel=1e-3, limit=40)[0]
    assert np.log(area / (spread[0] * np.sqrt(2 * np.pi))) == pytest.approx(0.0, abs=0.1)


class _Held(Shaped):
    """A refined term with no free constant at all, which the product never makes."""

    free = property(lambda self: [])  # type: ignore[assignment]


def test_linearisation_lets_the_constants_move(frame, scales):
    """The Schur complement over the constants gives the fit's own covariance back."""
    families = Families(scales)
    model, w = true_start(frame, families)
    fitted = weigh_shaped(scales, model, w, frame.initial_prior.mean, noise_of(frame))
    gram = linearise_shaped(scales, fitted)
    n = frame.problem.n_column
    columns = np.append(fitted.model.plain, n)
    k = len(columns)
    own = np.linalg.inv(fitted.fit.schur)[:k, :k]
    slab = [*frame.precision[fitted.model.plain], scales.precision(fitted.model.terms[0])]
    matrix = gram.matrix[np.ix_(columns, columns)] + np.diag(slab)
    np.testing.assert_allclose(np.linalg.inv(matrix), own, rtol=2e-2, atol=1e-8)
    mean = np.linalg.solve(matrix, gram.vector[columns])
    np.testing.assert_allclose(mean, fitted.fit.coefficients, rtol=1e-2, atol=2e-3)


# ----------------------------------------------------------------------------- draws, classes


def test_draws_of_constants_keep_held_ones_and_other_models():
    library = Library.hill(["x"], None, (1.0, 2.0), (2, 3), "activation")
    from types import SimpleNamespace

    problem = SimpleNamespace(library=library)
    two, one = np.array([1.8, 2.2]), np.array([2.0, 2.0])
    free = RefinedShape(1, 0, 1.0, two, 3.0, two, True)
    held = RefinedShape(2, 0, 2.0, two, 2.0, one, False)
    models = [replace(ranked([1, 2], 0.7), shapes=(free, held)), ranked([0], 0.3)]
    drawn = empty_constants(problem, models, 5)
    moved = np.log(np.array([[2.0, 3.0, 4.0], [1.0, 1.0, 1.0]]))
    set_constants(drawn, slice(0, 2), models[0], moved)
    assert drawn.column.tolist() == [1, 2]
    np.testing.assert_allclose(drawn.value[0], [[2.0, 9.0], [8.0, 2.0]])
    np.testing.assert_allclose(drawn.value[4], [[1.0, 3.0], [2.0, 2.0]])
    assert empty_constants(problem, models[1:], 5) is None


def test_classes_hold_what_differs_in_saturating_terms_and_draws_the_same(frame):
    library, find = frame.problem.library, frame.problem.library.find
    base = [find("x", "y"), find("y", "1"), find("y", "y")]
    supports = [
        [*base, find("x", "hill(x,1,2)")],
        [*base, find("x", "1"), find("x", "repress(x,1,2)")],  # the same up to a constant
        [*base, find("x", "hill(x,3,4)")],  # another curve
        [find("x", "x"), *base[1:], find("x", "hill(x,1,2)")],  # another plain term
    ]
    models = [ranked(s, p) for s, p in zip(supports, (0.5, 0.3, 0.15, 0.05), strict=True)]
    noise, x = noise_of(frame), frame.smooth.at_data
    curves = [x, x + 0.01 * noise.sd, x + 2.0 * noise.sd, x]
    weighed = [_weighed(frame, m, curve) for m, curve in zip(models, curves, strict=True)]
    classes = equivalence_classes(library, weighed, models, frame.problem, noise)
    assert [c.models for c in classes] == [(0, 1), (2,), (3,)]
    assert classes[0].probability == pytest.approx(0.8)
    assert classes[0].distance == pytest.approx(0.5 * 1e-4 * x.size)
    assert "1 with repress(x,1,2)" in classes[0].text and "hill(x,1,2)" in classes[0].text
    assert not classes[1].text
    families = families_of(library)
    assert skeleton(library, families, supports[0]) == skeleton(library, families, supports[1])
    assert class_text(library, families, models[:1]) == ""


def _weighed(frame: Frame, model: RankedModel, x: np.ndarray) -> Weighed:
    from twinlab.discovery.steps import Fit

    k, r, d = len(model.columns), frame.problem.n_trajectory, frame.problem.n_state
    fit = Fit(
        model.columns, model.coefficients, np.zeros((r, d)), 0.0, np.eye(k),
        np.tile(np.eye(d), (r, 1, 1)), np.zeros((r, k, d)), x,
    )  # fmt: skip
    return Weighed(fit, noise_of(frame), 0.0)


def test_pool_is_used_for_all_fits(frame):
    """The result does not depend on the number of workers."""
    from twinlab.discovery.refinement import refine

    families = Families(Scales(frame))
    model, w = true_start(frame, families)
    library = frame.problem.library
    columns = np.sort([*model.plain, library.find("x", "hill(x,1,2)")])
    start = Point(columns, np.where(columns == model.plain[0], 0.3, -0.5), frame.smooth.mean[:, 0])
    weighed = [weigh(frame, start, noise_of(frame))]
    out = []
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as pool:
            refined, plain = refine(frame, weighed, Settings(), 0, pool, lambda: None)
        out.append([(m.evidence, m.model.terms[0].term.text) for m in refined])
        assert refined[0].evidence > plain[0].evidence if plain else True
    assert out[0] == out[1]


def test_the_nearest_hill_function_is_found_where_some_vanish(frame, scales):
    """Terms that are zero on all data have no size to divide by."""
    families = Families(scales)
    family = families.of_column[frame.problem.library.find("x", "hill(x,1,2)")]
    constants, terms = families._grid(family)
    families._grids[family.key] = constants, np.where(np.arange(len(terms))[:, None] % 3, terms, 0)
    pick = 4
    with np.errstate(all="raise"):
        misfit, atom, own = families._nearest(family, -2.0 * terms[pick], None)
        assert misfit == pytest.approx(0.0, abs=1e-20) and atom[2] == pytest.approx(-2.0)
        rest = np.ones(terms.shape[1])
        misfit, atom, own = families._nearest(family, 0.5 - 2.0 * terms[pick], rest)
        assert misfit == pytest.approx(0.0, abs=1e-20) and own == pytest.approx(0.5)
    np.testing.assert_array_equal(atom[1], constants[pick])
