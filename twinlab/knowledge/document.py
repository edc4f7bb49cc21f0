"""The YAML form of knowledge: reading with file and line in every message, writing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from twinlab.errors import UserError
from twinlab.expressions import shown, suggestion

from .belief import Belief
from .loader import load_yaml, row_of

MAX_BYTES = 2_000_000
TOP_KEYS = ("beliefs", "expected_terms")
KEYS = (
    "equation",
    "term",
    "reaction",
    "required",
    "excluded",
    "sign",
    "lower",
    "upper",
    "log_odds",
    "probability",
    "source",
)
SIGNS = {"positive": 1, "negative": -1, "any": 0, "+": 1, "-": -1, "1": 1, "-1": -1, "0": 0}

Content = tuple[tuple[Belief, ...], float | None]


def read(path: Path) -> Content:
    """Read a file; see `Knowledge.load`."""
    file = path.name
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError("The file is too large to hold beliefs.", file=file)
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError("There is no such file.", file=file) from error
    except UnicodeDecodeError as error:
        raise UserError("The file is not UTF-8 text.", file=file, mend="Save it so.") from error
    except OSError as error:
        raise UserError(f"The file cannot be read: {error.strerror}.", file=file) from error
    mapping, node = load_yaml(text, file)
    return interpret({} if mapping is None else mapping, file, _belief_lines(node))


def _belief_lines(node: yaml.Node | None) -> list[int]:
    """Line of every item of `beliefs`."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "beliefs" and isinstance(value, yaml.SequenceNode):
                return [row_of(item) for item in value.value]
    return []


def interpret(mapping: object, file: str | None, lines: Sequence[int] = ()) -> Content:
    """Make beliefs of a plain mapping; see `Knowledge.from_mapping`."""
    if not isinstance(mapping, Mapping):
        raise UserError(
            "Knowledge must be a mapping with the key 'beliefs'.",
            file=file,
            mend='Write "beliefs:" and under it one belief a line.',
        )
    for key in mapping:
        _known_key(key, TOP_KEYS, file, None)
    listed = mapping.get("beliefs")
    listed = [] if listed is None else listed
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise UserError("It must be a list.", file=file, column="beliefs")
    expected = mapping.get("expected_terms")
    if expected is not None:
        expected = _number(expected, "expected_terms", file, None)
    beliefs: list[Belief] = []
    for number, item in enumerate(listed):
        row = lines[number] if number < len(lines) else None
        belief = _belief(item, file, row, number + 1)
        for earlier in beliefs:
            if earlier.key == belief.key:
                raise UserError(
                    f"There is already a belief about {belief.label}.",
                    file=file,
                    row=row,
                    mend="Make one of the two.",
                )
        beliefs.append(belief)
    return tuple(beliefs), expected


def _known_key(key: object, known: Sequence[str], file: str | None, row: int | None) -> None:
    if key in known:
        return
    nearest = suggestion(str(key), known)
    hint = f"Did you mean '{nearest}'? " if nearest else ""
    raise UserError(
        f"The key '{key}' is not known.",
        file=file,
        row=row,
        mend=f"{hint}Known keys: {', '.join(known)}.",
    )


def _belief(item: object, file: str | None, row: int | None, number: int) -> Belief:
    if not isinstance(item, Mapping):
        raise UserError(
            f"Belief {number} is not a mapping.",
            file=file,
            row=row,
            mend="Write for example {equation: x, term: x*y, required: true}.",
        )
    for key in item:
        _known_key(key, KEYS, file, row)
    if "reaction" in item:
        if "term" in item or "equation" in item:
            raise UserError(
                "A belief is about a reaction, or about a term of an equation, not both.",
                file=file,
                row=row,
            )
        state, term = "", _text(item["reaction"], "reaction", file, row)
        if "->" not in term:
            raise UserError(f"'{term}' is not a reaction.", file=file, row=row, column="reaction")
    else:
        for key in ("equation", "term"):
            if key not in item:
                raise UserError(f"Belief {number} has no '{key}'.", file=file, row=row)
        state = _text(item["equation"], "equation", file, row)
        term = _text(item["term"], "term", file, row)
    try:
        return Belief(
            state,
            term,
            _flag(item.get("required", False), "required", file, row),
            _flag(item.get("excluded", False), "excluded", file, row),
            _sign(item.get("sign"), file, row),
            _bound(item.get("lower"), "lower", file, row),
            _bound(item.get("upper"), "upper", file, row),
            _log_odds(item, file, row),
            str(item.get("source") or ""),
        )
    except UserError as error:
        if error.file is not None or (file is None and row is None):
            raise
        raise UserError(error.problem, file=file, row=row, mend=error.mend) from error


