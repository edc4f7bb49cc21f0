"""Every kind of bad input gives a clear message with its place and its mend, no traceback."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from twinlab.errors import UserError
from twinlab.study import MAX_BYTES, DataErrors, Study, read_study, read_study_bytes
from twinlab.study import measurements as measurements_module
from twinlab.study import table as table_module

HEAD = "subject,time,variable,value\n"

#: name: (content, how the message starts after the file's name)
CASES = {
    "empty": ("", ": the file is empty."),
    "blank": (" \r\n\n", ": the file is empty."),
    "png": (b"\x89PNG\r\n\x1a\n" + zlib.compress(b"x" * 99), ": is not a table but a PNG picture."),
    "binary": (bytes(range(256)), ": is not a table but a binary file."),
    "utf16": ("time,x\n0,1\n".encode("utf-16"), ": is UTF-16 text."),
    "json": ('{"time": [0, 1]}', ": is not a table but looks like JSON."),
    "html": ("<html><table></table></html>", ": is not a table but looks like HTML"),
    "prose": (
        "Dear all,\nplease find the data below.\nThey were measured, as agreed, on Monday.\nBest\n",
        ": is not a table.",
    ),
    "one column": ("x\n1\n2\n", ": is not a table."),
    "comments only": ("sep=;\n# time;x\n\n", ": there is nothing but comments and empty lines."),
    "header only": ("time,x\n", ", line 1: there is a header, but no rows below it."),
    "no time": ("subject,x\na,1\nb,2\n", ", line 1: there is no time column."),
    "dates": ("date,x\n2020-01-01,1\n2020-01-02,2\n", ", line 1: there is no time column."),
    "title above": ("Plate 7,,\ntime,x,y\n0,1,2\n1,2,4\n", ", line 1: column 2 has values but"),
    "title alone": ("Plate 7\ntime,x,y\n0,1,2\n1,2,4\n", ", line 1: the header has 1 field"),
    "two times": ("day,hour,x\n0,1,2\n", ", line 1: the columns 'day' and 'hour' can each be"),
    "no value": ("time,variable,level\n0,x,1\n", ", line 1: there is a column 'variable', but no"),
    "text in a value": (
        HEAD + "a,0,x,1\na,1,x,high\n",
        ", line 3, column 'value': 'high' is not a number.",
    ),
    "text in a wide value": ("time,x\n0,1\n1,oops\n", ", line 3, column 'x': 'oops' is not a"),
    "unit in a value": ("time,x\n0,12 mg\n1,2\n", ", line 2, column 'x': '12 mg' is not a number."),
    "percent": ("time,x\n0,12%\n1,15%\n", ", line 2, column 'x': '12%' is not a number."),
    "spreadsheet error": ("time,x\n0,1\n1,#DIV/0!\n", ", line 3, column 'x': '#DIV/0!' is a"),
    "above a limit": ("time,x\n0,1\n1,>500\n", ", line 3, column 'x': '>500' is above a limit"),
    "limit not given": ("time,x\n0,1\n1,BLQ\n", ", line 3, column 'x': 'BLQ' is not a number."),
    "underscore": ("time,x\n0,1\n1,1_000\n", ", line 3, column 'x': '1_000' is not a number."),
    "thousands": ('time,x\n0,1\n1,"1,234.5"\n', ", line 3, column 'x': '1,234.5' is not a number."),
    "decimal comma": ('time,x\n0,1\n1,"3,5"\n', ", line 3, column 'x': '3,5' is not a number."),
    "two decimal marks": ("time;x\n0;1,5\n1;2,5\n2;3.5\n", ", line 4, column 'x': '3.5' is not"),
    "tab thousands": ("time\tx\n0\t1,234\n1\t12,500\n", ": '1,234' can be read as 1.234 or as"),
    "infinite": ("time,x\n0,1\n1,inf\n", ", line 3, column 'x': 'inf' is infinite."),
    "infinite time": ("time,x\n0,1\n-Infinity,2\n", ", line 3, column 'time': '-Infinity' is"),
    "too large": ("time,x\n0,1\n1,1e999\n", ", line 3, column 'x': '1e999' is infinite."),
    "missing time": (HEAD + "a,0,x,1\na,,x,2\n", ", line 3, column 'time': there is no time in"),
    "date as time": ("time,x\n2020-01-05,1\n", ", line 2, column 'time': '2020-01-05' is a date"),
    "time backwards": (
        HEAD + "a,0,x,1\na,2,x,2\nb,0,x,1\na,1,x,2\n",
        ", line 5, column 'time': time goes backwards in a: 1 after 2 (line 3).",
    ),
    "time backwards, wide": (
        "time,x\n0,1\n2,2\n1,3\n",
        ", line 4, column 'time': time goes backwards: 1 after 2 (line 3).",
    ),
    "duplicate header": ("time,x,y,x\n0,1,2,3\n", ", line 1, column 'x': columns 2 and 4 have the"),
    "constant": ("time,x,y\n0,1,2\n1,1,2\n", ", column 'x': nothing varies: 'x' and 'y' are const"),
    "constant within": (
        "subject,time,x\na,0,1\na,1,1\nb,0,2\nb,1,2\n",
        ": nothing varies in time: every column is constant within each subject.",
    ),
    "one time point": ("time,x,y\n5,1,2\n", ": there is one time point only."),
    "one time each, wide": (
        "subject,time,x\na,5,1\nb,6,2\n", ": every subject has one time point only."),
    "one time each": (HEAD + "a,5,x,1\nb,6,x,2\n", ": every subject has one time point only."),
    "all missing": ("time,x\n0,NA\n1,\n", ": all values are missing."),
    "all missing, tidy": (HEAD + "a,0,x,\na,1,x,NA\n", ": all values are missing."),
    "no numbers": ("time,x\n0,low\n1,high\n", ": there is no column of numbers beside the time."),
    "not utf-8": ("time,x\n0,1\n1,caf\xe9\n".encode("latin-1"), ", line 3: byte 0xE9 is not UTF-8"),
    "negative sd": ("time,variable,value,sd\n0,x,1,-2\n", ", line 2, column 'sd': sd is negative"),
    "negative sd, wide": ("time,x,x_sd\n0,1,-2\n1,2,1\n", ", line 2, column 'x_sd': sd is"),
    "long row": ("time,x\n0,1\n1,2,3\n2,3\n", ", line 3: the row has 3 fields, the header 2."),
    "short row": ("time,x,y\n0,1,2\n1,2\n2,1,1\n", ", line 3: the row has 2 fields, the header 3."),
    "nameless column": ("time,x,\n0,1,7\n1,2,8\n", ", line 1: column 3 has values but no name."),
    "open quote": ('time,x\n0,"1\n1,2\n2,3\n', ", line 2: the quotes are wrong"),
    "merged cells": ("subject,time,x\nA,0,1\n,1,2\n", ", line 3, column 'subject': there is no"),
    "no variable": (HEAD + "a,0,x,1\na,1,,2\n", ", line 3, column 'variable': there is no"),
    "two units": (
        "time,variable,value,unit\n0,x,1,mg\n1,x,2,g\n",
        ", line 3, column 'unit': 'x' is in 'mg' elsewhere and in 'g' here.",
    ),
    "two time units": (
        "time,time_unit,variable,value\n0,h,x,1\n60,min,x,2\n",
        ", line 3, column 'time_unit': the time is in 'h' elsewhere and in 'min' here.",
    ),
    "negative amount": (
        "time,variable,value,amount\n0,,,-5\n1,x,2,\n2,x,3,\n",
        ", line 2, column 'amount': amount is negative (-5).",
    ),
    "nonmem": ("ID,TIME,DV,AMT,EVID\n1,0,.,100,1\n1,1,5,.,0\n", ": looks like a NONMEM table"),
    "petab": ("observableId,simulationConditionId,time,measurement\nx,c,0,1\n", ": looks like a"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_message_names_the_place_and_the_mend(write, case):
    content, start = CASES[case]
    path = write(content)
    with pytest.raises(UserError) as raised:
        read_study(path)
    first = str(raised.value).splitlines()[0]
    assert first.startswith(f"data.csv{start}")
    assert raised.value.mend
    assert first.endswith(raised.value.mend)
    assert str(path.parent) not in str(raised.value)
    with pytest.raises(UserError) as again:
        read_study_bytes(path.read_bytes(), "data.csv")
    assert str(again.value) == str(raised.value)


@pytest.mark.parametrize("name", ["a.xlsx", "a.XLS", "a.ods", "a.parquet", "a.json"])
def test_formats_of_later_versions_say_how_to_get_a_csv(write, name):
    with pytest.raises(UserError, match="which this version does not read.*CSV"):
        read_study(write("time,x\n0,1\n1,2\n", name))


def test_an_excel_file_renamed_to_csv(write):
    with pytest.raises(UserError, match="is not a table but a zip archive or an Excel workbook"):
        read_study(write(b"PK\x03\x04 and so on", "a.csv"))


def test_no_such_file_proposes_a_near_name(write, tmp_path):
    write("time,x\n0,1\n1,2\n", "lynx_hare.csv")
    with pytest.raises(UserError, match="lynx_har.csv: there is no such file. Did you mean 'lynx_"):
        read_study(tmp_path / "lynx_har.csv")
    with pytest.raises(UserError, match="there is no such file"):
        read_study(tmp_path / "nowhere" / "x.csv")


def test_a_folder(tmp_path):
    with pytest.raises(UserError, match="is a folder, not a file"):
        read_study(tmp_path)


def test_a_device_is_refused_without_reading_it():
    with pytest.raises(UserError, match="is not a regular file"):
        read_study("/dev/zero")


def test_a_path_that_cannot_be(tmp_path):
    with pytest.raises(UserError, match="cannot be opened"):
        read_study("a\0b.csv")


def test_200_mb_are_refused_before_reading(write, monkeypatch):
    path = write(b"time,x\n")
    with path.open("r+b") as file:
        file.truncate(200 * 2**20)
    monkeypatch.setattr(type(path), "read_bytes", lambda self: pytest.fail("the file was read"))
    with pytest.raises(UserError, match="the file has 200 MB; the limit is 64 MB") as raised:
        read_study(path)
    assert raised.value.mend
    assert MAX_BYTES == 64 * 2**20


def test_too_many_rows_columns_and_cells(write, monkeypatch):
    monkeypatch.setattr(table_module, "MAX_ROWS", 10)
    monkeypatch.setattr(table_module, "MAX_COLUMNS", 5)
    with pytest.raises(UserError, match="the file has 22 lines; the limit is 10"):
        read_study(write("time,x\n" + "".join(f"{i},{i}\n" for i in range(20))))
    with pytest.raises(UserError, match="there are 7 columns; the limit is 5"):
        read_study(write("time,a,b,c,d,e,f\n0,1,2,3,4,5,6\n"))
    monkeypatch.setattr(table_module, "MAX_CELLS", 5)
    with pytest.raises(UserError, match="3 rows of 2 columns are too many"):
        read_study(write("time,x\n0,1\n1,2\n2,3\n"))
    monkeypatch.setattr(table_module, "MAX_CELLS", 10_000_000)
    monkeypatch.setattr(measurements_module, "MAX_CELLS", 3)
    with pytest.raises(UserError, match="2 times of 2 variables are too many"):
        read_study(write("time,a,b\n0,1,2\n1,2,3\n"))


def test_all_problems_come_in_one_message_by_line(write):
    content = (
        "subject,time,variable,value,sd\n"
        "a,0,x,1,0.1\na,1,x,high,-2\na,,x,3,0.1\na,3,x,12 mg,0.1\na,2,x,4,0.1\na,4,x,inf,0.1\n"
        "a,5,,1,0.1\na,6,x,1\n"
    )
    with pytest.raises(DataErrors) as raised:
        read_study(write(content))
    problems = raised.value.problems
    assert [(p.row, p.column) for p in problems] == [
        (3, "value"), (3, "sd"), (4, "time"), (5, "value"), (6, "time"), (7, "value"),
        (8, "variable"), (9, None),
    ]  # fmt: skip
    assert all(p.file == "data.csv" and p.mend for p in problems)
    assert str(raised.value).splitlines() == [str(p) for p in problems]
    assert (raised.value.row, raised.value.column) == (3, "value")


def test_many_problems_are_cut_and_counted(write):
    content = "time,x\n" + "".join(f"{i},bad{i}\n" for i in range(3000)) + "3000,1\n"
    with pytest.raises(DataErrors) as raised:
        read_study(write(content))
    assert raised.value.total == 3000
    assert len(raised.value.problems) == 20
    assert str(raised.value).endswith("\n... and 2980 more problems.")


def test_damaged_files_give_a_study_or_a_user_error(write):
    """Bytes of a good file are changed at random: anything but a UserError is a bug."""
    good = (
        b"\xef\xbb\xbfsubject;condition;time [h];variable;value;sd;flag;amount;replicate\n"
        b"a;low;0;x;1,5;0,1;;;1\na;low;1;x;<2;;;5;1\na;low;0;y;3;;BLQ;;\n\"b\";;2;y;NA;;;;\n"
        b"b;;3;x;4e1;;;;\n#note\nb;;4;x;-5;;;;\n"
    )  # fmt: skip
    wide = (
        b"ID,t,x [mg/L],x_sd,y,group\n,h,,,,\n1,0,1,0.1,2,a\n1,1,3,,4,a\n2,0,<1,,2,b\n2,2,,1,3,b\n"
    )
    random = np.random.default_rng(5)
    alphabet = np.frombuffer(b';,\t\n\r".-#<>01aeE_xt \xff\0%[]()', np.uint8)
    outcomes = {"study": 0, "error": 0}
    for round_number in range(1500):
        data = np.frombuffer((good, wide)[round_number % 2], np.uint8).copy()
        for place in random.integers(0, data.size, random.integers(1, 5)):
            data[place] = random.choice(alphabet)
        start, stop = np.sort(random.integers(0, data.size, 2))
        if round_number % 5 == 0:
            data = np.delete(data, slice(start, stop))
        try:
            study = read_study_bytes(data.tobytes(), "damaged.csv")
        except UserError as error:
            assert str(error).startswith("damaged.csv")
            outcomes["error"] += 1
        else:
            assert isinstance(study, Study)
            for trajectory in study.trajectories:
                assert np.all(np.diff(trajectory.time) > 0)
                assert np.all(np.isfinite(trajectory.value) == (trajectory.count > 0))
            outcomes["study"] += 1
    assert min(outcomes.values()) > 100
