"""Beliefs, the prior they make, and the YAML form."""

import math

import numpy as np
import pytest
import yaml

from twinlab.errors import ExpressionError, UserError
from twinlab.knowledge import Belief, Knowledge
from twinlab.library import Library

NAMES = ("hare", "lynx")


@pytest.fixture
def library():
    return (
        Library.polynomial(NAMES, 3)
        + Library.user_terms(NAMES, ["hill(hare,0.5,2)", "hare*mm(lynx,1)"])
        + Library.reactions(NAMES, ["hare + lynx -> 2 lynx"])
    )


def test_without_beliefs_only_complexity_counts(library):
    prior = Knowledge().column_prior(library, complexity=0.5)
    counts = {
        "1": 0, "hare": 0, "hare*lynx": 1, "hare^2": 1, "hare*lynx^2": 2, "hare^3": 2,
        "hill(hare,0.5,2)": 1, "hare*mm(lynx,1)": 2,
    }  # fmt: skip
    for text, extra in counts.items():
        assert prior.log_odds[library.find("lynx", text)] == -0.5 * extra
    assert prior.log_odds[-1] == -0.5
    assert not prior.required.any() and not prior.excluded.any() and not prior.sign.any()
    assert np.isneginf(prior.lower).all() and np.isposinf(prior.upper).all()
    assert prior.sign.dtype == np.int64 and prior.log_odds.dtype == np.float64
    assert not np.signbit(prior.log_odds[0])


def test_beliefs_reach_their_column_and_no_other(library):
    knowledge = Knowledge(
        (
            Belief("hare", "lynx*hare", required=True, sign=-1),
            Belief("lynx", "1", excluded=True),
            Belief("hare", "hare", log_odds=1.5, lower=0.1, upper=2.0),
            Belief("", "hare+lynx->lynx + lynx", log_odds=-2.0),
        )
    )
    plain = Knowledge().column_prior(library)
    prior = knowledge.column_prior(library)
    pair, one = library.find("hare", "hare*lynx"), library.find("lynx", "1")
    growth, reaction = library.find("hare", "hare"), len(library.columns) - 1
    assert np.flatnonzero(prior.required).tolist() == [pair]
    assert np.flatnonzero(prior.excluded).tolist() == [one]
    assert (prior.sign[pair], prior.upper[pair], prior.lower[pair]) == (-1, 0.0, -np.inf)
    # Bounds on one side of zero fix the sign.
    assert (prior.sign[growth], prior.lower[growth], prior.upper[growth]) == (1, 0.1, 2.0)
    assert np.flatnonzero(prior.sign).tolist() == sorted([growth, pair])
    difference = prior.log_odds - plain.log_odds
    assert difference[growth] == 1.5 and difference[reaction] == -2.0
    assert np.count_nonzero(difference) == 2


def test_terms_match_in_any_form(library):
    for text in ("lynx*hare", "hare * lynx", "lynx*hare^1", "hare*lynx/1"):
        prior = Knowledge((Belief("hare", text, required=True),)).column_prior(library)
        assert prior.required[library.find("hare", "hare*lynx")]
    assert Belief("hare", "lynx*hare") == Belief("hare", "hare*lynx")
    form = Belief("hare", "hare^2/(0.25 + hare^2)", excluded=True)
    assert Knowledge((form,)).column_prior(library).excluded.sum() == 1


@pytest.mark.parametrize(
    ("belief", "message"),
    [
        (Belief("fox", "hare"), "There is no state 'fox'"),
        (Belief("hare", "fox*hare"), "In a belief about the equation of 'hare': .*'fox'"),
        (Belief("hare", "hare^7"), r"no term hare\^7 in the equation of 'hare', which a belief"),
        (Belief("", "hare -> lynx"), "no reaction hare -> lynx"),
        (Belief("", "hare <-> lynx"), "one direction"),
        (Belief("", "hare -> fox"), "There is no variable 'fox'"),
        (Belief("hare", "hare +"), "missing at the end"),
    ],
)
def test_unknown_terms_are_named(library, belief, message):
    with pytest.raises(UserError, match=message):
        Knowledge((belief,)).column_prior(library)
    kept, left = Knowledge((belief, Belief("hare", "hare"))).restricted_to(library)
    assert left == (belief,)
    kept.column_prior(library)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"required": True, "excluded": True}, "both required and excluded"),
        ({"lower": 2, "upper": 1}, "lower bound 2 is above the upper bound 1"),
        ({"sign": 1, "upper": 0}, "sign is positive but the upper bound is 0"),
        ({"sign": -1, "lower": 0.5}, "sign is negative but the lower bound is 0.5"),
        ({"required": True, "lower": 0, "upper": 0}, "allow only 0"),
        ({"sign": 2}, "sign must be"),
        ({"log_odds": math.inf}, "log-odds must be finite"),
        ({"lower": math.nan}, "not a number"),
    ],
)
def test_contradictions_are_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        Belief("hare", "hare", **arguments)


