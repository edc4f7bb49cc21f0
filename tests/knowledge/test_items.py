"""Edges, known parts, curated reactions and conserved totals: reading, odds, contradictions."""

import numpy as np
import pytest

from twinlab.errors import UserError
from twinlab.expressions import parse_sum, parse_term
from twinlab.knowledge import (
    Belief,
    Conserved,
    CuratedReaction,
    Edge,
    Knowledge,
    KnownPart,
    circuits,
)
from twinlab.knowledge.edges import derivative_sign
from twinlab.library import Library

XY = ("x", "y")
SIR = ("S", "I", "R")

FULL = Knowledge(
    beliefs=(Belief("S", "S*I", sign=-1),),
    expected_terms=4.0,
    edges=(
        Edge("I", "S", -1, 0.9, "machine: 3 of 5 answers", ('says "yes": {I}', "again, β")),
        Edge("S", "I"),
    ),
    complete=True,
    known=(KnownPart("I", "-0.2*I", source="Smith"), KnownPart("", "I -> R", 0.2)),
    reactions=(CuratedReaction("S+I -> 2 I", "infection", log_odds=1.5), CuratedReaction("R -> S")),
    conserved=(
        Conserved("N", {"S": 1, "I": 1, "R": 2.5}, 100.0),
        Conserved("M", {"S": 1, "R": -1}),
    ),
)


def test_everything_round_trips(tmp_path):
    path = tmp_path / "knowledge.yaml"
    FULL.save(path)
    assert Knowledge.load(path) == FULL
    assert Knowledge.from_mapping(FULL.to_mapping()) == FULL
    assert Knowledge.load(path).edges[1].place == ("knowledge.yaml", 5)


def test_sums_are_split_into_terms():
    found = parse_sum("-0.5*x + 2*hill(y,1,2) - x - 3", XY)
    assert [(c, t.text) for c, t in found] == [(-1.5, "x"), (2.0, "hill(y,1,2)"), (-3.0, "1")]


@pytest.fixture
def library():
    return Library.polynomial(XY, 2) + Library.hill(XY, ["x"], [1.0], [2], "both")


@pytest.mark.parametrize(
    "text", ["x", "2*x^2*y", "-x", "x^-1", "repress(x,2,3)*y", "exp(-2*x)", "log(3*x)", "y^2"]
)
def test_derivative_signs_agree_with_differences(text):
    term, at = parse_term(text, XY), np.array([0.3, 0.9, 2.0, 5.0])
    for y in (0.4, 3.0):
        rise = np.sign(term.evaluate({"x": at + 1e-6, "y": y}) - term.evaluate({"x": at, "y": y}))
        assert set(rise) == {derivative_sign(term, "x", XY)}
    assert derivative_sign(parse_term("sin(x)", XY), "x", XY) == 0


def test_known_parts_and_reactions_become_columns():
    base = Library.polynomial(SIR, 1)
    knowledge = Knowledge(
        known=(KnownPart("S", "-0.3*S + 2*mm(I,4)"), KnownPart("", "R ->", 0.7)),
        reactions=(CuratedReaction("S + I -> 2 I", required=True), CuratedReaction("-> R")),
    )
    library = knowledge.completed(base)
    assert knowledge.completed(library) == library
    # "R ->" and "-> R" are plain columns that were there.
    assert len(library.columns) == len(base.columns) + 2
    prior = knowledge.column_prior(library)
    held = {library.column_label(c): prior.lower[c] for c in np.flatnonzero(prior.held)}
    assert held == {"d S/dt: S": -0.3, "d S/dt: mm(I,4)": 2.0, "d R/dt: R": -0.7}
    assert (prior.lower[prior.held] == prior.upper[prior.held]).all()
    infection = next(c for c, column in enumerate(library.columns) if column.is_reaction)
    assert prior.required[infection] and prior.sign[infection] == 1
    assert prior.sign[library.find("R", "1")] == 1


def test_a_reaction_out_of_one_state_is_its_plain_column_the_other_way_round():
    library = Library.polynomial(SIR, 1)
    knowledge = Knowledge(reactions=(CuratedReaction("2 R ->  : R"),))
    assert knowledge.completed(library) == library
    prior = knowledge.column_prior(library)
    assert prior.sign[library.find("R", "R")] == -1
    bounded = Knowledge((Belief("", "2 R -> : R", lower=1.0, upper=3.0),)).column_prior(library)
    c = library.find("R", "R")
    assert (bounded.lower[c], bounded.upper[c]) == (-6.0, -2.0)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([[1, 1, 1]], [{0: -1, 1: 1}, {0: -1, 2: 1}, {1: -1, 2: 1}]),
        ([[1, 2, 0]], [{0: -2, 1: 1}]),
        # Enzyme E + ES, substrate S + ES + P: the elementary reactions of Michaelis and Menten.
        (
            [[1, 1, 0, 0], [0, 1, 1, 1]],
            [{2: -1, 3: 1}, {0: -1, 1: 1, 2: -1}, {0: -1, 1: 1, 3: -1}],
        ),
    ],
)
def test_circuits_are_the_elementary_transfers(weights, expected):
    assert circuits(np.array(weights, float)) == expected


