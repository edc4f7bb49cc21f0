"""Reactions: notation, stoichiometry, rates, and what is refused."""

import numpy as np
import pytest

from twinlab.errors import ExpressionError, UserError
from twinlab.library import Library

NAMES = ("S", "E", "C", "P")


def one(text, names=NAMES, **options):
    library = Library.reactions(names, [text], **options)
    assert len(library.columns) == 1
    column = library.columns[0]
    effect = {library.states[i]: v for i, v in column.stoichiometry}
    return effect, library.term_of(0).text, library.column_label(0)


@pytest.mark.parametrize(
    ("text", "effect", "rate", "label"),
    [
        ("S + E -> C", {"S": -1, "E": -1, "C": 1}, "E*S", "R1: S + E -> C"),
        ("2 S + E->C", {"S": -2, "E": -1, "C": 1}, "E*S^2", "R1: 2 S + E -> C"),
        ("2*S -> P", {"S": -2, "P": 1}, "S^2", "R1: 2 S -> P"),
        ("2S -> P", {"S": -2, "P": 1}, "S^2", "R1: 2 S -> P"),
        ("S + S -> P", {"S": -2, "P": 1}, "S^2", "R1: 2 S -> P"),
        ("S + E -> P + E", {"S": -1, "P": 1}, "E*S", "R1: S + E -> P + E"),
        ("S -> 2 S", {"S": 1}, "S", "R1: S -> 2 S"),
        ("-> S", {"S": 1}, "1", "R1: -> S"),
        ("S ->", {"S": -1}, "S", "R1: S ->"),
        ("S -> P : S*mm(P,.5)", {"S": -1, "P": 1}, "S*mm(P,0.5)", "R1: S -> P : S*mm(P,0.5)"),
    ],
)
def test_stoichiometry_and_rate(text, effect, rate, label):
    assert one(text) == (effect, rate, label)


def test_a_reversible_reaction_has_two_columns():
    library = Library.reactions(NAMES, ["S + E <-> C"])
    assert [library.column_label(c) for c in (0, 1)] == ["R1: S + E -> C", "R2: C -> S + E"]
    assert [library.column_state(c) for c in (0, 1)] == [-1, -1]
    assert library.columns[1].stoichiometry == ((0, 1.0), (1, 1.0), (2, -1.0))


def test_inputs_drive_but_are_not_consumed():
    effect, rate, _ = one("u + S -> P", ("S", "P", "u"), inputs=["u"], states=["S", "P"])
    assert effect == {"S": -1, "P": 1} and rate == "S*u"


def test_reactions_conserve_what_they_should():
    """The total of enzyme, free and bound, never changes: rows of N for E and C cancel."""
    library = Library.reactions(NAMES, ["S + E <-> C", "C -> E + P"])
    matrix = np.zeros((4, 3))
    for c, column in enumerate(library.columns):
        for state, value in column.stoichiometry:
            matrix[state, c] = value
    np.testing.assert_array_equal(matrix[1] + matrix[2], 0)
    np.testing.assert_array_equal(matrix[0] + matrix[2] + matrix[3], 0)


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("S + E", 5, "needs an arrow"),
        ("", 0, "needs an arrow"),
        ("S -> Q", 5, "There is no variable 'Q'"),
        ("S + -> C", 4, "A species is missing"),
        ("S E -> C", 2, r"A \+ is missing before 'E'"),
        ("2.5 S -> C", 0, "must be a whole number"),
        ("0 S -> C", 0, "must be 1 to 100"),
        ("99999999999 S -> C", 0, "must be 1 to 100"),
        ("S -> C -> P", 7, r"A \+ is missing"),
        ("S -> C : log(Q)", 13, "There is no variable 'Q'"),
        ("S -> C :", 8, "empty"),
        ("S <-> C : S", 8, "has two rates"),
        ("S + E + C + P ->", 0, "more than 3 different partners"),
        ("S -> C; import os", 6, r"A \+ is missing before ';'"),
    ],
)
def test_what_is_refused_shows_a_caret(text, position, message):
    with pytest.raises(ExpressionError, match=message) as caught:
        Library.reactions(NAMES, [text])
    assert caught.value.position == position


def test_reactions_without_effect_are_refused():
    with pytest.raises(UserError, match="changes no state"):
        one("S + E -> E + S")
    with pytest.raises(UserError, match="changes no state"):
        one("->")
    with pytest.raises(UserError, match="must be text"):
        Library.reactions(NAMES, [3])
    with pytest.raises(UserError, match="at most 500"):
        Library.reactions(NAMES, ["S -> " * 200])
