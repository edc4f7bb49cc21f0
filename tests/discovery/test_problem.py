"""Tables made from a study, and the refusals."""

import numpy as np
import pytest

from twinlab.discovery.problem import make_problem
from twinlab.errors import UserError
from twinlab.knowledge import Belief, Knowledge
from twinlab.library import Library
from twinlab.study import Study

from .conftest import predator_prey


def test_rows_missing_entries_and_inputs():
    time = [np.array([0.0, 1.0, 2.0, 4.0]), np.array([5.0, 6.0, 8.0])]
    value = [
        np.array([[1.0, 10.0], [np.nan, 20.0], [3.0, np.nan], [4.0, 40.0]]),
        np.array([[1.0, 0.0], [2.0, 1.0], [0.5, 3.0]]),
    ]
    study = Study.from_arrays("s", ["x", "u"], time, value)
    library = Library.polynomial(study, degree=1, states=["x"], inputs=["u"])
    problem = make_problem(study, library, Knowledge())
    assert problem.n_state == 1 and problem.n_trajectory == 2
    np.testing.assert_array_equal(problem.times(0), [0.0, 1.0, 2.0, 4.0])
    assert problem.count[:, 0].tolist() == [1, 0, 1, 1, 1, 1, 1]
    np.testing.assert_array_equal(problem.times(1), [5.0, 6.0, 8.0])
    # The input keeps its own times: linear from 20 at t=1 to 40 at t=4.
    at = problem.grid(0)
    found = problem.schedule.inputs_at(0, at)[:, 0]
    np.testing.assert_allclose(found, np.interp(at, [0, 1, 4], [10, 20, 40]))
    assert np.allclose(problem.schedule.inputs[:, :, :2], 0)


def test_active_tables_hold_the_model_alone():
    study = predator_prey()
    library = Library.polynomial(study, degree=2)
    problem = make_problem(study, library, Knowledge())
    columns = np.array([library.find("prey", "prey"), library.find("predator", "prey*predator")])
    terms, entries = problem.active(columns)
    assert terms.factor_count.tolist() == [1, 2]
    assert entries.state.tolist() == [0, 1] and entries.column.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("time", "value", "match"),
    [
        ([0.0, 1.0, 2.0], [[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]], "y is constant"),
        ([0.0], [[1.0, 5.0]], "two times"),
    ],
)
def test_data_that_cannot_teach_are_refused(time, value, match):
    study = Study.from_arrays("s", ["x", "y"], [np.array(time)], [np.array(value)])
    with pytest.raises(UserError, match=match):
        make_problem(study, Library.polynomial(study, degree=1), Knowledge())


def test_logarithm_of_a_negative_value_is_refused():
    study = Study.from_arrays(
        "s", ["x"], [np.arange(4.0)], [np.array([[1.0], [2.0], [-1.0], [2.0]])]
    )
    library = Library.polynomial(study, degree=1) + Library.user_terms(study, ["log(x)"])
    with pytest.raises(UserError, match="log"):
        make_problem(study, library, Knowledge())


def test_signs_become_bounds():
    study = predator_prey()
    library = Library.polynomial(study, degree=2)
    knowledge = Knowledge((Belief("prey", "prey", sign=1), Belief("prey", "prey^2", sign=-1)))
    prior = make_problem(study, library, knowledge).prior
    assert prior.lower[library.find("prey", "prey")] == 0
    assert prior.upper[library.find("prey", "prey^2")] == 0
    assert np.isinf(prior.upper[library.find("prey", "prey")])
