"""States that were never measured: guesses, search, scale, verdict."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from twinlab.benchmark.cells import Cell, make_case
from twinlab.discovery import Settings, discover, discovery_mapping
from twinlab.discovery.identifiability import direction
from twinlab.discovery.latent import guesses
from twinlab.discovery.latent_search import in_display_units, latent_starts
from twinlab.discovery.noise import make_noise
from twinlab.discovery.posterior import goodness
from twinlab.discovery.problem import make_problem
from twinlab.discovery.search import Weighed
from twinlab.discovery.smoothing import smooth_data
from twinlab.discovery.steps import Frame, Point, linearise, polish_point
from twinlab.errors import UserError
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study
from twinlab.twin import Twin


@pytest.fixture(scope="module")
def chain():
    """A known pulse p decays, makes z, which makes y and decays; z is never measured."""
    times, values, hidden = [], [], []
    rng = np.random.default_rng(2)
    for start in (1.0, 2.0, 3.0):
        t = np.linspace(0.0, 10.0, 40)

        def rhs(_, x):
            return [-0.4 * x[0], x[0] - 0.8 * x[1], 0.5 * x[1] - 0.3 * x[2] ** 2]

        x = solve_ivp(rhs, (0, 10), [start, 0.1, 0.0], t_eval=t, rtol=1e-9, atol=1e-9).y.T
        times.append(t)
        hidden.append(x[:, 1])
        values.append(x[:, [0, 2]] + 0.01 * rng.standard_normal((t.size, 2)))
    return Study.from_arrays("chain", ["p", "y"], times, values), hidden


def terms(study):
    """Linear terms and one square: a linear chain could be read from either end."""
    library = Library.polynomial(study, degree=1, latent=["z"])
    return library + Library.user_terms(library, ["y^2"])


@pytest.fixture(scope="module")
def found(chain):
    library = terms(chain[0])
    return discover(chain[0], library, settings=Settings(starts=1, draws=40, neighbours=4))


def test_structure_and_course_of_a_hidden_state_are_found(chain, found):
    labels = {found.library.column_label(int(c)) for c in found.best.columns}
    assert labels == {
        "d p/dt: p", "d z/dt: p", "d z/dt: z", "d y/dt: z", "d y/dt: y^2",
    }  # fmt: skip
    course = np.concatenate([f[:, found.library.states.index("z")] for f in found.fitted])
    assert np.corrcoef(course, np.concatenate(chain[1]))[0, 1] > 0.99
    named = dict(zip(found.best.columns.tolist(), found.best.coefficients, strict=True))
    # The scale is fixed by the production; what the scale cannot move is right.
    assert named[found.library.find("z", "p")] == pytest.approx(1.0)
    assert named[found.library.find("y", "z")] == pytest.approx(0.5, rel=0.15)


def test_what_is_said_of_it(found):
    told = discovery_mapping(found)["latent"]["z"]
    assert "scale of z cannot be known" in told["gauge"] and "coefficient of p" in told["gauge"]
    assert told["identified"] and told["relative_sd"] < 0.5
    assert len(told["profile"]["rise"]) == 4 and min(told["profile"]["rise"]) > -0.1
    codes = [w.code for w in found.warnings]
    assert "latent_state" in codes and "not_identifiable" not in codes
    assert "z" not in found.noise_sd
    z = found.library.states.index("z")
    assert np.isnan(found.r_squared[:, z]).all() and np.isnan(found.residuals[0][:, z]).all()
    np.testing.assert_array_equal(
        found.bands[0].predictive[..., z], found.bands[0].quantiles[..., z]
    )


def test_twin_of_a_hidden_state_is_saved_and_loaded(found, tmp_path):
    path = Twin(found).save(tmp_path / "hidden.twin")
    again = Twin.load(path)
    time = found.bands[0].time
    one, other = Twin(found).simulate(time, subject="1"), again.simulate(time, subject="1")
    np.testing.assert_allclose(one.best, other.best, rtol=1e-6, atol=1e-9)
    assert again.discovery.latent["z"]["gauge"] == found.latent["z"]["gauge"]


def test_the_true_production_is_among_the_guesses(chain):
    library = terms(chain[0])
    problem = make_problem(chain[0], library, Knowledge())
    made = guesses(problem, smooth_data(problem), library.states.index("z"))
    true, near = np.concatenate(chain[1]), []
    for guess in made:
        if library.find("z", "p") in guess.coefficients:
            parts = [
                np.interp(problem.times(r), problem.grid(r), guess.course[r]) for r in range(3)
            ]
            near.append(np.corrcoef(np.concatenate(parts), true)[0, 1])
    assert near and max(near) > 0.6


def test_a_change_of_unit_changes_nothing_that_was_measured(chain):
    library = terms(chain[0])
    problem = make_problem(chain[0], library, Knowledge())
    problem, starts = latent_starts(problem, Settings(starts=1))
    frame = starts[0].common
    columns = sorted(library.find(s, t) for s, t in (
        ("p", "p"), ("z", "p"), ("z", "z"), ("y", "z"), ("y", "y^2")))  # fmt: skip
    columns = np.array(columns)
    start = starts[0].coefficients[columns]
    noise = noise_of(frame)
    fit = polish_point(frame, Point(columns, start, frame.initial_prior.mean), noise, 0.0, 30)
    model = Weighed(fit, noise, 0.0)
    gram = linearise(frame, fit, noise, 0.0)
    shown, models, _, gauges = in_display_units(frame, [model], gram)
    again = polish_point(shown, models[0].fit, models[0].noise, 0.0, 0)
    assert again.cost == pytest.approx(fit.cost, rel=1e-4)
    measured = [library.states.index("p"), library.states.index("y")]
    np.testing.assert_allclose(again.x[:, measured], fit.x[:, measured], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(again.h_w, models[0].fit.h_w, rtol=2e-2, atol=1e-2)
    assert gauges[0].state == "z" and len(goodness(problem, fit.x)) == 3
    assert direction(shown, models[0])[0] == pytest.approx(direction(frame, model)[0], rel=0.05)


def noise_of(frame: Frame):
    return make_noise(frame.problem, "constant", frame.smooth.sd, frame.smooth.at_data)


def test_a_latent_state_that_nothing_informs_is_refused(chain):
    library = terms(chain[0])
    own = [c for c in range(len(library.columns)) if library.column_state(c) == 2
           or "z" not in library.term_of(c).variables]  # fmt: skip
    with pytest.raises(UserError, match="Nothing informs the latent state z"):
        discover(chain[0], library.restrict(own))


def test_seir_with_the_exposed_hidden():
    case = make_case(Cell("seir", seed=1, hidden=1))
    library = replace(case.full_library, latent=case.hidden)
    problem = make_problem(case.study, library, Knowledge())
    e = library.states.index("exposed")
    best = guesses(problem, smooth_data(problem, noise_floor=0.1), e)
    true = library.find("exposed", "susceptible*infectious")
    assert any(true in guess.coefficients for guess in best)
