"""Known parts of the dynamics and conserved totals in a discovery."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares

import twinlab as tl
from twinlab.discovery import Settings, choose_columns, discover, reconsider
from twinlab.discovery.known import known_as_offset
from twinlab.discovery.result import Gram
from twinlab.errors import UserError
from twinlab.knowledge import Belief, Conserved, Edge, Knowledge, KnownPart
from twinlab.library import Library
from twinlab.study import Study

FAST = Settings(starts=1, noise="constant", draws=20, neighbours=4)


def simulated(rates, starts, time, sd, names, seed=0):
    rng = np.random.default_rng(seed)
    values = []
    for start in starts:
        solved = solve_ivp(lambda _, x: rates(x), (0, time[-1]), start, t_eval=time, rtol=1e-8)
        values.append(solved.y.T + sd * rng.standard_normal(solved.y.T.shape))
    return Study.from_arrays("made", names, [time] * len(starts), values)


def test_what_is_known_moves_to_the_left_hand_side():
    rng = np.random.default_rng(3)
    x, z = rng.standard_normal((40, 5)), rng.standard_normal(40)
    library = Library.user_terms(("a",), ["1", "a", "a^2", "a^3", "a^4"])
    knowledge = Knowledge(known=(KnownPart("a", "0.7*a - 1.3*a^3"),))
    prior = knowledge.column_prior(library)
    offset, slope = rng.standard_normal((2, 1)), rng.standard_normal((2, 1, 5))
    gram = Gram(x.T @ x, x.T @ z, float(z @ z), 40.0, offset, slope, np.ones((2, 1, 1)))
    moved = known_as_offset(gram, prior)
    rest = z - x[:, [1, 3]] @ [0.7, -1.3]
    free = [0, 2, 4]
    np.testing.assert_allclose(moved.matrix[np.ix_(free, free)], x[:, free].T @ x[:, free])
    np.testing.assert_allclose(moved.vector[free], x[:, free].T @ rest)
    assert moved.yy == pytest.approx(rest @ rest)
    assert not moved.matrix[[1, 3]].any() and not moved.vector[[1, 3]].any()
    w = np.array([0.0, 0.7, 0.0, -1.3, 0.0])
    np.testing.assert_allclose(moved.initial_offset, offset - slope @ w)
    assert known_as_offset(gram, Knowledge().column_prior(library)) is gram


@pytest.fixture(scope="module")
def logistic():
    time = np.linspace(0, 6, 25)
    study = simulated(lambda x: 1.2 * x - 0.4 * x**2, [[0.2], [4.5]], time, 0.03, ("x",))
    knowledge = Knowledge(known=(KnownPart("x", "1.2*x"),))
    return study, knowledge, discover(study, Library.polynomial(study, 3), knowledge, settings=FAST)


def test_the_rest_is_fitted_as_scipy_fits_it(logistic):
    study, _, discovery = logistic

    def residuals(p):
        parts = []
        for t, start in zip(study.trajectories, p[1:], strict=True):
            x = solve_ivp(
                lambda _, x: 1.2 * x + p[0] * x**2, (0, 6), [start], t_eval=t.time, rtol=1e-8
            ).y[0]
            parts.append(x - t.value[:, 0])
        return np.concatenate(parts)

    reference = least_squares(residuals, [-0.4, 0.2, 4.5])
    best = dict(zip(discovery.best.columns.tolist(), discovery.best.coefficients, strict=True))
    square, linear = discovery.library.find("x", "x^2"), discovery.library.find("x", "x")
    assert set(best) == {square, linear} and best[linear] == 1.2
    assert best[square] == pytest.approx(reference.x[0], abs=2e-4)
    # The posterior sd is that of the one free coefficient.
    sd = np.sqrt(
        (reference.fun**2).sum() / 47 * np.linalg.inv(reference.jac.T @ reference.jac)[0, 0]
    )
    place = discovery.best.columns.tolist().index(square)
    assert discovery.best.sd[place] == pytest.approx(sd, rel=0.15)
    assert discovery.best.sd[1 - place] == 0.0
    assert (discovery.posterior.coefficients[:, linear] == 1.2).all()
    assert all((m.coefficients[m.columns == linear] == 1.2).all() for m in discovery.models)


def test_sliders_keep_what_is_known(logistic):
    _, knowledge, discovery = logistic
    library = discovery.library
    linear = library.find("x", "x")
    again = reconsider(discovery, slab_width=30.0)
    assert all(linear in m.columns for m in again.models)
    assert (again.posterior.coefficients[:, linear] == 1.2).all()
    point = choose_columns(discovery, [library.find("x", "1"), library.find("x", "x^2")])
    assert point.coefficients[point.columns == linear] == 1.2
    with pytest.raises(UserError, match="Fit again"):
        reconsider(discovery, knowledge=Knowledge(known=(KnownPart("x", "1.0*x"),)))
    with pytest.raises(UserError, match="Fit again"):
        reconsider(discovery, knowledge=Knowledge())
    more = reconsider(discovery, knowledge=knowledge.with_belief(Belief("x", "x^3", excluded=True)))
    assert more.inclusion[library.find("x", "x^3")] == 0


def test_a_known_part_may_lie_outside_the_library_and_twins_keep_it(tmp_path):
    time = np.linspace(0, 8, 30)
    study = simulated(
        lambda x: np.array([0.9 - 1.1 * x[0] / (0.6 + x[0]) - 0.3 * x[0]]),
        [[0.1], [3.0]], time, 0.01, ("x",),
    )  # fmt: skip
    knowledge = Knowledge(known=(KnownPart("x", "-1.1*mm(x,0.6)"),))
    discovery = discover(study, Library.polynomial(study, 2), knowledge, settings=FAST)
    labels = {discovery.library.column_label(int(c)) for c in discovery.best.columns}
    assert labels == {"d x/dt: 1", "d x/dt: x", "d x/dt: mm(x,0.6)"}
    assert not discovery.best.shapes  # its constants are known too
    twin = tl.Twin(discovery)
    loaded = tl.Twin.load(twin.save(tmp_path / "x.twin"))
    assert loaded.equations == twin.equations and "1.1" in twin.equations["x"]
    assert loaded.discovery.knowledge == knowledge


def test_a_conserved_total_is_conserved_by_every_draw():
    time = np.linspace(0, 30, 25)

    def rates(x):
        new, gone = 0.008 * x[0] * x[1], 0.25 * x[1]
        return np.array([-new, new - gone, gone])

    study = simulated(rates, [[95, 5, 0], [60, 10, 30]], time, 1.0, ("S", "I", "R"))
    knowledge = Knowledge(conserved=(Conserved("N", {"S": 1, "I": 1, "R": 1}),))
    discovery = discover(study, Library.polynomial(study, 2), knowledge, settings=FAST)
    labels = {discovery.library.columns[int(c)].source for c in discovery.best.columns}
    assert labels == {"S -> I : I*S", "I -> R : I"}
    simulation = tl.Twin(discovery).simulate(np.linspace(0, 60, 40), subject=study.subjects[0])
    totals = simulation.draws.sum(axis=-1)
    np.testing.assert_allclose(totals, totals[:, :1] * np.ones_like(totals), rtol=1e-6)


def test_an_edge_speaks_for_its_terms_and_its_sign(logistic):
    study, _, _ = logistic
    library = Library.polynomial(study, 3)
    plain = discover(study, library, settings=FAST)
    wrong = Knowledge(edges=(Edge("x", "x", 1, 0.99),))
    told = reconsider(plain, knowledge=wrong)
    # Growth and saturation stay: no edge can force a sign upon the data.
    assert set(told.best.columns) == set(plain.best.columns)
    fitted = discover(study, library, wrong, settings=FAST)
    assert set(fitted.best.columns) == set(plain.best.columns)
    # What sliders answer at once is what a fit would say.
    gap = fitted.best.evidence - plain.best.evidence
    assert told.best.evidence - plain.best.evidence == pytest.approx(gap, abs=0.02)
