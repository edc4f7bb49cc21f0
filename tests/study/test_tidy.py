"""What a tidy table becomes."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from twinlab.study import read_study, read_study_bytes


def texts(study) -> str:
    return "\n".join(note.text for note in study.notes)


def test_plain_table(write):
    content = (
        "subject,condition,time,time_unit,variable,value,unit\n"
        "a,low,0,h,glucose,5,mmol/L\n"
        "a,low,2.5,h,glucose,6,mmol/L\n"
        "a,low,0,h,insulin,20,pmol/L\n"
        "b,high,1,h,glucose,7,mmol/L\n"
        "b,high,3,h,insulin,30,pmol/L\n"
        "b,high,3,h,glucose,9,mmol/L\n"
    )
    study = read_study(write(content, "my.csv"))
    assert (study.name, study.time_unit) == ("my", "h")
    assert study.variables == ("glucose", "insulin")
    assert study.units == {"glucose": "mmol/L", "insulin": "pmol/L"}
    assert (study.subjects, study.conditions) == (("a", "b"), ("low", "high"))
    assert study.n_points == 6
    first, second = study.trajectories
    assert_array_equal(first.time, [0, 2.5])
    assert_array_equal(first.value, [[5, 20], [6, np.nan]])
    assert_array_equal(first.count, [[1, 1], [1, 0]])
    assert_array_equal(second.value, [[7, np.nan], [9, 30]])
    assert study.provenance.sha256 == hashlib.sha256(content.encode()).hexdigest()
    assert study.provenance.file == "my.csv"
    assert study.provenance.layout == "tidy, separated by commas"
    assert study.notes == ()


def test_subject_ids_stay_text_and_pairs_keep_their_order(write):
    content = (
        "subject,condition,time,variable,value\n"
        "01,z,0,x,1\n01,z,1,x,2\n1,a,0,x,3\n1,a,1,x,5\n01,a,0,x,6\n01,a,1,x,8\n"
    )
    study = read_study(write(content))
    pairs = [(t.subject, t.condition) for t in study.trajectories]
    assert pairs == [("01", "z"), ("1", "a"), ("01", "a")]
    assert [t.value[0, 0] for t in study.trajectories] == [1, 3, 6]


def test_variables_may_be_stacked_and_times_need_not_start_at_zero(write):
    content = "time,variable,value\n-3,x,1\n-1,x,2\n4,x,3\n-2,y,5\n4,y,6\n"
    (trajectory,) = read_study(write(content)).trajectories
    assert_array_equal(trajectory.time, [-3, -2, -1, 4])
    assert_array_equal(trajectory.value[:, 1], [np.nan, 5, np.nan, 6])


def test_replicates_are_averaged_with_count_and_spread(write):
    content = (
        "time,variable,value,sd,replicate\n"
        "0,x,1,0.3,a\n1,x,4,,a\n0,x,3,0.4,b\n1,x,4,,b\n0,x,8,,c\n2,x,7,0.1,c\n"
    )
    study = read_study(write(content))
    (trajectory,) = study.trajectories
    assert_allclose(trajectory.value[:, 0], [4, 4, 7])
    assert_array_equal(trajectory.count[:, 0], [3, 2, 1])
    assert_allclose(trajectory.spread[:, 0], [9 + 1 + 16, 0, 0])
    assert_allclose(trajectory.sd[:, 0], [np.sqrt((0.09 + 0.16) / 2), np.nan, 0.1])
    assert study.n_points == 6
    assert "replicates: 2 values" in texts(study)


def test_equal_replicates_average_to_themselves_exactly(write):
    study = read_study(write("time,variable,value\n0,x,0.1\n0,x,0.1\n0,x,0.1\n1,x,2\n"))
    assert study.trajectories[0].value[0, 0] == 0.1
    assert study.trajectories[0].spread[0, 0] == 0.0


def test_missing_values_are_counted_and_empty_times_dropped(write):
    cells = ["NA", "", "NaN", ".", "nan", "-", "N/A", "null", "#N/A"]
    rows = "".join(f"{t},x,{cell}\n" for t, cell in enumerate(cells, 1))
    study = read_study(write("time,variable,value\n0,x,1\n" + rows + "20,x,2\n"))
    assert_array_equal(study.trajectories[0].time, [0, 20])
    assert "9 missing values of 11" in texts(study)


def test_censoring_by_cell_and_by_flag(write):
    content = (
        "time,variable,value,flag\n"
        "0,virus,5000,\n1,virus,<100,\n2,virus,100,<LOQ\n3,virus,,<50\n4,virus,,BLQ\n"
        "5,virus,70,below_LOD_70\n6,virus,90,ok\n"
    )
    study = read_study(write(content))
    (trajectory,) = study.trajectories
    assert_array_equal(trajectory.time, [0, 1, 2, 3, 5, 6])
    assert_array_equal(trajectory.value[:, 0], [5000, 100, 100, 50, 70, 90])
    assert_array_equal(trajectory.censored[:, 0], [False, True, True, True, True, False])
    assert "flags 'ok' (1 row) are not understood" in texts(study)
    assert "1 value below a limit that is not given: taken as missing" in texts(study)


def test_censoring_by_yes_and_no(write):
    study = read_study(write("time,variable,value,cens\n0,x,5,0\n1,x,2,1\n2,x,3,\n"))
    assert_array_equal(study.trajectories[0].censored[:, 0], [False, True, False])
    assert not any(n.level == "warning" for n in study.notes)


def test_a_limit_beside_measured_replicates_does_not_enter_their_mean(write):
    study = read_study(write("time,variable,value\n0,x,9\n1,x,4\n1,x,<2\n2,x,<2\n2,x,<2\n"))
    (trajectory,) = study.trajectories
    assert_array_equal(trajectory.value[:, 0], [9, 4, 2])
    assert_array_equal(trajectory.count[:, 0], [1, 1, 2])
    assert_array_equal(trajectory.censored[:, 0], [False, False, True])
    assert any("below the limit" in n.text and n.level == "warning" for n in study.notes)


def test_aliases_are_noted(write):
    content = "Patient ID\ttime_h\tAnalyte\tConc\tComment\n01\t0\tx\t1\thm\n01\t1\tx\t2\t\n"
    study = read_study(write(content, "d.tsv"))
    assert study.subjects == ("01",)
    assert study.time_unit == "h"
    assert study.provenance.layout == "tidy, separated by tabs"
    for said in ("'Patient ID' is taken as the subject", "'time_h' is taken as the time",
                 "'Analyte' is taken as the variable", "not used: 'Comment'"):  # fmt: skip
        assert said in texts(study)


def test_documented_name_wins_over_an_alias(write):
    study = read_study(write("id,subject,time,variable,value\n1,a,0,x,1\n2,a,1,x,2\n"))
    assert study.subjects == ("a",)
    assert "not used: 'id'" in texts(study)


def test_names_become_identifiers(write):
    names = ["TNF-α", "IL-6", "IL 6", "2h", "exp", "Größe", "IL_6"]
    rows = "".join(f'0,"{name}",1\n1,"{name}",2\n' for name in names)
    study = read_study(write("time,variable,value\n" + rows))
    assert study.variables == ("TNF_alpha", "IL_6_2", "IL_6_3", "v_2h", "exp_", "Groe", "IL_6")
    assert "'TNF-α' is called TNF_alpha" in texts(study)


def test_names_that_differ_in_case_only_are_doubted(write):
    study = read_study(write("time,variable,value\n0,IL6,1\n1,IL6,2\n0,il6,1\n1,il6,2\n"))
    assert study.variables == ("IL6", "il6")
    assert "differ in case only" in texts(study)


def test_dose_column_is_a_covariate(write):
    content = (
        "subject,time,variable,value,dose,dose_unit\n"
        "a,0,x,1,320,mg\na,1,x,2,320,mg\nb,0,x,1,260,mg\nb,1,x,2,260,mg\n"
    )
    study = read_study(write(content))
    assert [dict(t.covariates) for t in study.trajectories] == [{"dose": 320.0}, {"dose": 260.0}]
    assert study.covariate_units == {"dose": "mg"}
    assert all(not t.doses for t in study.trajectories)


def test_dose_column_that_changes_in_time_is_left_out(write):
    content = "subject,time,variable,value,dose\na,0,x,1,320\na,1,x,2,100\n"
    study = read_study(write(content))
    assert study.trajectories[0].covariates == {}
    assert "'dose' changes within a subject" in texts(study)


def test_a_constant_variable_is_kept_and_noted(write):
    study = read_study(write("time,variable,value\n0,x,1\n1,x,2\n0,k,7\n1,k,7\n"))
    assert study.variables == ("x", "k")
    assert "k is constant (7)" in texts(study)


def test_a_variable_and_a_subject_without_values_are_left_out(write):
    content = (
        "subject,time,variable,value\na,0,x,1\na,1,x,2\na,0,y,NA\na,1,y,NA\nb,0,x,NA\nb,1,x,\n"
    )
    study = read_study(write(content))
    assert study.variables == ("x",)
    assert study.subjects == ("a",)
    assert "no values at all of 'y'" in texts(study)
    assert "subject 'b' has no values" in texts(study)


def test_byte_order_mark_windows_lines_quotes_comments(write):
    content = (
        '\ufeff# made by a reader\r\n"subject","time","variable","value"\r\n'
        '"a, left",0,"x","1.5e1"\r\n# half time\r\n"a, left",1,x,\u22122\r\n\r\n'
    )
    study = read_study(write(content))
    assert study.subjects == ("a, left",)
    assert_array_equal(study.trajectories[0].value[:, 0], [15, -2])
    assert "2 lines starting with # skipped" in texts(study)


def test_semicolons_with_decimal_commas(write):
    content = "subject;time;variable;value\na;0,5;x;1,25\na;1;x;2\na;1,5;x;<0,1\n"
    study = read_study(write(content))
    (trajectory,) = study.trajectories
    assert_array_equal(trajectory.time, [0.5, 1, 1.5])
    assert_array_equal(trajectory.value[:, 0], [1.25, 2, 0.1])
    assert "decimal commas" in texts(study)


def test_semicolons_with_decimal_points(write):
    study = read_study(write("time;variable;value\n0;x;1.25\n1;x;2\n"))
    assert_array_equal(study.trajectories[0].value[:, 0], [1.25, 2])
    assert "decimal commas" not in texts(study)


def test_bytes_read_as_the_file_does(write):
    content = b"time,variable,value\n0,x,1\n1,x,2\n"
    path = write(content, "up.csv")
    from_bytes, from_file = read_study_bytes(content, "C:/x/up.csv"), read_study(path)
    assert from_bytes.provenance == from_file.provenance
    assert_array_equal(from_bytes.trajectories[0].value, from_file.trajectories[0].value)
    assert read_study(path, name="mine").name == "mine"


def test_columns_of_one_number_a_subject_are_covariates(write):
    content = (
        "subject,time,variable,value,weight [kg],site,visit,batch,age\n"
        "a,0,x,1,61.5,north,1,7,30\na,1,x,2,61.5,north,2,7,\n"
        "b,0,x,3,80,south,1,7,44\nb,1,x,4,80,south,2,7,44\n"
    )
    study = read_study(write(content))
    assert [t.covariates for t in study.trajectories] == [
        {"weight": 61.5, "age": 30.0}, {"weight": 80.0, "age": 44.0}
    ]  # fmt: skip
    assert study.covariate_units["weight"] == "kg"
    assert "3 columns not used: 'site', 'visit' and 'batch'" in texts(study)
    assert "taken as a covariate" in texts(study)
