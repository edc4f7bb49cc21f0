"""States that were never measured: guesses, search, scale, verdict."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from twinlab.benchmark.cells import Cell, make_case
from twinlab.discovery import Settings, discover, discovery_mapping
from twinlab.discovery.exchange import alike, exchange_text, hidden_faster, pairs
from twinlab.discovery.gauge import unit_powers
from twinlab.discovery.identifiability import direction
from twinlab.discovery.latent import guesses
from twinlab.discovery.latent_search import in_display_units, latent_starts
from twinlab.discovery.noise import make_noise
from twinlab.discovery.posterior import goodness
from twinlab.discovery.problem import make_problem
from twinlab.discovery.search import Weighed, weigh
from twinlab.discovery.smoothing import smooth_data
from twinlab.discovery.steps import Frame, Point, linearise, log_evidence, polish_point
from twinlab.discovery.varying import Effect, Varying
from twinlab.errors import UserError
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study
from twinlab.twin import Twin


@pytest.fixture(scope="module")
def chain():
    return made_chain(2)


def made_chain(power, begin=0.0):
    """A known pulse p decays, makes z, which makes y and decays; z is never measured."""
    times, values, hidden = [], [], []
    rng = np.random.default_rng(2)
    for start in (1.0, 2.0, 3.0):
        t = np.linspace(0.0, 10.0, 40)

        def rhs(_, x):
            return [-0.4 * x[0], x[0] - 0.8 * x[1], 0.5 * x[1] - 0.3 * x[2] ** power]

        x = solve_ivp(rhs, (0, 10), [start, 0.1, begin], t_eval=t, rtol=1e-9, atol=1e-9).y.T
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
    smooth = smooth_data(problem, noise_floor=0.03)
    made = guesses(problem, smooth, library.states.index("z"), smooth.sd)
    true, near = np.concatenate(chain[1]), []
    for guess in made:
        if library.find("z", "p") in guess.coefficients:
            parts = [
                np.interp(problem.times(r), problem.grid(r), guess.course[r]) for r in range(3)
            ]
            near.append(np.corrcoef(np.concatenate(parts), true)[0, 1])
    assert near and max(near) > 0.6


@pytest.mark.parametrize("varies", [False, True])
def test_a_change_of_unit_changes_nothing_that_was_measured(chain, varies):
    library = terms(chain[0])
    problem = make_problem(chain[0], library, Knowledge())
    frame, model = fitted(
        problem, [("p", "p"), ("z", "p"), ("z", "z"), ("y", "z"), ("y", "y^2")], varies
    )
    fit = model.fit
    gram = linearise(frame, fit, model.noise, 0.0)
    shown, models, _, gauges = in_display_units(frame, [model], gram)
    again = polish_point(shown, models[0].fit, models[0].noise, 0.0, 0)
    assert again.cost == pytest.approx(fit.cost, rel=1e-4)
    measured = [library.states.index("p"), library.states.index("y")]
    np.testing.assert_allclose(again.x[:, measured], fit.x[:, measured], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(again.h_w, models[0].fit.h_w, rtol=2e-2, atol=1e-2)
    np.testing.assert_array_equal(models[0].fit.effects, fit.effects)
    assert gauges[0].state == "z" and len(goodness(problem, fit.x)) == 3
    if not varies:
        there = direction(shown, models[0])[0]
        assert there == pytest.approx(direction(frame, model)[0], rel=0.05)


def test_the_verdict_does_not_depend_on_the_sign_of_what_is_hidden(chain):
    """A hidden state upside down has coefficients of other signs, and is as well determined."""
    library = terms(chain[0])
    problem = make_problem(chain[0], library, Knowledge())
    frame, model = fitted(problem, [("p", "p"), ("z", "p"), ("z", "z"), ("y", "z"), ("y", "y^2")])
    e = library.states.index("z")
    column = np.where([1.0 if p % 2 else 0.0 for p in unit_powers(frame.problem, e)], -1.0, 1.0)
    state = np.where(np.arange(problem.n_state) == e, -1.0, 1.0)
    value = np.where(frame.problem.gauge, -frame.problem.value, frame.problem.value)
    fit = replace(
        model.fit,
        coefficients=model.fit.coefficients * column[model.fit.columns],
        initial=model.fit.initial * state,
    )
    start = type(frame.initial_prior)(
        frame.initial_prior.mean * state, frame.initial_prior.precision
    )
    mirrored = replace(frame, problem=replace(frame.problem, value=value), initial_prior=start)
    there = direction(mirrored, replace(model, fit=fit))[0]
    assert there == pytest.approx(direction(frame, model)[0], rel=1e-3)


def test_intervals_are_those_at_the_scale_that_is_shown(found):
    place = found.best.columns.tolist().index(found.library.find("z", "p"))
    held = found.best.coefficients[place]
    assert held == pytest.approx(1.0)
    np.testing.assert_array_equal(found.best.interval90[place], [held, held])
    drawn = found.posterior.coefficients[:, found.best.columns[place]]
    assert np.median(drawn) == held and "d z/dt: p" not in " ".join(
        w.text for w in found.warnings if w.code == "vague_coefficient"
    )


def fitted(problem, active, varies=False):
    """A model with these terms at its optimum; the making of z deviates if something varies."""
    library = problem.library
    problem, starts = latent_starts(problem, Settings(starts=1))
    frame = starts[0].common
    made = next(s for s in starts if s.frame.prior.required[library.find("z", "p")])
    columns = np.array(sorted(library.find(*pair) for pair in active))
    if varies:
        slot = np.full(len(library.columns), -1)
        slot[library.find("z", "p")] = 0
        effect = Effect(0, "condition", "1", np.array([1.0, 0.0, 0.0]))
        frame = frame.with_varying(Varying(slot, 1, np.array([0.2]), (effect,), np.array([0.1])))
    noise = noise_of(frame)
    start = Point(columns, made.coefficients[columns], made.frame.smooth.mean[:, 0, :].copy())
    fit = polish_point(frame, start, noise, 0.0, 30)
    return frame, Weighed(fit, noise, log_evidence(frame, fit, noise))


LINEAR = {("p", "p"): -0.4, ("z", "p"): 1.0, ("z", "z"): -0.8, ("y", "z"): 0.5, ("y", "y"): -0.3}


def linear_chain(**known):
    """The truth of a linear chain at its optimum, and the pair of its rates."""
    study, hidden = made_chain(1, begin=1.0)
    study = replace(study, initial=known)
    problem, starts = latent_starts(make_problem(study, terms(study), Knowledge()), Settings())
    frame, library = starts[0].common, problem.library
    names = library.states
    row = np.nonzero(problem.gauge[:, names.index("z")])[0]
    unit = 1.0 / np.concatenate(hidden)[row[0]] if row.size else 1.0
    truth = {library.find(*pair): value for pair, value in LINEAR.items()}
    truth[library.find("z", "p")] *= unit
    truth[library.find("y", "z")] /= unit
    columns = np.array(sorted(truth))
    initial = frame.initial_prior.mean.copy()
    initial[:, names.index("z")] = 0.1 * unit
    start = Point(columns, np.array([truth[c] for c in columns]), initial)
    model = weigh(frame, start, noise_of(frame))
    [pair] = pairs(problem, columns)
    assert (names[pair.hidden], names[pair.fed]) == ("z", "y")
    return frame, model, pair


def test_two_rates_of_a_linear_chain_can_change_places():
    """Only the sum and the product of the rates are in y: y'' = a p - (d + w) y' - d w y."""
    frame, model, pair = linear_chain()
    other = alike(frame, model, pair)
    w, v = model.fit.coefficients, other.fit.coefficients
    assert w[pair.own] == pytest.approx(-0.8, rel=0.2)
    assert v[pair.own] == pytest.approx(w[pair.other], rel=0.05)
    assert v[pair.other] == pytest.approx(w[pair.own], rel=0.05)
    y = frame.problem.library.states.index("y")
    np.testing.assert_allclose(other.fit.x[:, y], model.fit.x[:, y], atol=5e-3)
    # Either way round the same one is shown, and it is said.
    for one in (model, other):
        [shown] = hidden_faster(frame, [one])
        c = shown.fit.coefficients
        assert c[pair.own] < c[pair.other] < 0.0 and shown.evidence == one.evidence
    assert "Two answers fit alike: z decays at" in exchange_text(frame, model)["z"]


def test_rates_do_not_change_places_where_the_hidden_start_is_known():
    frame, model, pair = linear_chain(z=0.1)
    assert model.fit.coefficients[pair.own] == pytest.approx(-0.8, rel=0.2)
    assert alike(frame, model, pair) is None and exchange_text(frame, model) == {}


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
    smooth = smooth_data(problem, noise_floor=0.03)
    best = guesses(problem, smooth, e, smooth.sd)
    true = library.find("exposed", "susceptible*infectious")
    assert any(true in guess.coefficients for guess in best)
