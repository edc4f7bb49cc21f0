"""Families of terms, columns, entries, adding and finding."""

import itertools

import numpy as np
import pytest

from twinlab.errors import ExpressionError, UserError
from twinlab.expressions import Term
from twinlab.library import Column, Library
from twinlab.study import Study


@pytest.fixture
def study():
    time = np.arange(8.0)
    value = np.column_stack([time - 1, 2 * time + 1, np.sin(time)])
    value[3, 1] = np.nan
    return Study.from_arrays("s", ["x", "y", "u"], [time], [value], units={"x": "mg/L", "y": "g"})


def texts(library):
    return [term.text for term in library.terms]


def labels(library):
    return [library.column_label(c) for c in range(len(library.columns))]


def test_polynomial_terms_and_columns():
    library = Library.polynomial(["x", "y"], degree=2)
    assert texts(library) == ["1", "x", "y", "x^2", "x*y", "y^2"]
    assert len(library.columns) == 12
    assert labels(library)[4] == "d x/dt: x*y" and labels(library)[6] == "d y/dt: 1"
    assert [library.column_state(c) for c in range(12)] == [0] * 6 + [1] * 6
    assert library.columns_of("y") == library.columns_of(1) == list(range(6, 12))
    assert library.columns[4] == Column(((0, 1.0),), 4, "polynomial")
    assert library.term_of(4).text == "x*y"


def test_polynomial_without_interactions_and_with_other_degrees():
    assert texts(Library.polynomial(["x", "y"], 3, interactions=False)) == [
        "1", "x", "y", "x^2", "y^2", "x^3", "y^3"
    ]  # fmt: skip
    assert Library.polynomial(["x"], 0).columns == ()
    assert texts(Library.polynomial(["x"], 1)) == ["1", "x"]
    for degree, n in itertools.product((1, 2, 3), (1, 2, 3, 4)):
        names = ["a", "b", "c", "d"][:n]
        library = Library.polynomial(names, degree)
        assert len(library.terms) == len(set(library.terms))
        totals = np.indices((degree + 1,) * n).reshape(n, -1).sum(axis=0)
        assert len(library.terms) == int((totals <= degree).sum())
    # a*b*c*d has four factors, which a term cannot have.
    assert len(Library.polynomial(["a", "b", "c", "d"], 4).terms) == 70 - 1


@pytest.mark.parametrize("degree", [-1, 11, 2.0, "2", None, True])
def test_a_wrong_degree_is_refused(degree):
    with pytest.raises(UserError, match="degree must be"):
        Library.polynomial(["x"], degree)


def test_inputs_appear_in_terms_and_have_no_equation(study):
    library = Library.polynomial(study, 2, inputs=["u"])
    assert library.states == ("x", "y") and library.inputs == ("u",)
    assert library.names == ("x", "y", "u")
    assert "u*x" in texts(library)
    assert len(library.columns) == 2 * 10
    with pytest.raises(UserError, match="it is an input and has no equation"):
        library.find("u", "x")
    assert Library.polynomial(study, 1, states=["y"]).names == ("y",)


def test_interactions_and_mass_action():
    assert texts(Library.interactions(["x", "y", "z"])) == ["x*y", "x*z", "y*z"]
    assert texts(Library.mass_action(["x", "y"])) == ["x", "y", "x^2", "x*y", "y^2"]


def test_hill_and_michaelis_menten(study):
    hill = Library.hill(study, ["x"], [0.5, 2], [1, 4], "both", equations=["x", "y"])
    assert texts(hill) == [
        "mm(x,0.5)", "repress(x,0.5,1)", "hill(x,0.5,4)", "repress(x,0.5,4)",
        "mm(x,2)", "repress(x,2,1)", "hill(x,2,4)", "repress(x,2,4)",
    ]  # fmt: skip
    assert {c.family for c in hill.columns} == {"hill:x"}
    assert len(hill.columns) == 16
    assert texts(Library.hill(["x"], None, 1.0, 2, "activation")) == ["hill(x,1,2)"]
    assert texts(Library.hill(["x"], None, [1], [2], "repression")) == ["repress(x,1,2)"]
    menten = Library.michaelis_menten(study, ["y"], [3.0])
    assert texts(menten) == ["mm(y,3)"]
    assert {c.family for c in menten.columns} == {"michaelis_menten:y"}


def test_automatic_half_saturation_takes_quartiles_of_positive_values(study):
    # y measured: 1, 3, 5, 9, 11, 13, 15; x positive: 1, 2, 3, 4, 5, 6.
    assert texts(Library.michaelis_menten(study, ["y"])) == ["mm(y,4)", "mm(y,9)", "mm(y,12)"]
    assert texts(Library.hill(study, ["x"], coefficient=[2], role="activation")) == [
        "hill(x,2.25,2)", "hill(x,3.5,2)", "hill(x,4.75,2)",
    ]  # fmt: skip
    with pytest.raises(UserError, match="'auto' needs measured values of 'x'"):
        Library.hill(["x"])
    negative = Study.from_arrays("n", ["x"], [np.arange(3.0)], [-np.ones((3, 1))])
    with pytest.raises(UserError, match="needs positive values of 'x'"):
        Library.hill(negative)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"half_saturation": [0]}, "must hold positive numbers, not 0"),
        ({"half_saturation": [float("nan")]}, "must hold positive numbers"),
        ({"half_saturation": []}, "is an empty list"),
        ({"half_saturation": "atuo"}, "numbers or auto, not 'atuo'"),
        ({"half_saturation": None}, "must be a list"),
        ({"half_saturation": [1], "coefficient": [-1]}, "must hold positive numbers, not -1"),
        ({"half_saturation": [1], "coefficient": [200]}, "beyond 100"),
        ({"half_saturation": [1], "role": "help"}, "activation, repression, both"),
        ({"states": ["q"], "half_saturation": [1]}, "there is no variable 'q'"),
        ({"states": "x", "half_saturation": [1]}, "must be a list of names"),
    ],
)
def test_wrong_hill_arguments_are_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        Library.hill(["x"], **arguments)


