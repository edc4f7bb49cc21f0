"""The library section of a study's YAML file."""

import numpy as np
import pytest

from twinlab.errors import ExpressionError, UserError
from twinlab.library import Library, library_from_config
from twinlab.study import Study


@pytest.fixture
def study():
    time = np.arange(6.0)
    value = np.column_stack([time + 1, 2 * time + 1, np.sin(time)])
    return Study.from_arrays("s", ["x", "y", "u"], [time], [value], units={"x": "mg"})


def test_every_key(study):
    library = library_from_config(
        study,
        {
            "polynomial": 1,
            "interactions": True,
            "mass_action": True,
            "hill": {"states": ["x"], "half_saturation": [0.5], "coefficient": [2], "role": "both"},
            "michaelis_menten": {"states": ["y"], "half_saturation": "auto"},
            "terms": ["y*mm(x,0.8)", 1],
            "reactions": ["x + y -> 2 y"],
        },
        inputs=["u"],
        latent=["z"],
    )
    assert library.states == ("x", "y", "z") and library.inputs == ("u",)
    assert library.units == {"x": "mg"}
    for text in ("1", "x", "u*z", "hill(x,0.5,2)", "repress(x,0.5,2)", "y*mm(x,0.8)", "mm(y,6)"):
        assert library.find("z", text) >= 0
    assert library.column_label(len(library.columns) - 1) == "R1: x + y -> 2 y"


def test_the_default_is_the_polynomial(study):
    assert library_from_config(study, {"polynomial": 2}) == Library.polynomial(study, 2)
    flat = library_from_config(study, {"polynomial": 2, "interactions": False})
    assert flat == Library.polynomial(study, 2, interactions=False)
    assert library_from_config(study, {"polynomial": 2}, states=["x"]).names == ("x",)


def test_several_hill_families(study):
    library = library_from_config(
        study,
        {
            "hill": [
                {"states": "x", "half_saturation": 0.5, "coefficient": 2, "role": "activation"},
                {"states": ["y"], "half_saturation": [1, 2], "role": "repression"},
            ]
        },
    )
    assert [t.text for t in library.terms] == ["hill(x,0.5,2)"] + [
        f"repress(y,{k},{n})" for k in (1, 2) for n in (1, 2, 4)
    ]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (None, "library: this must hold keys"),
        ([1], "library: this must hold keys"),
        ({}, "library: it holds no terms"),
        ({"polynomial": 0}, "library: it holds no terms"),
        (
            {"polinomial": 2},
            "library: the key 'polinomial' is not known. Did you mean 'polynomial'",
        ),
        ({"polynomial": "2"}, "library.polynomial: The polynomial degree must be a whole number"),
        ({"polynomial": True}, "library.polynomial: The polynomial degree must be a whole number"),
        ({"polynomial": 2, "interactions": "no"}, "library.interactions: this must be true or"),
        ({"hill": 3}, "library.hill: this must hold keys of its own"),
        ({"hill": {"stats": ["x"]}}, "library.hill: the key 'stats' is not known. Did you mean"),
        ({"hill": {"states": ["q"]}}, "library.hill: states: there is no variable 'q'"),
        ({"hill": {"states": 5}}, "library.hill: states must be a list"),
        ({"hill": {"half_saturation": [-1]}}, "library.hill: half_saturation must hold positive"),
        ({"hill": {"role": "x"}}, "library.hill: The role"),
        ({"michaelis_menten": {"role": "both"}}, "library.michaelis_menten: the key 'role'"),
        ({"terms": [None]}, "library.terms: this must be a list of texts"),
        ({"reactions": ["x -> x"]}, "library.reactions: The reaction x -> x changes no state"),
    ],
)
def test_errors_name_the_key(study, mapping, message):
    with pytest.raises(UserError) as caught:
        library_from_config(study, mapping)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("mapping", "caret"),
    [
        ({"terms": ["x*y", "q*x"]}, 0),
        ({"terms": ["__import__('os')"]}, 0),
        ({"terms": "x + y"}, 2),
        ({"reactions": ["x -> q"]}, 5),
    ],
)
def test_errors_in_terms_name_the_key_and_show_a_caret(study, mapping, caret):
    with pytest.raises(ExpressionError) as caught:
        library_from_config(study, mapping)
    assert str(caught.value).startswith(f"library.{next(iter(mapping))}: ")
    assert caught.value.position == caret


def test_unknown_states_and_inputs(study):
    with pytest.raises(UserError, match="states: there is no variable 'q'"):
        library_from_config(study, {"polynomial": 1}, states=["q"])
    with pytest.raises(UserError, match="no variable 'q' to be an input"):
        library_from_config(study, {"polynomial": 1}, inputs=["q"])
    with pytest.raises(UserError, match="it is among the states"):
        library_from_config(study, {"polynomial": 1}, latent=["x"])
