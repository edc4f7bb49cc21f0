"""The plain text of ``twinlab check``."""

from __future__ import annotations

from twinlab.study import Study, check_text, read_study
from twinlab.study.summary import number_text


def test_everything_is_said_once(write):
    write(
        "subject,time,amount,unit,target,duration\na,0,50,mg,gut,\na,8,70,mg,gut,2\n", "d_doses.csv"
    )
    rows = "".join(f"a,low,{t},h,drug,{10 - t},mg/L,1\n" for t in (0, 1, 2, 3, 9))
    content = (
        "subject,condition,time,time_unit,variable,value,unit,dose\n" + rows
        + "b,high,0,h,drug,<0.5,mg/L,2\nb,high,0,h,effect,4,,2\nb,high,1,h,effect,5,,2\n"
        + "b,high,1,h,effect,6,,2\nb,high,2,h,drug,NA,mg/L,2\n"
    )  # fmt: skip
    text = check_text(read_study(write(content, "d.csv")))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for said in (
        "study d",
        "layout tidy, separated by commas",
        "subjects 2: a, b",
        "conditions 2: low, high",
        "variables 2: drug, effect",
        "points 9 measured values",
        "time 0 to 9 h",
        "covariate dose 1 to 2",
        "variable unit subjects points missing censored replicated min median max",
        "drug mg/L 2 6 1 1 0 0.5 7.5 10",
        "effect - 1 3 0 0 1 4 4.75 5.5",
        "drug 1-5 1 6 irregular",
        "effect 2 1 1 regular",
        "drug of a: nothing from 3 to 9 (6 steps)",
        "2 doses to 1 of 2 subjects, 2 each",
        "1 dose into gut: 50 mg, time 0",
        "1 infusion into gut: 70 mg, time 8",
        "- 1 missing value of 10",
    ):
        assert lines.count(said) == 1, said
    assert any(line.startswith("file d.csv, ") and "SHA-256" in line for line in lines)
    assert max(map(len, text.splitlines())) <= 110


def test_warnings_come_before_notes(write):
    text = check_text(read_study(write("t,x,k\n0,1,5\n1,2,5\n2,NA,5\n")))
    notes = text[text.index("Notes") :].splitlines()[1:]
    assert [line.split()[0] for line in notes] == ["!", "-", "-"]
    assert "k is constant" in notes[0]


def test_a_study_made_in_memory_has_no_file():
    study = Study.from_arrays("made", ["x"], [[0.0, 1.0]], [[[1.0], [2.0]]])
    text = check_text(study)
    assert "SHA-256" not in text
    assert "conditions not given" in text
    assert "time       0 to 1 (unit not given)" in text


def test_many_subjects_are_cut(write):
    rows = "".join(f"subject{i},{t},{t + i}\n" for i in range(99) for t in (0, 1))
    text = check_text(read_study(write("subject,time,x\n" + rows)))
    line = next(line for line in text.splitlines() if line.startswith("subjects"))
    assert line.startswith("subjects   99: subject0, subject1, ")
    assert "more)" in line
    assert len(line) <= 96


def test_numbers_are_readable():
    assert [number_text(v) for v in (0.0, 0.123456, 1900.0, 26994.4, 1528974.0, 2.6e8, -3e-7)] == [
        "0", "0.12346", "1900", "26,994", "1,528,974", "2.6e+08", "-3e-07",
    ]  # fmt: skip
