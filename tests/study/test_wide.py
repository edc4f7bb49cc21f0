"""What a wide table becomes."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_array_equal

from twinlab.study import read_study


def texts(study) -> str:
    return "\n".join(note.text for note in study.notes)


def test_plain_table_with_units_in_the_header(write):
    content = "time [min],glucose [mg/dL],insulin (uU/mL),IL-6 (plasma)\n0,92,11,3\n2,350,NA,4\n"
    study = read_study(write(content))
    assert study.variables == ("glucose", "insulin", "IL_6_plasma")
    assert study.units == {"glucose": "mg/dL", "insulin": "uU/mL", "IL_6_plasma": ""}
    assert study.time_unit == "min"
    assert study.provenance.layout == "wide, separated by commas"
    assert_array_equal(study.trajectories[0].value, [[92, 11, 3], [350, np.nan, 4]])


def test_subjects_conditions_and_replicates(write):
    content = (
        "ID,group,replicate,t,x,y\n"
        "01,ctrl,1,0,1,10\n01,ctrl,1,1,2,20\n01,ctrl,2,0,3,10\n01,ctrl,2,1,4,22\n02,drug,1,0,5,1\n"
        "02,drug,1,2,6,2\n"
    )
    study = read_study(write(content))
    assert [(t.subject, t.condition) for t in study.trajectories] == [
        ("01", "ctrl"),
        ("02", "drug"),
    ]
    first = study.trajectories[0]
    assert_array_equal(first.value, [[2, 10], [3, 21]])
    assert_array_equal(first.count, [[2, 2], [2, 2]])
    assert_array_equal(first.spread, [[2, 0], [2, 2]])


def test_european_excel_export(write):
    content = (
        "\ufeffID;Zeit [h];Glukose (mmol/L);Insulin [µU/mL];Bemerkung;;\r\n"
        "A;0;5,1;12,5;;;\r\nA;0,5;7,9;44;nüchtern;;\r\nA;2;6,1;<2,5;;;\r\n;;;;;;\r\n"
    )
    study = read_study(write(content))
    assert study.variables == ("Glukose", "Insulin")
    assert study.units == {"Glukose": "mmol/L", "Insulin": "µU/mL"}
    (trajectory,) = study.trajectories
    assert_array_equal(trajectory.time, [0, 0.5, 2])
    assert_array_equal(trajectory.value, [[5.1, 12.5], [7.9, 44], [6.1, 2.5]])
    assert_array_equal(trajectory.censored[:, 1], [False, False, True])
    assert "hold no numbers: 'Bemerkung'" in texts(study)
    assert "2 empty columns" in texts(study)


def test_excel_export_with_a_row_of_units(write):
    content = "Day,CRP,TNF-α,,\nd,mg/L,pg/mL,,\n0,12,4,,\n1,30,,,\n,,,,\n"
    study = read_study(write(content))
    assert study.units == {"CRP": "mg/L", "TNF_alpha": "pg/mL"}
    assert study.time_unit == "day"
    assert_array_equal(study.trajectories[0].value, [[12, 4], [30, np.nan]])
    assert any(note.row == 2 and "units" in note.text for note in study.notes)


def test_one_letter_variables_beside_the_time(write):
    study = read_study(write("time,T,I,V,S\n0,10,1,5,3\n1,9,2,6,4\n"))
    assert study.variables == ("T", "I", "V", "S")


def test_target_is_a_variable_where_nothing_is_dosed(write):
    assert read_study(write("time,target,V\n0,10,1\n1,9,2\n")).variables == ("target", "V")


def test_a_second_id_or_time_column_is_no_variable(write):
    study = read_study(write("subject,patient,time,day,x\na,1,0,1,5\na,1,24,2,6\n"))
    assert study.variables == ("x",)
    assert "left out, as another column has their role: 'patient' and 'day'" in texts(study)


def test_a_column_of_sd_goes_with_its_variable_and_standard_errors_do_not(write):
    content = "time,x,x_sd,SD y,y,y_sem\n0,1,0.1,0.5,4,9\n1,2,0,,5,9\n"
    study = read_study(write(content))
    assert study.variables == ("x", "y")
    assert_array_equal(study.trajectories[0].sd, [[0.1, 0.5], [np.nan, np.nan]])
    assert "standard errors are left out: 'y_sem'" in texts(study)


def test_what_is_constant_within_each_subject_is_a_covariate(write):
    content = "subject,time,x,weight [kg]\na,0,1,70\na,1,2,70\nb,0,1,80\nb,1,3,80\n"
    study = read_study(write(content))
    assert study.variables == ("x",)
    assert [dict(t.covariates) for t in study.trajectories] == [{"weight": 70.0}, {"weight": 80.0}]
    assert study.covariate_units == {"weight": "kg"}
    assert "'weight' is constant in each subject, so taken as a covariate" in texts(study)


def test_what_is_measured_once_in_each_subject_is_doubted(write):
    study = read_study(write("subject,time,x,plasma\na,0,1,\na,1,2,7\nb,0,1,\nb,1,3,8\n"))
    assert study.variables == ("x",)
    (note,) = (n for n in study.notes if n.level == "warning")
    assert note.text == "'plasma' is measured once in each subject, so taken as a covariate"


def test_row_numbers_of_r_are_left_out(write):
    study = read_study(write('"","time","x"\n"1",0,3\n"2",1,4\n'))
    assert study.variables == ("x",)
    assert "row numbers" in texts(study)


def test_separator_line_of_excel(write):
    study = read_study(write("sep=;\ntime;x\n0;1,5\n1;2\n"))
    assert_array_equal(study.trajectories[0].value[:, 0], [1.5, 2])


def test_old_macintosh_line_ends(write):
    assert read_study(write("time,x\r0,3\r1,4\r")).n_points == 2
