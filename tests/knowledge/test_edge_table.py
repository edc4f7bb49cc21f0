"""The prior of a support given edges of unknown reliability, against sums over all supports."""

from itertools import product

import numpy as np
import pytest

from twinlab.knowledge import LEVELS, Edge, Knowledge
from twinlab.knowledge.edges import any_probability, base_odds
from twinlab.library import Library

XY = ("x", "y")


@pytest.fixture(scope="module")
def library():
    return Library.polynomial(XY, 2) + Library.hill(XY, ["x"], [1.0], [2], "both")


def told(library, *edges, complete=False, nonnegative=None):
    return Knowledge(edges=edges, complete=complete).column_prior(library, 1.0, nonnegative)


def supports(library, state):
    """Every support of one equation."""
    own = library.columns_of(state)
    for bits in product([False, True], repeat=len(own)):
        yield np.array([c for c, b in zip(own, bits, strict=True) if b], np.int64)


def base_probability(table, library, state, columns):
    own = np.array(list(library.columns_of(state)))
    q = 1 / (1 + np.exp(-table.odds[own]))
    return np.prod(np.where(np.isin(own, columns), q, 1 - q))


def test_one_edge_has_the_probability_it_was_told_with(library):
    for confidence in (0.05, 0.5, 0.9):
        table = told(library, Edge("x", "y", 0, confidence)).table
        own = table.member[0]
        assert {library.term_of(c).text for c in np.flatnonzero(own)} >= {"x", "x*y", "x^2"}
        there = np.zeros(LEVELS.size)
        everything = np.zeros(LEVELS.size)
        for columns in supports(library, "y"):
            p = base_probability(table, library, "y", columns) * np.exp(table.log_levels(columns))
            everything += p
            if own[columns].any():
                there += p
        anyway = any_probability(table.odds[own])
        np.testing.assert_allclose(everything, 1.0)
        np.testing.assert_allclose(there, LEVELS * confidence + (1 - LEVELS) * anyway, atol=1e-6)


def test_edges_that_share_columns_leave_a_prior_that_sums_to_one(library):
    table = told(library, Edge("x", "y", 1, 0.9), Edge("y", "y", 0, 0.7)).table
    assert (table.member.all(axis=0)).any()  # x*y belongs to both
    assert table.log_normaliser[0] == 0.0 and table.log_normaliser[-1] > 0.1
    total = sum(
        base_probability(table, library, "y", columns) * np.exp(table.log_levels(columns))
        for columns in supports(library, "y")
    )
    np.testing.assert_allclose(total, 1.0)
    # Signs are alike beforehand in the sum over both.
    column = np.array([library.find("y", "x")])
    both = [np.exp(table.log_levels(column, np.array([s]))) for s in (-1.0, 1.0)]
    np.testing.assert_allclose(np.mean(both, axis=0), np.exp(table.log_levels(column)))


def test_further_columns_of_an_edge_bring_nothing(library):
    table = told(library, Edge("x", "y", 0, 0.9)).table
    one = np.array([library.find("y", "x")])
    more = np.sort(np.append(one, library.find("y", "x^2")))
    np.testing.assert_array_equal(table.log_levels(one), table.log_levels(more))
    none = np.array([library.find("y", "y")])
    assert table.log_prior(one) > 0.5 > 0 > table.log_prior(none)


def test_wrong_edges_cost_little_and_take_the_weight_of_the_others(library):
    states = [f"s{i}" for i in range(8)]
    wide = Library.polynomial(states, 1)
    edges = [Edge(states[i], states[i - 1], 1, 0.95) for i in range(8)]
    table = told(wide, *edges).table
    columns = {e.key: wide.find(e.target, e.regulator) for e in edges}
    first, rest = columns[edges[0].key], [columns[e.key] for e in edges[1:]]
    nothing = np.zeros(0, np.int64)
    # Whatever the table says, no support loses more than the log of the number of levels.
    assert -np.log(LEVELS.size) - 1e-9 <= table.log_prior(nothing) < -1.4

    def gain(others):
        with_ = np.sort(np.array([first, *others], np.int64))
        without = np.sort(np.array(others, np.int64))
        return table.log_prior(with_) - table.log_prior(without)

    gains = [gain(rest[:k]) for k in (0, 3, 7)]
    assert gains[0] < gains[1] < gains[2]
    # Where no other edge is there, the first is worth a small part of what it says.
    assert gains[0] < 0.3 * gains[2] and gains[2] > 3.0
    # One with the wrong sign lowers it too.
    signs = [table.log_levels(np.array([first]), np.array([s])) @ LEVELS for s in (1.0, -1.0)]
    assert signs[0] > signs[1]