def test_a_conserved_total_is_conserved_by_every_column_and_loses_no_model():
    base = Library.polynomial((*SIR, "V"), 2)
    knowledge = Knowledge(
        conserved=(Conserved("N", dict.fromkeys(SIR, 1)),),
        reactions=(CuratedReaction("S + I -> 2 I"),),
    )
    library = knowledge.completed(base)
    assert knowledge.completed(library) == library
    weights = np.array([1, 1, 1, 0.0])
    stoichiometry = np.zeros((4, len(library.columns)))
    for c, column in enumerate(library.columns):
        for state, value in column.stoichiometry:
            stoichiometry[state, c] = value
    assert np.abs(weights @ stoichiometry).max() == 0
    # V's own equation is untouched, and each term may flow between each pair, named once.
    assert len(library.columns_of("V")) == len(base.columns_of("V"))
    flows = [c for c in library.columns if c.is_reaction]
    assert len(flows) == 3 * len(base.terms)
    assert sum("2 I" in c.source for c in flows) == 1
    # Beliefs about a term of an equation reach all of its transfers, with the right sign.
    belief = Belief("S", "S*I", sign=-1, excluded=False, log_odds=2.0)
    prior = Knowledge((belief,)).column_prior(library)
    own = [c for c in library.columns_of("S") if library.term_of(c).text == "I*S"]
    assert len(own) == 2 and (prior.sign[own] == 1).all()
    with pytest.raises(UserError, match="may be part of 2 transfers"):
        Knowledge((Belief("S", "S*I", required=True),)).column_prior(library)


YAML_CLASHES = {
    """
beliefs:
  - {equation: x, term: x*y, required: true}
  - {equation: x, term: y*x, excluded: true}
""": "two beliefs about d x/dt: x*y (lines 3 and 4)",
    """
beliefs:
  - {equation: x, term: x, excluded: true}
known:
  - {equation: x, rate: "0.5*x + y"}
""": "d x/dt: x is known and excluded (lines 3 and 5)",
    """
known:
  - {equation: x, rate: "0.5*x"}
beliefs:
  - {equation: x, term: x, sign: negative}
""": "known to be 0.5 and said to be negative (lines 3 and 5)",
    """
known:
  - {equation: x, rate: "0.5*x"}
  - {equation: x, rate: "x^2 - 0.1*x"}
""": "d x/dt: x is known twice (lines 3 and 4)",
    """
edges:
  - {regulator: x, target: y, sign: positive}
  - {regulator: x, target: y, sign: negative}
""": "two edges about x -| y (lines 3 and 4)",
    """
reactions:
  - x -> y
beliefs:
  - {reaction: "x->y", excluded: true}
""": "listed as a reaction and excluded (lines 3 and 5)",
    "\nedges:\n  - {regulator: x, target: y, confidence: 1.5}": "line 3: x -> y: the confidence",
    "\nedges:\n  - {regulator: x, target: y, wieght: 1}": "line 3: The key 'wieght' is not known",
    "\nknown:\n  - {equation: x}": "line 3: Known part 1 must have an equation and a rate",
    "\nknown:\n  - {reaction: x -> y}": "line 3: Known part 1 has no 'coefficient'",
    "\nconserved:\n  - {name: N, weights: {x: 1}}": "line 3: N = x: a conserved total needs two",
    "\nconserved:\n  - {name: N, weights: [x, y], total: many}": "a number or 'estimate'",
    "\nreactions:\n  - x <-> y": "line 3: 'x <-> y' is not a reaction in one direction",
    "\ncomplete: perhaps": "column 'complete': It must be true or false",
}


@pytest.mark.parametrize(("text", "message"), YAML_CLASHES.items())
def test_contradictions_name_both_lines(tmp_path, text, message):
    path = tmp_path / "k.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        Knowledge.load(path)
    assert message in str(caught.value) and str(caught.value).startswith("k.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("edges:\n  - {regulator: x, target: z}", "line 2: The target of the edge x -> z is 'z'"),
        ("edges:\n  - {regulator: q, target: x}", "line 2: The regulator of the edge q -> x"),
        ("conserved:\n  - {name: N, weights: [x, z]}", r"line 2: The conserved total N = x \+ z"),
        ("known:\n  - {equation: x, rate: 2*z}", "line 2: .*'z'"),
        ("known:\n  - {equation: z, rate: 2*x}", "line 2: There is no state 'z'"),
        ("reactions:\n  - x -> z", "line 2: There is no variable 'z'"),
        (
            "known:\n  - {equation: x, rate: 2*y}\nconserved:\n  - {name: N, weights: [x, y]}",
            r"y of d x/dt changes the total N = x \+ y.*lines 4 and 2",
        ),
        (
            "reactions:\n  - x -> 2 y\nconserved:\n  - {name: N, weights: [x, y]}",
            "line 4: The reaction x -> 2 y changes the total",
        ),
    ],
)
def test_what_the_library_lacks_is_named_with_its_line(tmp_path, library, text, message):
    path = tmp_path / "k.yaml"
    path.write_text(text, encoding="utf-8")
    knowledge = Knowledge.load(path)
    with pytest.raises(UserError, match=message) as caught:
        knowledge.column_prior(knowledge.completed(library))
    assert str(caught.value).startswith("k.yaml")


def test_what_does_not_fit_is_set_aside(library):
    good = Edge("x", "y")
    knowledge = Knowledge(
        beliefs=(Belief("x", "z"), Belief("x", "y")),
        edges=(good, Edge("gene7", "y")),
        known=(KnownPart("x", "-x"), KnownPart("z", "x")),
    )
    fits, left = knowledge.restricted_to(library)
    assert fits.edges == (good,) and len(fits.known) == len(fits.beliefs) == 1
    assert [item.label for item in left if isinstance(item, Edge)] == ["gene7 -> y"]
    assert len(left) == 3
    assert fits.with_edge(Edge("x", "y", 1)).edges[0].sign == 1
    assert fits.without_edge("x", "y").edges == ()