def _text(value: object, key: str, file: str | None, row: int | None) -> str:
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
    raise UserError(
        f"It must be text, not {shown(value)}.", file=file, row=row, column=key, mend=mend
    )


def _flag(value: object, key: str, file: str | None, row: int | None) -> bool:
    if isinstance(value, bool):
        return value
    raise UserError(
        f"It must be true or false, not {shown(value)}.", file=file, row=row, column=key
    )


def _number(value: object, key: str, file: str | None, row: int | None) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise UserError(
        f"It must be a finite number, not {shown(value)}.", file=file, row=row, column=key
    )


def _bound(value: object, key: str, file: str | None, row: int | None) -> float | None:
    return None if value is None else _number(value, key, file, row)


def _sign(value: object, file: str | None, row: int | None) -> int:
    if value is None:
        return 0
    text = str(value).strip().lower()
    if isinstance(value, bool) or text not in SIGNS:
        raise UserError(
            f"It must be positive or negative, not {shown(value)}.",
            file=file,
            row=row,
            column="sign",
        )
    return SIGNS[text]


def _log_odds(item: Mapping[str, Any], file: str | None, row: int | None) -> float:
    if "log_odds" in item and "probability" in item:
        raise UserError("Give log_odds or probability, not both.", file=file, row=row)
    if "probability" not in item:
        return _number(item.get("log_odds", 0.0), "log_odds", file, row)
    probability = _number(item["probability"], "probability", file, row)
    if not 0 < probability < 1:
        raise UserError(
            f"It must lie between 0 and 1, not {probability:g}.",
            file=file,
            row=row,
            column="probability",
            mend="Use required or excluded for certainty.",
        )
    return math.log(probability) - math.log1p(-probability)


# --------------------------------------------------------------------------------- writing


def to_mapping(beliefs: Sequence[Belief], expected_terms: float | None) -> dict[str, Any]:
    """See `Knowledge.to_mapping`."""
    mapping: dict[str, Any] = {"beliefs": [_item(belief) for belief in beliefs]}
    if expected_terms is not None:
        mapping["expected_terms"] = float(expected_terms)
    return mapping


def _item(belief: Belief) -> dict[str, Any]:
    item: dict[str, Any]
    if belief.is_reaction:
        item = {"reaction": belief.term}
    else:
        item = {"equation": belief.state, "term": belief.term}
    for key in ("required", "excluded"):
        if getattr(belief, key):
            item[key] = True
    if belief.sign:
        item["sign"] = "positive" if belief.sign > 0 else "negative"
    for key in ("lower", "upper"):
        if getattr(belief, key) is not None:
            item[key] = float(getattr(belief, key))
    if belief.log_odds:
        item["log_odds"] = float(belief.log_odds)
    if belief.source:
        item["source"] = belief.source
    return item


def write(mapping: Mapping[str, Any], path: Path) -> None:
    """See `Knowledge.save`: one belief a line, as a person would write it."""
    lines = ["beliefs:"] if mapping["beliefs"] else ["beliefs: []"]
    for item in mapping["beliefs"]:
        flow = yaml.safe_dump(
            item, default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf
        )
        lines.append(f"  - {flow.strip()}")
    if "expected_terms" in mapping:
        lines.append(f"expected_terms: {mapping['expected_terms']!r}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
