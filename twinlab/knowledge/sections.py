"""The lists of a knowledge file: each item from and to a plain mapping."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from twinlab.errors import UserError
from twinlab.expressions import shown, suggestion

from .belief import Belief
from .items import Conserved, CuratedReaction, Edge, KnownPart, Place

SIGNS = {"positive": 1, "negative": -1, "any": 0, "+": 1, "-": -1, "1": 1, "-1": -1, "0": 0}
ESTIMATE = "estimate"


class Where(NamedTuple):
    """File and line of an item, where it has them."""

    file: str | None
    row: int | None

    @property
    def place(self) -> Place:
        """As items keep it."""
        return (self.file, self.row) if self.file is not None and self.row is not None else ()

    def error(self, problem: str, *, column: str | None = None, mend: str | None = None) -> Any:
        """A `UserError` that names this place."""
        return UserError(problem, file=self.file, row=self.row, column=column, mend=mend)


# --------------------------------------------------------------------------------- reading


def known_key(key: object, known: Sequence[str], where: Where) -> None:
    """Refuse a key that is not known."""
    if key in known:
        return
    nearest = suggestion(str(key), known)
    hint = f"Did you mean '{nearest}'? " if nearest else ""
    raise where.error(
        f"The key '{key}' is not known.", mend=f"{hint}Known keys: {', '.join(known)}."
    )


def text(value: object, key: str, where: Where) -> str:
    """Text of a name or term; YAML reads the terms 1 and 2.5 as numbers, which are meant."""
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    mend = (
        "The names yes, no, on, off, true and false need quotes."
        if value in (True, False)
        else None
    )
    raise where.error(f"It must be text, not {shown(value)}.", column=key, mend=mend)


def flag(value: object, key: str, where: Where) -> bool:
    """A value that must be true or false."""
    if isinstance(value, bool):
        return value
    raise where.error(f"It must be true or false, not {shown(value)}.", column=key)


def number(value: object, key: str, where: Where) -> float:
    """A finite number."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise where.error(f"It must be a finite number, not {shown(value)}.", column=key)


def sign(value: object, where: Where) -> int:
    """A sign, in words, as a character or as a number."""
    if value is None:
        return 0
    word = str(value).strip().lower()
    if isinstance(value, bool) or word not in SIGNS:
        raise where.error(f"It must be positive or negative, not {shown(value)}.", column="sign")
    return SIGNS[word]


def _mapping(item: object, keys: Sequence[str], example: str, where: Where, what: str) -> Any:
    """The item, refused if it is not a mapping of these keys."""
    if not isinstance(item, Mapping):
        raise where.error(f"{what} is not a mapping.", mend=f"Write for example {example}.")
    for key in item:
        known_key(key, keys, where)
    return item


def _needs(item: Mapping[str, Any], keys: Sequence[str], where: Where, what: str) -> None:
    for key in keys:
        if key not in item:
            raise where.error(f"{what} has no '{key}'.")


def _source(item: Mapping[str, Any]) -> str:
    return str(item.get("source") or "")


def _made(make: Callable[[], Any], where: Where) -> Any:
    """What `make` makes; its errors get the place."""
    try:
        return make()
    except UserError as error:
        if error.file is not None or where == (None, None):
            raise
        raise where.error(error.problem, mend=error.mend) from error


_BELIEF = (
    "equation", "term", "reaction", "required", "excluded", "sign", "lower", "upper", "log_odds",
    "probability", "source",
)  # fmt: skip


