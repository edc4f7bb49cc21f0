"""The data classes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from twinlab.study import Study, read_study


def two_subjects() -> Study:
    return Study.from_arrays(
        "two",
        ["x", "y"],
        [np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0])],
        [np.array([[1, 2], [3, np.nan], [np.nan, 5]]), np.array([[6, np.nan], [7, np.nan]])],
        conditions=["a", "b"],
    )


def test_from_arrays_counts_what_is_there():
    study = two_subjects()
    assert study.n_points == 6
    assert study.subjects == ("1", "2")
    assert study.labels == ("1", "2")
    assert_array_equal(study.trajectories[0].count, [[1, 1], [1, 0], [0, 1]])


def test_select_drops_times_and_trajectories_without_values():
    study = two_subjects().select(variables=["y"])
    assert study.variables == ("y",)
    assert [t.subject for t in study.trajectories] == ["1"]
    assert_array_equal(study.trajectories[0].time, [0, 2])
    assert_array_equal(study.trajectories[0].value, [[2], [5]])


def test_select_subjects():
    assert two_subjects().select(subjects=["2"]).subjects == ("2",)
    with pytest.raises(KeyError, match="no such subject"):
        two_subjects().select(subjects=["3"])
    with pytest.raises(KeyError, match="no such variable"):
        two_subjects().select(variables=["z"])


def test_select_keeps_doses_and_covariates(write):
    study = read_study(
        write(
            "subject,time,x,y,w,amount\na,0,,,,5\na,1,1,2,7,\na,2,2,3,7,\nb,1,1,1,8,\nb,2,3,4,8,\n"
        )
    ).select(variables=["y"])
    assert study.trajectories[0].doses[0].amount == 5
    assert study.trajectories[1].covariates == {"w": 8.0}


def test_labels_name_the_condition_where_a_subject_has_two():
    study = Study.from_arrays(
        "s", ["x"], [np.arange(2.0)] * 2, [np.ones((2, 1))] * 2,
        subjects=["a", "a"], conditions=["fed", "fasted"],
    )  # fmt: skip
    assert study.labels == ("a (fed)", "a (fasted)")
