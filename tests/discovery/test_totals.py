"""Conserved totals of a known number stand in for what was not measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from twinlab import Settings, discover
from twinlab.discovery import Discovery
from twinlab.discovery.problem import make_problem
from twinlab.discovery.smoothing import smooth_data
from twinlab.discovery.totals import TOTAL_SD, known_totals
from twinlab.knowledge import Conserved, Knowledge
from twinlab.library import Library
from twinlab.study import Dose, Study
from twinlab.twin import Twin

TIMES = np.linspace(0.0, 12.0, 25)
CONTACT, RECOVERY, TOTAL = 1.5, 0.4, 1.0
STARTS = ((0.9, 0.02), (0.7, 0.05), (0.5, 0.1))


def epidemics() -> tuple[Study, np.ndarray]:
    """Infected and recovered of three towns, and those not yet infected, whom nobody counted."""
    rng, values, uncounted = np.random.default_rng(1), [], []
    for s, i in STARTS:
        x = solve_ivp(
            lambda _, x: [-CONTACT * x[0] * x[1], (CONTACT * x[0] - RECOVERY) * x[1]],
            (0.0, 12.0), [s, i], t_eval=TIMES, rtol=1e-9, atol=1e-9,
        ).y  # fmt: skip
        measured = np.stack([x[1], TOTAL - x[0] - x[1]], axis=1)
        values.append(measured + 0.02 * measured.std(axis=0) * rng.standard_normal(measured.shape))
        uncounted.append(x[0])
    names = [f"town {k + 1}" for k in range(len(STARTS))]
    study = Study.from_arrays("towns", ["I", "R"], [TIMES] * 3, values, conditions=names)
    return study, np.concatenate(uncounted)


def asked(study: Study, total: float | None) -> tuple[Library, Knowledge]:
    terms = ["S", "I", "R", "S*I", "S*R", "I*R"]
    library = replace(Library.user_terms(["S", "I", "R"], terms), latent=("S",))
    people = Conserved("N", {"S": 1.0, "I": 1.0, "R": 1.0}, total)
    return library, Knowledge(conserved=(people,))


@pytest.fixture(scope="module")
def found() -> tuple[Discovery, np.ndarray]:
    study, uncounted = epidemics()
    settings = Settings(draws=40, vary="nothing")
    return discover(study, *asked(study, TOTAL), settings=settings, seed=1), uncounted


def test_the_number_makes_known_what_nobody_counted(found) -> None:
    discovery, uncounted = found
    place = discovery.library.states.index("S")
    course = np.concatenate([fitted[:, place] for fitted in discovery.fitted])
    np.testing.assert_allclose(course, uncounted, atol=0.01)
    w = np.sort(np.abs(discovery.best.coefficients))
    np.testing.assert_allclose(w, [RECOVERY, CONTACT], rtol=0.03)
    assert discovery.status == "converged" and discovery.latent["S"]["identified"]
    assert "total_estimated" not in {w.code for w in discovery.warnings}
    total = [fitted[:, :3].sum(axis=1) for fitted in discovery.fitted]
    np.testing.assert_allclose(np.concatenate(total), TOTAL, rtol=5 * TOTAL_SD)


def test_it_is_an_observable_that_says_nothing_of_the_noise(found) -> None:
    problem = found[0].problem
    assert problem.observables[-1] == "N" and problem.known_totals == [3]
    assert not problem.seen[3] and "N" not in problem.study.variables
    rows = np.nonzero(problem.count[:, 3])[0]
    np.testing.assert_array_equal(rows, problem.start[:-1])
    np.testing.assert_array_equal(problem.value[rows, 3], TOTAL)
    assert "N" not in found[0].noise_sd and problem.n_values == 150


def test_what_the_number_leaves_is_where_the_search_begins() -> None:
    study, uncounted = epidemics()
    library, knowledge = asked(study, TOTAL)
    problem = make_problem(study, knowledge.completed(library), knowledge)
    at_data = smooth_data(problem).at_data
    np.testing.assert_allclose(at_data[:, 0], uncounted, atol=0.03)
    np.testing.assert_allclose(at_data[:, 3], TOTAL)


def test_it_is_kept_in_a_file(found, tmp_path) -> None:
    discovery, _ = found
    again = Twin.load(Twin(discovery).save(tmp_path / "towns.twin")).discovery
    assert again.problem.known_totals == [3]
    np.testing.assert_array_equal(again.problem.value, discovery.problem.value)


def test_a_total_without_a_number_or_with_doses_is_left_alone() -> None:
    study, _ = epidemics()
    library, knowledge = asked(study, None)
    assert make_problem(study, knowledge.completed(library), knowledge).known_totals == []
    library, knowledge = asked(study, TOTAL)
    dosed = replace(
        study,
        trajectories=tuple(
            replace(t, doses=(Dose(time=1.0, amount=0.1, target="I"),)) for t in study.trajectories
        ),
    )
    problem = make_problem(dosed, knowledge.completed(library), knowledge)
    assert problem.known_totals == []
    measured = known_totals(knowledge.conserved, ("S", "I", "R", "N"), problem.schedule)
    assert measured.names == () and measured.weights.shape == (0, 3)
