"""What the data say about a library."""

import numpy as np
import pytest

from twinlab.errors import UserError
from twinlab.library import Library, check_domain, diagnose
from twinlab.study import Study


def make(values, names=("x", "y"), subjects=("a",)):
    times = [np.arange(len(v)) * 0.5 for v in values]
    return Study.from_arrays("s", names, times, values, subjects=subjects)


@pytest.fixture
def study():
    time = np.linspace(0, 10, 40)
    return make([np.column_stack([2 + np.cos(time), 3 + np.sin(1.7 * time)])])


def group_names(report):
    return [set(group.names) for group in report.collinear]


def test_a_good_library_has_nothing_to_report(study):
    report = diagnose(Library.polynomial(study, 1), study)
    assert report.text == "No duplicate, collinear, constant or undefined terms."
    assert report.rows == 40 and not report.interpolated
    assert report.rank == report.n_terms == 3
    assert 1 < report.condition < 100


def test_duplicates_up_to_a_number_are_named(study):
    library = Library.polynomial(study, 2) + Library.user_terms(study, ["2*x", "-3*x*y"])
    report = diagnose(library, study)
    assert report.duplicate_names == (("x", "2*x"), ("x*y", "-3*x*y"))
    assert {tuple(library.column_label(c) for c in group) for group in report.duplicates} == {
        (f"d {s}/dt: {a}", f"d {s}/dt: {b}")
        for s in ("x", "y")
        for a, b in (("x", "2*x"), ("x*y", "-3*x*y"))
    }
    assert "up to a number: x, 2*x." in report.text


def test_a_reaction_that_repeats_a_term_is_a_duplicate(study):
    library = Library.polynomial(study, 1) + Library.reactions(study, ["x ->", "x -> y"])
    report = diagnose(library, study)
    assert report.duplicate_names == (("d x/dt: x", "R1: x ->"),)
    # Eight columns; "x -> y" is the sum of two of them and "x ->" repeats one.
    assert (report.n_columns, report.column_rank) == (8, 6)
    assert "Reactions overlap" in report.text


def test_terms_that_are_not_duplicates_by_luck_of_sampling_are_kept_apart(study):
    report = diagnose(Library.polynomial(study, 2), study)
    assert report.duplicates == ()


def test_collinear_terms_are_grouped(study):
    library = Library.polynomial(study, 1) + Library.hill(study, ["x"], [2.0], [2])
    report = diagnose(library, study)
    assert {"hill(x,2,2)", "repress(x,2,2)"} <= group_names(report)[0]
    assert report.collinear[0].correlation == pytest.approx(-1)
    expected = np.corrcoef(
        [t.evaluate({"x": study.trajectories[0].value[:, 0]}) for t in library.terms[3:]]
    )[0, 1]
    assert expected == pytest.approx(-1)


def test_correlation_matches_numpy(study):
    narrow = make([study.trajectories[0].value * 0.05 + 5])
    library = Library.user_terms(narrow, ["x", "x^2", "y"])
    report = diagnose(library, narrow)
    x = narrow.trajectories[0].value[:, 0]
    assert group_names(report) == [{"x", "x^2"}]
    assert report.collinear[0].correlation == pytest.approx(np.corrcoef(x, x**2)[0, 1])
    assert report.inflated[0][0] in ("x", "x^2")
    assert report.inflated[0][1] == pytest.approx(
        np.linalg.inv(np.corrcoef([x, x**2, narrow.trajectories[0].value[:, 1]])).max(), rel=1e-6
    )


def test_constant_terms_are_named(study):
    value = study.trajectories[0].value.copy()
    value[:, 1] = 3.0
    report = diagnose(Library.polynomial(make([value]), 1), make([value]))
    assert report.constant_names == ("y",)
    assert "Does not vary on these data: y." in report.text


def test_fewer_rows_than_terms_is_said():
    few = make([np.random.default_rng(0).uniform(1, 2, (4, 2))])
    report = diagnose(Library.polynomial(few, 2), few)
    assert report.n_terms == 6 and report.rank == 4
    assert "only 4 independent directions on 4 rows" in report.text


def test_asynchronous_data_are_interpolated(study):
    value = study.trajectories[0].value.copy()
    value[::2, 0] = np.nan
    value[1::2, 1] = np.nan
    other = make([value])
    report = diagnose(Library.polynomial(other, 2), other)
    assert report.interpolated and report.rows == 38
    assert np.isfinite(report.condition)


def test_empty_overlap_is_no_crash():
    nothing = make([np.array([[1.0, np.nan], [2.0, np.nan]])])
    library = Library.polynomial(nothing, 2) + Library.reactions(nothing, ["x -> y"])
    assert diagnose(library, nothing).rows == 0
    one = make([np.array([[1.0, 2.0]])])
    assert diagnose(Library.polynomial(one, 2), one).duplicates == ()


def test_latent_states_are_left_out(study):
    library = Library.polynomial([*study.variables, "z"], 2)
    check_domain(library, study)
    assert diagnose(library, study).n_terms == 6


DOMAIN = make(
    [np.array([[1.0, 1.0], [2.0, 3.0]]), np.array([[1.0, 2.0], [-0.25, 0.0], [-3.0, 1.0]])],
    subjects=("anna", "bert"),
)


@pytest.mark.parametrize(
    ("term", "variable", "value", "affected", "reason"),
    [
        ("log(x)", "x", -0.25, 2, "a logarithm needs positive values"),
        ("log(y)", "y", 0.0, 1, "a logarithm needs positive values"),
        ("y*log(-2*x)", "x", 1.0, 3, "a logarithm needs negative values"),
        ("sqrt(x)", "x", -0.25, 2, "a root or fractional power"),
        ("1/y", "y", 0.0, 1, "a reciprocal needs"),
        ("1/x", "x", -0.25, 2, "a reciprocal needs"),
        ("exp(400*y)", "y", 3.0, 2, "too large"),
    ],
)
def test_undefined_values_are_named_with_their_place(term, variable, value, affected, reason):
    library = Library.user_terms(DOMAIN, ["x*y", term])
    with pytest.raises(UserError) as caught:
        check_domain(library, DOMAIN)
    message = str(caught.value)
    for part in (f"term {library.terms[1].text} ", f"{variable} is {value:g}", reason):
        assert part in message
    assert f"for {affected} of 5 values" in message
    report = diagnose(library, DOMAIN)
    (place,) = report.undefined
    trajectory = DOMAIN.trajectories[["anna", "bert"].index(place.subject)]
    column = DOMAIN.variables.index(variable)
    assert trajectory.value[list(trajectory.time).index(place.time), column] == value
    assert place.problem in report.text


def test_harmless_values_pass():
    library = Library.user_terms(DOMAIN, ["x^3", "hill(x,1,1.5)", "mm(x,2)", "sqrt(y)", "sin(x)"])
    check_domain(library, DOMAIN)
    negative = make([np.array([[-1.0, 1.0], [-2.0, 2.0]])])
    check_domain(Library.user_terms(negative, ["1/x", "log(-x)"]), negative)


def test_missing_values_are_no_trouble(study):
    value = study.trajectories[0].value.copy()
    value[5] = np.nan
    other = make([value])
    library = Library.user_terms(other, ["log(x)", "1/y"])
    check_domain(library, other)
    assert diagnose(library, other).rows == 39