def test_a_table_without_an_edge_is_that_of_the_others(library):
    edges = (Edge("x", "y", -1, 0.9), Edge("y", "y", 1, 0.7), Edge("y", "x", 0, 0.2))
    whole, less = told(library, *edges).table, told(library, edges[0], edges[2]).table
    cut = whole.without(1)
    assert cut.edges == less.edges
    for name in ("member", "present", "absent", "log_normaliser", "signs"):
        np.testing.assert_allclose(getattr(cut, name), getattr(less, name), atol=1e-12)
    empty = cut.without(0).without(0)
    assert empty.log_prior(np.array([1, 2]), np.array([1.0, -1.0])) == 0.0


def test_the_search_follows_edges_column_by_column(library):
    plain, table = told(library), told(library, Edge("x", "y", 0, 0.9)).table
    for reliability in (0.0, 0.5, 1.0):
        spread = table.spread(reliability)
        own = table.member[0]
        assert ((abs(spread) > 1e-9) == (own & (reliability > 0))).all()
        assert np.ptp(spread[own]) < 1e-12  # one shift for all: none is singled out
        odds = plain.log_odds[own] + base_odds(library)
        wanted = reliability * 0.9 + (1 - reliability) * any_probability(odds)
        assert any_probability(odds + spread[own]) == pytest.approx(wanted, abs=1e-6)
    sure = told(library, Edge("x", "y", 0, 1.0), Edge("y", "y", 0, 1.0)).trusting(1.0)
    assert sure.spread.max() <= 4.0 and sure.search_odds[0] == sure.log_odds[0] + sure.spread[0]


def test_missing_edges_count_only_in_a_complete_table(library):
    table = told(library, Edge("x", "y", 0, 0.9), complete=True).table
    assert [e.label for e in table.edges] == ["x -> y", "y -> x"] and table.n_told == 1
    column = np.array([library.find("x", "x*y")])
    part = told(library, Edge("x", "y", 0, 0.9)).table
    assert table.log_prior(column) < part.log_prior(column)
    spread = table.spread(1.0)
    assert spread[library.find("x", "y")] == spread[column[0]] == -1.0
    # Nobody lists that a state acts on itself.
    assert spread[library.find("x", "x")] == spread[library.find("y", "y^2")] == 0.0


def test_the_sign_of_an_edge_is_that_of_the_derivative(library):
    table = told(library, Edge("x", "y", -1, 0.9)).table
    odds, size = table.signs[-1], np.log(9.0)
    assert not table.signs[0].any()
    expected = {"x": -size, "x*y": -size, "hill(x,1,2)": -size, "repress(x,1,2)": size, "y": 0.0}
    for text, value in expected.items():
        assert odds[library.find("y", text)] == pytest.approx(value)
        assert odds[library.find("x", text)] == 0.0
    # Where y may be negative the sign of x*y says nothing; nor does that of x^2 where x may.
    some = told(library, Edge("x", "y", 1, 0.9), nonnegative={"x"}).table.signs[-1]
    assert some[library.find("y", "x*y")] == 0 and some[library.find("y", "x^2")] > 0
    none = told(library, Edge("x", "y", 1, 0.9), nonnegative=()).table.signs[-1]
    assert none[library.find("y", "x^2")] == 0 and none[library.find("y", "x")] > 0
    # An edge one does not trust says nothing about its sign.
    assert not told(library, Edge("x", "y", 1, 0.3)).table.signs.any()


def test_a_part_of_the_library_keeps_its_edges(library):
    table = told(library, Edge("x", "y", 1, 0.9)).table
    kept = np.array([library.find("y", "x"), library.find("y", "y")])
    part = table.restricted(kept, 2)
    assert part.member.shape == (1, 4) and not part.member[:, 2:].any()
    for own in ([0], [1], [0, 1], [1, 3]):
        alike = kept[[c for c in own if c < 2]]
        assert part.log_prior(np.array(own)) == table.log_prior(alike)