def read_belief(item: Any, where: Where, n: int) -> Belief:
    """An item of `beliefs`."""
    item = _mapping(item, _BELIEF, "{equation: x, term: x*y, required: true}", where, f"Belief {n}")
    if "reaction" in item:
        if "term" in item or "equation" in item:
            raise where.error(
                "A belief is about a reaction, or about a term of an equation, not both."
            )
        state, term = "", text(item["reaction"], "reaction", where)
        if "->" not in term:
            raise where.error(f"'{term}' is not a reaction.", column="reaction")
    else:
        _needs(item, ("equation", "term"), where, f"Belief {n}")
        state = text(item["equation"], "equation", where)
        term = text(item["term"], "term", where)
    lower, upper = (
        None if item.get(key) is None else number(item[key], key, where)
        for key in ("lower", "upper")
    )
    make = lambda: Belief(  # noqa: E731
        state,
        term,
        flag(item.get("required", False), "required", where),
        flag(item.get("excluded", False), "excluded", where),
        sign(item.get("sign"), where),
        lower,
        upper,
        _log_odds(item, where),
        _source(item),
        where.place,
    )
    made: Belief = _made(make, where)
    return made


def _log_odds(item: Mapping[str, Any], where: Where) -> float:
    if "log_odds" in item and "probability" in item:
        raise where.error("Give log_odds or probability, not both.")
    if "probability" not in item:
        return number(item.get("log_odds", 0.0), "log_odds", where)
    probability = number(item["probability"], "probability", where)
    if not 0 < probability < 1:
        raise where.error(
            f"It must lie between 0 and 1, not {probability:g}.",
            column="probability",
            mend="Use required or excluded for certainty.",
        )
    return math.log(probability) - math.log1p(-probability)


_EDGE = ("regulator", "target", "sign", "confidence", "source", "sentences")


def read_edge(item: Any, where: Where, n: int) -> Edge:
    """An item of `edges`."""
    item = _mapping(item, _EDGE, "{regulator: x, target: y, sign: positive}", where, f"Edge {n}")
    _needs(item, ("regulator", "target"), where, f"Edge {n}")
    sentences = item.get("sentences", [])
    if not isinstance(sentences, list) or not all(isinstance(s, str) for s in sentences):
        raise where.error("It must be a list of texts.", column="sentences")
    made: Edge = _made(
        lambda: Edge(
            text(item["regulator"], "regulator", where),
            text(item["target"], "target", where),
            sign(item.get("sign"), where),
            number(item.get("confidence", Edge.confidence), "confidence", where),
            _source(item),
            tuple(sentences),
            where.place,
        ),
        where,
    )
    return made


_KNOWN = ("equation", "rate", "reaction", "coefficient", "source")


def read_known(item: Any, where: Where, n: int) -> KnownPart:
    """An item of `known`."""
    item = _mapping(item, _KNOWN, '{equation: x, rate: "-0.5*x"}', where, f"Known part {n}")
    reaction = "reaction" in item
    if reaction == ("rate" in item) or reaction == ("equation" in item):
        raise where.error(
            f"Known part {n} must have an equation and a rate, or a reaction.",
            mend='Write {equation: x, rate: "-0.5*x"}, or {reaction: "A -> B", coefficient: 0.3}.',
        )
    if reaction and "coefficient" not in item:
        raise where.error(
            f"Known part {n} has no 'coefficient': a known reaction has a rate constant."
        )
    made: KnownPart = _made(
        lambda: KnownPart(
            "" if reaction else text(item["equation"], "equation", where),
            text(item["reaction" if reaction else "rate"], "rate", where),
            number(item.get("coefficient", 1.0), "coefficient", where),
            _source(item),
            where.place,
        ),
        where,
    )
    return made


_REACTION = ("reaction", "name", "required", "log_odds", "probability", "source")


def read_reaction(item: Any, where: Where, n: int) -> CuratedReaction:
    """An item of `reactions`: a text, or a mapping."""
    item = {"reaction": item} if isinstance(item, str) else item
    item = _mapping(
        item, _REACTION, '{name: infection, reaction: "S + I -> 2 I"}', where, f"Reaction {n}"
    )
    _needs(item, ("reaction",), where, f"Reaction {n}")
    made: CuratedReaction = _made(
        lambda: CuratedReaction(
            text(item["reaction"], "reaction", where),
            str(item.get("name") or ""),
            flag(item.get("required", False), "required", where),
            _log_odds(item, where),
            _source(item),
            where.place,
        ),
        where,
    )
    return made


_CONSERVED = ("name", "weights", "total", "source")