def test_machine_made_odds_are_capped():
    assert Belief("hare", "hare", log_odds=9, source="machine: residuals").log_odds == 4
    assert Belief("hare", "hare", log_odds=-9, source="machine").log_odds == -4
    assert Belief("hare", "hare", log_odds=9, source="Smith 2010").log_odds == 9


def test_with_belief_replaces_in_place():
    knowledge = Knowledge((Belief("hare", "hare"), Belief("lynx", "lynx")), 4.0)
    changed = knowledge.with_belief(Belief("hare", "1*hare", required=True))
    assert [b.key for b in changed.beliefs] == [("hare", "hare"), ("lynx", "lynx")]
    assert changed.beliefs[0].required and not knowledge.beliefs[0].required
    assert changed.expected_terms == 4.0
    more = changed.with_belief(Belief("hare", "lynx*hare"))
    assert len(more.beliefs) == 3
    assert more.belief("hare", "hare*lynx") == more.beliefs[2]
    assert more.belief("lynx", "hare") is None
    assert more.without_belief("hare", "lynx*hare") == changed
    with pytest.raises(UserError, match="two beliefs about d hare/dt: hare"):
        Knowledge((Belief("hare", "hare"), Belief("hare", "hare^1")))
    with pytest.raises(UserError, match="must be positive"):
        Knowledge((), -1.0)


FULL = Knowledge(
    (
        Belief("hare", "hare*lynx", required=True, sign=-1, source="Lotka 1925: predation"),
        Belief("lynx", "1", excluded=True),
        Belief("hare", "hare", lower=0.25, upper=1e6, log_odds=1 / 3, sign=1),
        Belief("", "hare + lynx -> 2 lynx", log_odds=-1.5),
        Belief("β_1", "β_1*mm(lynx,0.5)", log_odds=1e-7, source='quotes " and : {braces}'),
    ),
    5.0,
)


def test_files_round_trip(tmp_path):
    path = tmp_path / "knowledge.yaml"
    FULL.save(path)
    assert Knowledge.load(path) == FULL
    assert Knowledge.from_mapping(FULL.to_mapping()) == FULL
    text = path.read_text(encoding="utf-8")
    assert "  - {equation: hare, term: hare*lynx, required: true, sign: negative, source:" in text
    Knowledge().save(path)
    assert Knowledge.load(path) == Knowledge()


def load(tmp_path, text):
    path = tmp_path / "k.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Knowledge.load(path)


