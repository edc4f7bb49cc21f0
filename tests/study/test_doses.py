"""Dosing events from the data file itself and from a file beside it."""

from __future__ import annotations

import pytest

from twinlab.errors import UserError
from twinlab.study import Dose, read_study, read_study_bytes

DATA = "subject,time,time_unit,variable,value\n" + "".join(
    f"{s},{t},h,drug,{t + 1}\n" for s in ("01", "02") for t in (0, 1, 2)
)


def texts(study) -> str:
    return "\n".join(note.text for note in study.notes)


def test_rows_with_an_amount_are_doses(write):
    content = (
        "subject,time,variable,value,amount,amount_unit,target,duration\n"
        "a,0,,,100,mg,gut,\na,1,drug,4,,,,\na,2,drug,3,,,,\na,2,,,50,mg,blood,0.5\n"
        "b,0,,,0,mg,gut,\nb,1,drug,1,,,,\nb,2,drug,2,,,,\n"
    )
    study = read_study(write(content))
    first, second = study.trajectories
    assert first.doses == (Dose(0, 100, "gut", 0, "mg"), Dose(2, 50, "blood", 0.5, "mg"))
    assert second.doses == ()
    assert study.variables == ("drug",)
    assert "1 dose of zero skipped" in texts(study)
    assert "missing" not in texts(study)


def test_wide_rows_with_an_amount_are_doses(write):
    content = "time,x,y,amount,target\n0,,,10,gut\n1,2,3,,\n2,3,4,5,gut\n"
    study = read_study(write(content))
    assert study.variables == ("x", "y")
    assert study.trajectories[0].doses == (Dose(0, 10, "gut"), Dose(2, 5, "gut"))
    assert list(study.trajectories[0].time) == [1, 2]


def test_file_of_the_same_name(write):
    write("ID,time,amount,unit,route,target\n01,0,5,mg,oral,gut\n02,1,6,mg,oral,gut\n01,0.5,,mg,oral,gut\n",
          "d_doses.csv")  # fmt: skip
    study = read_study(write(DATA, "d.csv"))
    assert [t.doses for t in study.trajectories] == [
        (Dose(0, 5, "gut", 0, "mg"),),
        (Dose(1, 6, "gut", 0, "mg"),),
    ]
    assert "2 doses from d_doses.csv" in texts(study)
    assert "1 row of d_doses.csv without an amount skipped" in texts(study)
    assert "d_doses.csv: 1 column not used: 'route'" in texts(study)


def test_shared_file_fits_by_subject(write):
    write("subject,time,amount [mg]\n01,0,5\n77,0,5\n", "doses.csv")
    study = read_study(write(DATA))
    assert study.trajectories[0].doses == (Dose(0, 5, "", 0, "mg"),)
    assert study.trajectories[1].doses == ()
    assert "1 dose for '77', who have no measurements, not used" in texts(study)


def test_shared_file_of_other_subjects_is_left_alone(write):
    write("subject,time,amount\n1,0,5\n", "doses.csv")  # 1 is not 01
    study = read_study(write(DATA))
    assert all(not t.doses for t in study.trajectories)
    assert "doses.csv is for other subjects and is not used" in texts(study)


def test_doses_by_condition(write):
    data = "subject,condition,time,x\na,low,0,1\na,low,1,2\nb,high,0,1\nb,high,1,3\n"
    write("condition,time,dose_mg\nhigh,0,9\n", "d_doses.csv")
    study = read_study(write(data, "d.csv"))
    assert [t.doses for t in study.trajectories] == [(), (Dose(0, 9, "", 0, "mg"),)]


def test_doses_with_an_upload():
    study = read_study_bytes(
        DATA.encode(), "d.csv", doses=(b"subject,time,amount\n01,0,5\n", "z.csv")
    )
    assert study.trajectories[0].doses == (Dose(0, 5),)