def read_conserved(item: Any, where: Where, n: int) -> Conserved:
    """An item of `conserved`."""
    item = _mapping(
        item, _CONSERVED, "{name: N, weights: {S: 1, I: 1}, total: 100}", where, f"Total {n}"
    )
    _needs(item, ("name", "weights"), where, f"Total {n}")
    weights = item["weights"]
    if isinstance(weights, list):
        weights = dict.fromkeys(weights, 1.0) if len(set(map(str, weights))) == len(weights) else {}
    if not isinstance(weights, Mapping):
        raise where.error("It must be a mapping of states to weights.", column="weights")
    total = item.get("total", ESTIMATE)
    if isinstance(total, str) and total != ESTIMATE:
        raise where.error(f"It must be a number or '{ESTIMATE}', not '{total}'.", column="total")
    made: Conserved = _made(
        lambda: Conserved(
            text(item["name"], "name", where),
            tuple((str(s), number(w, "weights", where)) for s, w in weights.items()),
            None if total == ESTIMATE else number(total, "total", where),
            _source(item),
            where.place,
        ),
        where,
    )
    return made


# --------------------------------------------------------------------------------- writing


def _filled(pairs: Mapping[str, Any]) -> dict[str, Any]:
    """Without what says nothing."""
    return {key: value for key, value in pairs.items() if value not in (None, "", 0, False, [])}


def _word(value: int) -> str:
    return {1: "positive", -1: "negative"}.get(value, "")


def belief_item(belief: Belief) -> dict[str, Any]:
    """An item of `beliefs` for writing."""
    head = (
        {"reaction": belief.term}
        if belief.is_reaction
        else {"equation": belief.state, "term": belief.term}
    )
    bounds = {
        key: float(value)
        for key, value in (("lower", belief.lower), ("upper", belief.upper))
        if value is not None
    }
    rest = {"required": belief.required, "excluded": belief.excluded, "sign": _word(belief.sign)}
    last = {"log_odds": float(belief.log_odds), "source": belief.source}
    return {**head, **_filled(rest), **bounds, **_filled(last)}


def edge_item(edge: Edge) -> dict[str, Any]:
    """An item of `edges` for writing."""
    return {
        "regulator": edge.regulator,
        "target": edge.target,
        **_filled({"sign": _word(edge.sign)}),
        "confidence": float(edge.confidence),
        **_filled({"source": edge.source, "sentences": list(edge.sentences)}),
    }


def known_item(part: KnownPart) -> dict[str, Any]:
    """An item of `known` for writing."""
    if part.is_reaction:
        head: dict[str, Any] = {"reaction": part.rate, "coefficient": float(part.coefficient)}
    else:
        head = {"equation": part.state, "rate": part.rate}
        if part.coefficient != 1.0:
            head["coefficient"] = float(part.coefficient)
    return {**head, **_filled({"source": part.source})}


def reaction_item(reaction: CuratedReaction) -> dict[str, Any]:
    """An item of `reactions` for writing."""
    rest = {
        "required": reaction.required,
        "log_odds": float(reaction.log_odds),
        "source": reaction.source,
    }
    return {**_filled({"name": reaction.name}), "reaction": reaction.text, **_filled(rest)}


def conserved_item(total: Conserved) -> dict[str, Any]:
    """An item of `conserved` for writing."""
    return {
        "name": total.name,
        "weights": {state: float(weight) for state, weight in total.weights},
        "total": ESTIMATE if total.total is None else float(total.total),
        **_filled({"source": total.source}),
    }


Section = tuple[Callable[[Any], dict[str, Any]], Callable[[object, Where, int], Any]]

#: Every list of a knowledge file: how its items are written and read.
SECTIONS: Mapping[str, Section] = MappingProxyType(
    {
        "beliefs": (belief_item, read_belief),
        "edges": (edge_item, read_edge),
        "known": (known_item, read_known),
        "reactions": (reaction_item, read_reaction),
        "conserved": (conserved_item, read_conserved),
    }
)