def test_hand_written_files(tmp_path):
    knowledge = load(
        tmp_path,
        """
# what we know
beliefs:
  - {equation: hare, term: "lynx*hare", required: true, sign: negative}
  - equation: lynx
    term: 1            # a number, as YAML reads it
    excluded: true
  - {equation: hare, term: hare, probability: 0.8, sign: "+"}
  - {reaction: "hare + lynx -> 2 lynx", log_odds: 1}
  - {equation: no, term: y, lower: 1e-3}
""",
    )
    assert knowledge.beliefs == (
        Belief("hare", "hare*lynx", required=True, sign=-1),
        Belief("lynx", "1", excluded=True),
        Belief("hare", "hare", sign=1, log_odds=knowledge.beliefs[2].log_odds),
        Belief("", "hare + lynx -> 2 lynx", log_odds=1),
        Belief("no", "y", lower=1e-3),
    )
    assert knowledge.beliefs[2].log_odds == pytest.approx(math.log(4))
    for text in ("", "beliefs:", "beliefs: []", "# nothing"):
        assert load(tmp_path, text) == Knowledge()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("beliefs:\n  - {equation: x, term: x, requird: true}", "line 2: The key 'requird' is not"),
        ("\n\nbeleifs: []", "k.yaml: The key 'beleifs' is not known. Did you mean 'beliefs'"),
        ("beliefs:\n  - {equation: x}", "line 2: Belief 1 has no 'term'"),
        ("beliefs:\n  - {term: x}", "line 2: Belief 1 has no 'equation'"),
        ("beliefs:\n  - x", "line 2: Belief 1 is not a mapping"),
        ("beliefs: 3", "column 'beliefs': It must be a list"),
        ("- a", "Knowledge must be a mapping"),
        ("beliefs:\n  - {equation: x, term: x\n", "k.yaml, line 3: This is not YAML"),
        ("beliefs: [}", "k.yaml, line 1: This is not YAML"),
        ("a: 1\na: 2", "line 2: The key 'a' appears twice"),
        ("beliefs:\n  - {equation: x, equation: y, term: x}", "line 2: The key 'equation' appears"),
        ("a: &a [*a]", "k.yaml"),
        (b"\xff\xfe\x00", "not UTF-8"),
        ("beliefs: !!python/object/apply:os.system ['echo']", "This is not YAML"),
        ("[" * 3000, "k.yaml"),
        (
            "beliefs:\n - {equation: x, term: x}\n - {equation: x, term: x^1}",
            "line 3: There are two beliefs about d x/dt: x (lines 2 and 3)",
        ),
        ("beliefs:\n - {equation: x, term: x, required: 1}", "column 'required': It must be true"),
        ("beliefs:\n - {equation: x, term: x, required: 'yes'}", "It must be true or false"),
        ("beliefs:\n - {equation: true, term: x}", "column 'equation': It must be text, not True"),
        ("beliefs:\n - {equation: x, term: [x]}", "column 'term': It must be text"),
        ("beliefs:\n - {equation: x, term: x, sign: up}", "column 'sign': It must be positive"),
        ("beliefs:\n - {equation: x, term: x, lower: .nan}", "column 'lower': It must be a finite"),
        ("beliefs:\n - {equation: x, term: x, log_odds: a}", "column 'log_odds': It must be a fin"),
        ("beliefs:\n - {equation: x, term: x, probability: 1}", "between 0 and 1, not 1"),
        ("beliefs:\n - {equation: x, term: x, probability: .5, log_odds: 1}", "not both"),
        ("beliefs:\n - {equation: x, term: x, lower: 2, upper: 1}", "line 2: Belief about d x/dt"),
        ("beliefs:\n - {reaction: x -> y, term: x}", "line 2: A belief is about a reaction, or"),
        ("beliefs:\n - {reaction: x}", "'x' is not a reaction"),
        ("expected_terms: many", "column 'expected_terms': It must be a finite number"),
        ("expected_terms: -1", "expected_terms must be positive"),
    ],
)
def test_wrong_files_say_where(tmp_path, text, message):
    with pytest.raises(UserError) as caught:
        load(tmp_path, text)
    assert message in str(caught.value)


def test_a_file_of_aliases_does_not_explode(tmp_path):
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
    )
    with pytest.raises(UserError, match="The key 'a0' is not known"):
        load(tmp_path, bomb)
    inside = bomb + "beliefs:\n  - {equation: x, term: *a11}\n"
    with pytest.raises(UserError) as caught:
        Knowledge.from_mapping(
            {"beliefs": [{"equation": "x", "term": yaml.safe_load(inside)["a11"]}]}
        )
    assert len(str(caught.value)) < 1000
    with pytest.raises(UserError, match="cannot be read"):
        load(tmp_path, "expected_terms: " + "9" * 5000)


def test_missing_and_oversized_files(tmp_path):
    with pytest.raises(UserError, match="none.yaml: There is no such file"):
        Knowledge.load(tmp_path / "none.yaml")
    with pytest.raises(UserError, match="cannot be read"):
        Knowledge.load(tmp_path)
    with pytest.raises(UserError, match="too large"):
        load(tmp_path, "#" * 3_000_000)


def test_an_inline_mapping_names_its_file():
    with pytest.raises(UserError, match=r"study.yaml: Belief 1 has no 'term'"):
        Knowledge.from_mapping({"beliefs": [{"equation": "x"}]}, file="study.yaml")
    with pytest.raises(UserError, match="Knowledge must be a mapping"):
        Knowledge.from_mapping([1])


def test_syntax_errors_in_terms_show_a_caret(library):
    with pytest.raises(ExpressionError) as caught:
        Knowledge((Belief("hare", "hare*(lynx"),)).column_prior(library)
    assert caught.value.position == 5