def test_user_terms():
    library = Library.user_terms(["x", "y"], ["y*mm(x,.8)", "y*x", "x*y"])
    assert texts(library) == ["y*mm(x,0.8)", "x*y"]
    assert library.columns[0].source == "y*mm(x,.8)"
    assert library.merged == (("d x/dt: x*y", "x*y"), ("d y/dt: x*y", "x*y"))
    with pytest.raises(ExpressionError, match="There is no variable 'q'"):
        Library.user_terms(["x"], ["q"])


def test_adding_removes_duplicates_and_remembers_them(study):
    a = Library.polynomial(study, 1)
    b = Library.user_terms(study, ["x*y", "x"])
    both = a + b
    assert texts(both) == ["1", "x", "y", "u", "x*y"]
    assert len(both.columns) == 15
    assert ("d x/dt: x", "x") in both.merged and len(both.merged) == 3
    assert [c.family for c in both.columns_of("x") and both.columns[:5]] == ["polynomial"] * 4 + [
        "user"
    ]
    states = [both.column_state(c) for c in range(15)]
    assert states == sorted(states)
    assert (a + a).columns == a.columns
    assert both.units == {"x": "mg/L", "y": "g"}
    with pytest.raises(UserError, match="same states and inputs"):
        a + Library.polynomial(study, 1, inputs=["u"])


def test_the_order_of_adding_does_not_change_what_is_in_it(study):
    parts = [
        Library.polynomial(study, 2),
        Library.hill(study, ["x"], [1], [2]),
        Library.reactions(study, ["x -> y", "-> x"]),
    ]
    reference = set(labels(parts[0] + parts[1] + parts[2]))
    for order in itertools.permutations(parts):
        library = order[0] + order[1] + order[2]
        # "-> x" does what the constant in x's equation does: one of them is enough.
        assert set(labels(library)) == reference
        assert library.find("x", "1") >= 0


def test_entries_are_sorted_by_state_then_column():
    library = Library.polynomial(["x", "y"], 1) + Library.reactions(["x", "y"], ["2 x -> y"])
    entries = library.entries()
    assert entries.state.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert entries.column.tolist() == [0, 1, 2, 6, 3, 4, 5, 6]
    assert entries.term.tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    assert entries.value.tolist() == [1, 1, 1, -2, 1, 1, 1, 1]
    assert entries.state.dtype == entries.term.dtype == entries.column.dtype == np.int64
    assert entries.value.dtype == np.float64
    empty = Library.polynomial(["x"], 0).entries()
    assert empty.state.shape == (0,) and empty.state.dtype == np.int64


def test_table_is_over_states_then_inputs(study):
    library = Library.user_terms(study, ["x*u"], inputs=["x"])
    assert library.names == ("y", "u", "x")
    assert library.table().factor_variable[0, :2].tolist() == [1, 2]


def test_find_and_restrict():
    library = Library.polynomial(["x", "y"], 2) + Library.reactions(["x", "y"], ["x -> y"])
    assert library.find("y", "y*x") == 10
    with pytest.raises(UserError, match="no term x\\^7 in the equation of 'x'"):
        library.find("x", "x^7")
    with pytest.raises(UserError, match="There is no state 'q'"):
        library.find("q", "x")
    small = library.restrict([12, 4, 10])
    assert labels(small) == ["d x/dt: x*y", "d y/dt: x*y", "R1: x -> y"]
    assert texts(small) == ["x*y", "x"]


def test_units_of_terms(study):
    library = Library.polynomial(study, 2) + Library.user_terms(study, ["x/y", "y*mm(x,1)", "1/y"])
    units = {term.text: library.unit_of(term) for term in library.terms}
    assert units["1"] == "1" and units["x"] == "mg/L" and units["x^2"] == "(mg/L)^2"
    assert units["x*y"] == "mg/L·g" and units["x/y"] == "mg/L/g" and units["1/y"] == "1/g"
    assert units["y*mm(x,1)"] == "g"
    assert units["u"] == ""


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["x", "x"], "appears twice"),
        (["a b"], "cannot name a variable"),
        (["hill"], "is a function of the term language"),
        (["1x"], "cannot name a variable"),
        ("xy", "A list of names is needed"),
    ],
)
def test_names_that_terms_could_not_use_are_refused(names, message):
    with pytest.raises(UserError, match=message):
        Library.polynomial(names)


def test_an_unknown_input_is_refused(study):
    with pytest.raises(UserError, match="no variable 'w' to be an input"):
        Library.polynomial(study, inputs=["w"])


def test_a_library_too_large_is_counted_before_it_is_built():
    names = [f"v{i}" for i in range(60)]
    with pytest.raises(UserError, match="would have 2,382,660 columns; the limit is 20,000"):
        Library.polynomial(names, 3)
    with pytest.raises(UserError, match="limit is 20,000"):
        Library.hill(names, None, list(range(1, 300)), [1, 2, 4])
    with pytest.raises(UserError, match="limit is 20,000"):
        Library.user_terms(names, ["v0"] * 400)


def test_impossible_columns_are_refused():
    with pytest.raises(ValueError):
        Library(("x",), (), (Term(),), (Column(((1, 1.0),), 0, "user"),))
    with pytest.raises(ValueError):
        Library(("x",), (), (Term(),), (Column(((0, 1.0),), 1, "user"),))