@pytest.mark.parametrize(
    ("doses", "said"),
    [
        ("subject,time,amount\n01,0,-5\n", "line 2, column 'amount': amount is negative (-5)."),
        ("subject,time,amount\n01,,5\n", "line 2, column 'time': there is no time in this row."),
        ("subject,time,amount\n01,0,much\n", "line 2, column 'amount': 'much' is not a number."),
        ("subject,time,amount,duration\n01,0,5,-1\n", "column 'duration': duration is negative"),
        ("subject,time,amount,duration_day\n01,0,5,1\n", "the duration is in 'day' and the time"),
        ("subject,time,time_unit,amount\n01,0,day,5\n", "times are in 'day', those of the data in"),
        ("subject,time,quantity\n01,0,5\n", "line 1: there is no column 'amount'."),
    ],
)
def test_bad_dosing_files_name_the_dosing_file(write, doses, said):
    write(doses, "d_doses.csv")
    with pytest.raises(UserError) as raised:
        read_study(write(DATA, "d.csv"))
    assert str(raised.value).startswith("d_doses.csv, ")
    assert said in str(raised.value)
    assert raised.value.mend


def test_a_dosing_file_is_not_data(write):
    with pytest.raises(UserError, match="holds doses, no measurements. Open the data file"):
        read_study(write("subject,time,amount,weight\n01,0,5,70\n", "d_doses.csv"))


def test_repeated_doses_and_infusions_by_rate(write):
    write("ID,TIME,AMT,RATE,II,ADDL\n01,0,10,,2,3\n02,1,6,3,,\n02,4,6,,0,0\n", "d_doses.csv")
    first, second = read_study(write(DATA, "d.csv")).trajectories
    assert first.doses == tuple(Dose(t, 10.0) for t in (0, 2, 4, 6))
    assert second.doses == (Dose(1, 6, duration=2.0), Dose(4, 6))


def test_repeated_doses_in_the_data_itself(write):
    tidy = "time,variable,value,amount,interval,additional\n0,,,5,1,2\n0,x,1,,,\n4,x,2,,,\n"
    wide = "time,x,y,amount,infusion_rate\n0,,,10,5\n1,2,3,,\n4,3,4,,\n"
    assert [d.time for d in read_study(write(tidy)).trajectories[0].doses] == [0, 1, 2]
    assert read_study(write(wide)).trajectories[0].doses == (Dose(0, 10, duration=2.0),)


@pytest.mark.parametrize(
    ("doses", "said"),
    [
        ("time,amount,additional\n0,5,2\n", "column 'additional': there are additional doses, but"),
        ("time,amount,additional,ii\n0,5,1.5,1\n", "1.5 is no number of additional doses"),
        ("time,amount,rate,duration\n0,6,3,5\n", "mean a duration of 2, not of 5"),
        ("time,amount,rate\n0,6,-2\n", "column 'rate': rate is negative (-2)."),
        (
            "time,amount,duration\n0,5,2\n1,5,2\n",
            "line 3, column 'time': this infusion (from 1)",
        ),
        ("time,amount,duration,ii,addl\n0,5,2,1,3\n", "begins before the one in line 2 ends"),
        (
            "subject,time,amount\n01,0,5\n3,0,5\n",
            "line 3, column 'subject': this dose is for '3'",
        ),
    ],
)
def test_bad_repeats_infusions_and_subjects(write, doses, said):
    write(doses, "d_doses.csv")
    with pytest.raises(UserError) as raised:
        read_study(write(DATA, "d.csv"))
    assert said in str(raised.value) and raised.value.mend


def test_infusions_may_follow_each_other(write):
    write("time,amount,duration\n0,5,0.1\n0.1,5,0.2\n0.3,5,0.1\n", "d_doses.csv")
    assert len(read_study(write(DATA, "d.csv")).trajectories[0].doses) == 3


def test_doses_after_the_last_measurement_are_noted(write):
    write("subject,time,amount\n01,0,5\n01,2,5\n01,9,5\n", "d_doses.csv")
    assert "2 doses after the last measurement" in texts(read_study(write(DATA, "d.csv")))
