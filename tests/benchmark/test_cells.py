"""Cells and cases: names that round-trip, numbers that repeat, axes that do what they say."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from twinlab.benchmark.axes import CENSORED_SHARE, MISSING_SHARE
from twinlab.benchmark.axes.noise import OUTLIER_SHARE, OUTLIER_SIZE
from twinlab.benchmark.axes.prior import named_shares, true_columns, true_edges, wrong_edges
from twinlab.benchmark.cells import CHOICES, N_STARTS, Cell, make_case
from twinlab.benchmark.systems import SYSTEMS
from twinlab.discovery.problem import make_problem
from twinlab.errors import UserError
from twinlab.expressions import parse_term

from .textbook import seir


def digest(case):
    """Hash of everything a method sees, and of what it is judged by."""
    found = hashlib.sha256()
    for trajectory in case.study.trajectories:
        found.update(trajectory.time.tobytes() + trajectory.value.tobytes())
    for test in case.tests:
        found.update(test.start.tobytes() + test.clean.tobytes() + test.inputs.tobytes())
    columns = range(len(case.library.columns))
    told = [case.library.column_label(c) for c in columns]
    found.update(repr((told, case.knowledge, case.truth, case.factors)).encode())
    return found.hexdigest()


def residuals(case):
    """Measured minus clean, all conditions below each other."""
    n = len(case.states)
    pairs = zip(case.study.trajectories, case.clean, strict=True)
    return np.concatenate([t.value[:, :n] - clean for t, clean in pairs])


# ------------------------------------------------------------------------------- names


def test_a_cell_goes_through_json_and_its_key_is_its_own():
    cells = [
        Cell("seir"),
        Cell("seir", seed=3),
        Cell("seir", noise=0.0),
        Cell("seir", prior=0.25, prior_wrong=0.2),
        Cell("chemostat", variation="inputs", library="x20", hidden=1, sampling="gap"),
        *(Cell("seir", **{name: v}) for name, all_ in CHOICES.items() for v in all_[1:3]),
    ]
    cells = list(dict.fromkeys(cells))
    assert [Cell.from_json(cell.to_json()) for cell in cells] == cells
    assert len({cell.key for cell in cells}) == len(cells)
    assert all(" " not in cell.key and cell.key.startswith(cell.system) for cell in cells)


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_a_cell_with_only_a_name_follows_the_design(name):
    cell, design = Cell(name), SYSTEMS[name].design
    assert (cell.conditions, cell.points, cell.noise) == tuple(design)
    assert Cell(name, noise=0.0).noise == 0.0


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"system": "wolves"}, "no benchmark system 'wolves'"),
        ({"library": "x3"}, "library cannot be 'x3'"),
        ({"noise_kind": "pink"}, "noise_kind cannot be 'pink'"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"points": 3}, "points must be 4 or more"),
        ({"hidden": 3}, "hidden must be 0 to 2"),
        ({"prior": 1.5}, "prior must be 0 to 1"),
        ({"variation": "inputs"}, "no inputs"),
        ({"system": "logistic", "variation": "knockout"}, "knocked out"),
    ],
)
def test_a_wrong_cell_is_refused(change, word):
    with pytest.raises(UserError, match=word):
        Cell(**{"system": "seir", **change})
    with pytest.raises(UserError, match="not a benchmark cell"):
        Cell.from_json('{"system": "seir", "colour": 1}')


# ------------------------------------------------------------------------------ repeats


def test_the_same_cell_gives_the_same_bytes_whatever_ran_before():
    cells = [
        Cell("seir", seed=4, sampling="missing", library="x5", prior=0.5, prior_wrong=0.5),
        Cell("chemostat", conditions=2, variation="inputs"),
        Cell("toggle", variation="rates", library="rational", noise_kind="student"),
    ]
    first = [digest(make_case(cell)) for cell in cells]
    np.random.seed(0)
    assert [digest(make_case(cell)) for cell in reversed(cells)] == first[::-1]
    assert digest(make_case(replace(cells[0], seed=5))) != first[0]


def test_data_sets_match_along_an_axis():
    base = make_case(Cell("seir", conditions=3))
    noisier = make_case(Cell("seir", conditions=3, noise=0.2))
    more = make_case(Cell("seir", conditions=5))
    for a, b, c in zip(base.clean, noisier.clean, more.clean, strict=False):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
    np.testing.assert_allclose(residuals(noisier), 4 * residuals(base), rtol=1e-6, atol=1e-12)


# -------------------------------------------------------------------------------- noise


@pytest.mark.parametrize("kind", CHOICES["noise_kind"])
def test_noise_has_the_stated_size(kind):
    case = make_case(Cell("lotka_volterra", points=1000, noise=0.2, noise_kind=kind))
    spread = np.concatenate(case.clean).std(axis=0)
    error = residuals(case)
    if kind == "outliers":
        far = np.abs(error) > 5 * case.sd
        assert far.mean() == pytest.approx(OUTLIER_SHARE, rel=0.1)
        size = np.broadcast_to(np.abs(error) / case.sd, far.shape)[far].mean()
        assert size == pytest.approx(OUTLIER_SIZE, rel=0.02)
        error = np.where(far, np.nan, error)
    measured = np.sqrt(np.nanmean(error**2, axis=0)) / spread
    np.testing.assert_allclose(measured, 0.2, rtol=0.12 if kind == "student" else 0.06)
    np.testing.assert_allclose(case.sd, 0.2 * spread)


def test_noise_has_the_stated_shape():
    cases = {
        kind: make_case(Cell("lotka_volterra", points=1000, noise=0.2, noise_kind=kind))
        for kind in CHOICES["noise_kind"]
    }
    tails = {k: np.mean((residuals(c) / c.sd) ** 4) for k, c in cases.items()}
    assert tails["additive"] == pytest.approx(3, abs=0.4) and tails["student"] > 4.5
    clean = np.concatenate(cases["lognormal"].clean)
    ratio = np.log((clean + residuals(cases["lognormal"])) / clean)[:, 0]
    large = clean[:, 0] > np.median(clean[:, 0])
    assert ratio[large].std() == pytest.approx(ratio[~large].std(), rel=0.1)


def test_no_noise_is_the_clean_trajectory():
    assert np.abs(residuals(make_case(Cell("seir", noise=0.0)))).max() == 0.0


def test_published_noise_of_lorenz_is_pooled_over_states():
    for name, start, size in (
        ("lorenz_esindy", [-8, 7, 27], lambda x: np.sqrt(np.mean(x**2))),
        ("lorenz_odrbindy", [-8, 8, 27], np.std),
    ):
        case = make_case(Cell(name, points=50, noise=0.1))
        assert case.time[0][-1] == pytest.approx(0.49) and len(case.study.trajectories) == 1
        np.testing.assert_array_equal(case.clean[0][0], start)
        long = make_case(Cell(name, points=1000, noise=0.0)).clean[0]
        np.testing.assert_allclose(case.sd, 0.1 * size(long), rtol=1e-6)
    columns = {n: len(SYSTEMS[n].library().columns) for n in SYSTEMS if n.startswith("lorenz_")}
    assert columns == {"lorenz_esindy": 3 * 55, "lorenz_odrbindy": 3 * 10}


# ----------------------------------------------------------------------------- sampling


def test_the_noise_is_told_where_asked():
    case = make_case(Cell("lorenz_odrbindy", noise_told=True, points=40))
    plain = make_case(Cell("lorenz_odrbindy", points=40))
    for told, own in zip(case.study.trajectories, plain.study.trajectories, strict=True):
        np.testing.assert_array_equal(told.value, own.value)
        np.testing.assert_array_equal(told.sd, np.broadcast_to(case.sd, told.sd.shape))
        assert np.isnan(own.sd).all()


def test_missing_entries_have_the_stated_share():
    case = make_case(Cell("seir", points=200, conditions=2, sampling="missing"))
    n_seen = sum(np.isfinite(t.value).sum() for t in case.study.trajectories)
    assert n_seen == 2 * round((1 - MISSING_SHARE) * 600)
    assert all(np.isfinite(t.value).any(axis=1).all() for t in case.study.trajectories)


def test_low_values_are_censored_at_their_limit():
    base = make_case(Cell("chemostat", points=100))
    case = make_case(Cell("chemostat", points=100, sampling="censored"))
    n_state = len(case.states)
    values = np.concatenate([t.value for t in base.study.trajectories])
    limit = np.nanquantile(values[:, :n_state], CENSORED_SHARE, axis=0)
    for own, before in zip(case.study.trajectories, base.study.trajectories, strict=True):
        below = own.censored[:, :n_state]
        np.testing.assert_array_equal(below, before.value[:, :n_state] < limit)
        np.testing.assert_array_equal(own.value[:, :n_state][below], (below * limit)[below])
        np.testing.assert_array_equal(own.value[~own.censored], before.value[~own.censored])
        assert not own.censored[:, n_state:].any()
    share = np.mean(np.concatenate([t.censored[:, :n_state] for t in case.study.trajectories]))
    assert share == pytest.approx(CENSORED_SHARE, abs=0.01)
    assert not any(t.censored.any() for t in base.study.trajectories)


def test_inputs_are_never_missing():
    case = make_case(Cell("chemostat", sampling="missing", noise=0.5))
    for trajectory, time in zip(case.study.trajectories, case.time, strict=True):
        expected = case.system.input_values(time)
        np.testing.assert_array_equal(trajectory.value[:, 2:], expected)


def test_times_are_as_named():
    horizon = SYSTEMS["seir"].horizon
    cases = {k: make_case(Cell("seir", points=40, sampling=k)) for k in CHOICES["sampling"]}
    for case in cases.values():
        for time in case.time:
            assert time[0] == 0.0 and time[-1] == pytest.approx(horizon) and len(time) == 40
            assert np.diff(time).min() > 0.05 * horizon / 39
    np.testing.assert_allclose(np.diff(cases["uniform"].time[0]), horizon / 39)
    gaps = [np.diff(time) for time in cases["gap"].time]
    assert all(0.3 < steps.max() / horizon < 0.33 for steps in gaps)
    assert all((steps > 0.1 * horizon).sum() == 1 for steps in gaps)
    assert np.diff(cases["irregular"].time[0]).std() > 0.3 * horizon / 39
    assert not np.allclose(cases["irregular"].time[0], cases["irregular"].time[1])


def test_values_that_cannot_be_taken_are_missing():
    case = make_case(Cell("gompertz", noise=0.4, points=200, conditions=4))
    values = np.concatenate([t.value for t in case.study.trajectories])
    assert np.nanmin(values) > 0 and len(values) < 800


# --------------------------------------------------------------------------- conditions


def by_hand(start, time, **rates):
    """SEIR of the textbook at given rates."""
    solution = solve_ivp(
        lambda t, x: seir(x, (), **rates), (0, time[-1]), start, "DOP853", time,
        rtol=1e-11, atol=1e-13,
    )  # fmt: skip
    return solution.y.T


def test_rates_change_by_up_to_thirty_percent_and_drive_the_data():
    case = make_case(Cell("seir", variation="rates", conditions=12))
    contact = [f["susceptible", "susceptible*infectious"] for f in case.factors]
    onset = [f["infectious", "exposed"] for f in case.factors]
    assert all(0.7 <= value <= 1.3 for value in contact + onset) and np.ptp(contact) > 0.2
    assert contact == pytest.approx([f["exposed", "susceptible*infectious"] for f in case.factors])
    for clean, time, factors in zip(case.clean, case.time, case.factors, strict=True):
        rates = {
            "contact": 0.8 * factors["exposed", "susceptible*infectious"],
            "onset": 0.4 * factors["exposed", "exposed"],
            "recovery": 0.2 * factors["infectious", "infectious"],
        }
        np.testing.assert_allclose(clean, by_hand(clean[0], time, **rates), atol=1e-8)
    last = case.tests[-1]
    assert last.kind == "condition" and last.factors not in case.factors
    assert set(case.tests[0].factors.values()) == {1.0}


def test_every_second_condition_is_a_knock_out():
    case = make_case(Cell("seir", variation="knockout", conditions=4))
    gone = [{edge for edge, factor in f.items() if factor == 0} for f in case.factors]
    assert gone[0] == gone[2] == set()
    assert gone[1] == {("infectious", "infectious")}
    assert gone[3] == {("exposed", "exposed"), ("infectious", "exposed")}
    # without recovery nobody leaves; without onset the infectious only decay
    np.testing.assert_allclose(np.ptp(case.clean[1].sum(axis=1)), 0, atol=1e-7)
    np.testing.assert_allclose(
        case.clean[3][:, 2], case.clean[3][0, 2] * np.exp(-0.2 * case.time[3]), rtol=1e-6
    )
    told = [t.covariates for t in case.study.trajectories]
    assert told[1] == {"knockout_recovery": 1.0, "knockout_onset": 0.0}
    assert told[2] == {"knockout_recovery": 0.0, "knockout_onset": 0.0}
    fresh = make_case(Cell("seir", variation="knockout", conditions=2)).tests[-1]
    assert fresh.factors["exposed", "exposed"] == 0  # the knock-out the data do not hold


def test_inputs_vary_when_asked_and_drive_the_data():
    same = make_case(Cell("glucose", conditions=3))
    varied = make_case(Cell("glucose", conditions=3, variation="inputs"))
    inputs = [t.value[:, 2] for t in same.study.trajectories]
    np.testing.assert_array_equal(inputs[0], inputs[2])
    others = [t.value[:, 2] for t in varied.study.trajectories]
    assert not np.allclose(others[0], others[1]) and not np.allclose(others[0], inputs[0])
    assert not np.allclose(varied.tests[-1].inputs[:, 0], varied.tests[0].inputs[:, 0])
    assert not np.allclose(same.clean[0], varied.clean[0])
    np.testing.assert_array_equal(same.clean[0][0], varied.clean[0][0])


def variations():
    """Every system with every variation it has."""
    for name, system in SYSTEMS.items():
        yield name, "rates"
        if system.knockouts:
            yield name, "knockout"
        if system.inputs:
            yield name, "inputs"


@pytest.mark.parametrize(("name", "variation"), list(variations()))
def test_every_variation_of_every_system_can_be_simulated(name, variation):
    case = make_case(Cell(name, variation=variation, conditions=2, points=10))
    assert all(np.isfinite(values).all() for values in case.clean)
    assert all(np.isfinite(test.clean).all() for test in case.tests)


def test_forecasts_start_where_no_data_do():
    case = make_case(Cell("seir"))
    kinds = [test.kind for test in case.tests]
    assert kinds == ["initial"] * N_STARTS + ["condition"]
    for test in case.tests:
        np.testing.assert_allclose(test.clean, by_hand(test.start, test.time), atol=1e-8)
        assert not any(np.allclose(test.start, clean[0]) for clean in case.clean)
    low, high = np.array(list(case.system.initial.values())).T
    corner = case.tests[-1].start
    assert np.all((corner == low) | (corner == high))


def test_published_initial_states_come_first():
    case = make_case(Cell("four_pk"))
    assert [clean[0].tolist() for clean in case.clean] == [[10, 0], [2, 0], [20, 0]]
    assert case.tests[0].start.tolist() == [8, 0]


# ------------------------------------------------------------------------ hidden states


def test_hidden_states_leave_study_library_and_truth():
    case = make_case(Cell("seir", hidden=1))
    assert case.hidden == ("exposed",) and case.states == ("susceptible", "infectious")
    assert case.study.variables == case.library.states == case.states
    assert not any("exposed" in term.variables for term in case.library.terms)
    assert len(case.library.columns) == 2 * 6 and len(case.full_library.columns) == 30
    assert case.truth == {
        "susceptible": {"susceptible*infectious": -0.8},
        "infectious": {"infectious": -0.2},
    }
    assert not case.truth_in_library and len(case.full_truth) == 3
    seen = make_case(Cell("seir"))
    for hidden, whole in zip(case.hidden_states, seen.clean, strict=True):
        np.testing.assert_array_equal(hidden[:, 0], whole[:, 1])
    assert case.tests[0].hidden.shape == (len(case.tests[0].time), 1)


# ------------------------------------------------------------------------------ library


def edges(library):
    """(state, term) of every column."""
    return [
        (library.states[library.column_state(c)], library.term_of(c).text)
        for c in range(len(library.columns))
    ]


@pytest.mark.parametrize("name", ["logistic", "gompertz", "toggle", "seir", "tumour_immune"])
def test_decoys_are_as_many_as_stated_and_nested(name):
    names = (*SYSTEMS[name].states, *SYSTEMS[name].inputs)
    true = {
        (state, parse_term(term, names).text)
        for state, row in SYSTEMS[name].equations.items()
        for term in row
    }
    before = true
    for kind, multiple in (("x2", 2), ("x5", 5), ("x20", 20)):
        case = make_case(Cell(name, library=kind))
        found = edges(case.library)
        assert len(found) == len(set(found)) == multiple * len(true)
        assert before <= set(found) and case.truth_in_library
        before = set(found)


@pytest.mark.parametrize("name", ["toggle", "goodwin", "chemostat", "hiv"])
@pytest.mark.parametrize("kind", ["x20", "rational"])
def test_no_library_makes_the_truth_ambiguous(name, kind):
    library = make_case(Cell(name, library=kind, conditions=1, points=25)).library
    rng = np.random.default_rng(0)
    points = np.exp(rng.uniform(-4, 3, (len(library.names), 1000)))
    values = dict(zip(library.names, points, strict=True))
    for state in library.states:  # near dependence is life; exact dependence gives 1e-16
        terms = [library.term_of(column) for column in library.columns_of(state)]
        design = np.array([np.broadcast_to(term.evaluate(values), 1000) for term in terms]).T
        design = design / np.linalg.norm(design, axis=0)
        assert np.linalg.svd(design, compute_uv=False)[-1] > 1e-13


def test_rational_terms_come_on_top():
    default, rational = (make_case(Cell("hiv", library=k)).library for k in ("default", "rational"))
    assert set(edges(default)) < set(edges(rational))
    extra = [term for _, term in set(edges(rational)) - set(edges(default))]
    assert extra and all(term.startswith(("hill(", "mm(")) for term in extra)


def test_one_true_term_is_removed():
    removed = set()
    for seed in range(5):
        case = make_case(Cell("seir", seed=seed, library="removed"))
        assert not case.truth_in_library
        missing = set(edges(make_case(Cell("seir", seed=seed)).library)) - set(edges(case.library))
        assert missing == {case.removed}
        assert case.removed[1] in {
            parse_term(term, case.states).text for term in case.truth[case.removed[0]]
        }
        removed.add(case.removed)
    assert len(removed) > 1


# -------------------------------------------------------------------------------- prior


@pytest.mark.parametrize(
    ("name", "share", "wrong", "right", "false"),
    [
        ("enzyme_hill", 0.0, 0.0, 0, 0),
        ("enzyme_hill", 0.25, 0.0, 4, 0),
        ("enzyme_hill", 0.5, 0.2, 6, 2),
        ("enzyme_hill", 0.5, 0.5, 4, 4),
        ("predator_prey", 0.5, 0.5, 1, 1),
    ],
)
def test_the_prior_tells_the_stated_share_as_edges(name, share, wrong, right, false):
    case = make_case(Cell(name, points=20, prior=share, prior_wrong=wrong))
    true = true_edges(case.library, case.truth)
    told = case.knowledge.edges
    bad = wrong_edges(case.knowledge, case.library, case.truth)
    assert (len(told) - len(bad), len(bad)) == (right, false)
    assert all(e.key in true and e.sign == true[e.key] for e in told if e.key not in bad)
    # In a system where everything acts on everything a wrong edge has the wrong sign.
    assert all(e.key not in true or e.sign == -true[e.key] != 0 for e in told if e.key in bad)
    prior = case.knowledge.column_prior(case.library, complexity=0.0)
    assert bool(prior.spread.any()) == bool(told) and not prior.log_odds.any()
    assert not prior.required.any() and not prior.excluded.any()
    # Naming all that is told finds every wrong edge, and slanders every right one.
    shares = named_shares([e.key for e in told], case.knowledge, case.library, case.truth)
    assert [s for s in shares if s == s] == [1.0] * bool(false) + [1.0] * bool(right)


def test_edges_of_the_truth_have_the_sign_of_the_derivative():
    case = make_case(Cell("predator_prey", points=20))
    assert true_edges(case.library, case.truth) == {
        ("prey", "prey"): 0,
        ("predator", "prey"): -1,
        ("predator", "predator"): 0,
        ("prey", "predator"): 1,
    }


# ----------------------------------------------------------------------- the whole case


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_a_case_can_be_put_before_the_engine(name):
    case = make_case(Cell(name, conditions=1, points=30))
    problem = make_problem(case.study, case.library, case.knowledge)
    assert problem.value.shape == (30, len(case.states))
    assert case.truth_in_library and case.truth == SYSTEMS[name].equations
    assert len(true_columns(case.library, case.truth)) == len(case.system.support)
    assert set(case.units) == {*case.states, *case.inputs}
