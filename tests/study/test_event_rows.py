"""Columns EVID and MDV in tidy and wide tables."""

import numpy as np
import pytest

from twinlab.errors import UserError
from twinlab.study import read_study_bytes

WIDE = """id,time,amt,evid,mdv,conc,weight
1,0,100,1,1,0,70
1,1,0,0,0,5.5,70
1,2,.,0,1,99,70
1,3,50,1,1,0,70
1,4,.,0,0,2.5,70
1,5,.,2,1,7,70
1,6,.,0,0,1.5,70
2,0,80,1,1,0,60
2,1,.,0,0,4.5,60
2,4,.,0,0,2.0,60
"""
TIDY = """subject,time,variable,value,amount,evid
1,0,conc,0,100,1
1,1,conc,5.5,0,0
1,4,conc,2.5,.,0
"""


def test_values_of_dose_rows_and_those_marked_missing_do_not_count():
    study = read_study_bytes(WIDE.encode(), "wide.csv")
    first, second = study.trajectories
    assert study.variables == ("conc",)
    seen = np.isfinite(first.value[:, 0])
    assert first.time[seen].tolist() == [1, 4, 6] and first.value[seen, 0].tolist() == [
        5.5,
        2.5,
        1.5,
    ]
    assert [(d.time, d.amount) for d in first.doses] == [(0, 100), (3, 50)]
    assert second.doses[0].amount == 80 and second.covariates == {"weight": 60}
    assert any("evid" in note.text and "mdv" in note.text for note in study.notes)


def test_a_tidy_table_takes_them_too():
    study = read_study_bytes(TIDY.encode(), "tidy.csv")
    own = study.trajectories[0]
    assert own.time.tolist() == [1, 4] and own.value[:, 0].tolist() == [5.5, 2.5]
    assert [d.time for d in own.doses] == [0]
    assert not any(note.level == "warning" for note in study.notes)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1,9,.,1,1,0,70", "dose \\(EVID 1\\) without an amount"),
        ("1,9,20,0,0,3,70", "measurement \\(EVID 0\\) with an amount"),
        ("1,9,20,4,1,0,70", "resets the system"),
        ("1,9,.,7,0,3,70", "'7' is no kind of event"),
    ],
)
def test_contradictions_are_told_with_their_line(row, words):
    with pytest.raises(UserError, match=words) as told:
        read_study_bytes((WIDE + row + "\n").encode(), "wide.csv")
    assert "12" in str(told.value)


def test_without_amounts_such_a_column_is_a_variable_like_others():
    study = read_study_bytes(b"time,x,mdv\n0,1,0.5\n1,2,0.7\n2,3,0.1\n", "wide.csv")
    assert study.variables == ("x", "mdv")
