"""Several independent answers to "what acts on what", combined by how far they agree.

The JSON form is described in ``docs/knowledge.md``.  What comes in is not trusted: it is checked
to the last field, and nothing in it is run or opened.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from twinlab.errors import UserError
from twinlab.expressions import shown

from .belief import MACHINE
from .items import Edge
from .sections import SIGNS

#: Prior of the share of answers that name an edge: Beta(1, 1).
PRIOR_FOR, PRIOR_AGAINST = 1.0, 1.0
#: Correlation of answers: they have read the same texts, so that many say little more than a few.
CORRELATION = 0.3
#: Share of the answers' weight that must agree on a sign.
SIGN_SHARE = 2 / 3
MAX_ANSWERS, MAX_EDGES, MAX_TEXT = 100, 5000, 2000
SCHEMA = 1
_EDGE_KEYS = ("regulator", "target", "sign", "confidence", "sentence")


class AnsweredEdge(NamedTuple):
    """One edge of one answer."""

    regulator: str
    target: str
    sign: int
    confidence: float
    sentence: str


Answer = tuple[AnsweredEdge, ...]


def read_answers(text: str, file: str) -> list[Answer]:
    """Answers of a JSON file: ``{"schema": 1, "answers": [{"edges": [...]}, ...]}``.

    Raises
    ------
    UserError
        It is not such a file; the message says where.
    """
    content = parse_json(text, file)
    if not isinstance(content, dict) or "answers" not in content:
        raise UserError("The file has no 'answers'.", file=file, mend="See docs/knowledge.md.")
    if content.get("schema", SCHEMA) != SCHEMA:
        raise UserError(
            f"The schema {shown(content['schema'])} is not known.", file=file, mend="Write 1."
        )
    _only(content, ("schema", "answers", "about"), file, "the file")
    answers = content["answers"]
    if not isinstance(answers, list) or not 1 <= len(answers) <= MAX_ANSWERS:
        raise UserError(f"'answers' must be a list of 1 to {MAX_ANSWERS}.", file=file)
    return [check_answer(answer, file, f"answer {i}") for i, answer in enumerate(answers, 1)]


def parse_json(text: str, file: str) -> Any:
    """Parse JSON; infinities, NaN and deep nesting are refused."""

    def refuse(constant: str) -> None:
        raise UserError(f"{constant} is not a number of JSON.", file=file)

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise UserError(f"This is not JSON: {error.msg}.", file=file, row=error.lineno) from None
    except RecursionError:
        raise UserError("It is nested too deeply.", file=file) from None


def check_answer(answer: object, file: str, where: str) -> Answer:
    """One answer, checked field by field.

    Raises
    ------
    UserError
        A field that is missing, unknown or of the wrong kind.
    """
    if not isinstance(answer, dict) or not isinstance(answer.get("edges"), list):
        raise UserError(f"{where} has no list 'edges'.", file=file)
    _only(answer, ("edges", "name"), file, where)
    if len(answer["edges"]) > MAX_EDGES:
        raise UserError(f"{where} has more than {MAX_EDGES} edges.", file=file)
    found: dict[tuple[str, str], AnsweredEdge] = {}
    for i, edge in enumerate(answer["edges"], 1):
        checked = _edge(edge, file, f"{where}, edge {i}")
        found.setdefault((checked.regulator, checked.target), checked)
    return tuple(found.values())


def _only(mapping: dict[str, Any], known: Sequence[str], file: str, where: str) -> None:
    for key in mapping:
        if key not in known:
            raise UserError(
                f"{where}: the key {shown(key)} is not known.",
                file=file,
                mend=f"Known keys: {', '.join(known)}.",
            )


def _edge(edge: object, file: str, where: str) -> AnsweredEdge:
    if not isinstance(edge, dict):
        raise UserError(f"{where} is not an object.", file=file)
    _only(edge, _EDGE_KEYS, file, where)
    texts = {}
    for key in ("regulator", "target", "sentence"):
        value = edge.get(key, "" if key == "sentence" else None)
        if not isinstance(value, str) or (key != "sentence" and not value.strip()):
            raise UserError(f"{where}: '{key}' must be text, not {shown(value)}.", file=file)
        if len(value) > MAX_TEXT:
            raise UserError(f"{where}: '{key}' is longer than {MAX_TEXT} characters.", file=file)
        texts[key] = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    sign = edge.get("sign")
    word = "0" if sign in (None, "", "unknown") else str(sign).strip().lower()
    if isinstance(sign, bool) or word not in SIGNS:
        raise UserError(
            f"{where}: 'sign' must be positive, negative or unknown, not {shown(sign)}.", file=file
        )
    confidence = edge.get("confidence", 1.0)
    number = isinstance(confidence, int | float) and not isinstance(confidence, bool)
    if not number or not math.isfinite(confidence) or not 0 <= confidence <= 1:
        raise UserError(
            f"{where}: 'confidence' must be a number from 0 to 1, not {shown(confidence)}.",
            file=file,
        )
    return AnsweredEdge(
        texts["regulator"], texts["target"], SIGNS[word], float(confidence), texts["sentence"]
    )


def agreement(votes: float, n: int) -> float:
    """Probability of an edge that `votes` (sure ones count 1) of `n` answers name.

    The mean of a beta-binomial posterior (Laplace's rule of succession), the answers counted by
    the number of independent ones they are worth, ``n/(1 + (n - 1) rho)`` (Kish 1965, Survey
    Sampling, section 5.4): five of five give 0.77, one of one 0.67, one of five 0.34.
    """
    worth = n / (1.0 + (n - 1.0) * CORRELATION)
    return (PRIOR_FOR + worth * votes / n) / (PRIOR_FOR + PRIOR_AGAINST + worth)


def combine(answers: Sequence[Answer]) -> tuple[Edge, ...]:
    """One edge for each regulator and target that some answer names.

    The confidence is their `agreement`, an answer's own confidence being its vote.  A sign counts
    where two thirds of the votes have it.  Names are taken as the same whatever their case.
    """
    groups: dict[tuple[str, str], list[AnsweredEdge]] = {}
    for answer in answers:
        seen: set[tuple[str, str]] = set()
        for edge in answer:
            key = edge.regulator.casefold(), edge.target.casefold()
            if key not in seen:
                groups.setdefault(key, []).append(edge)
            seen.add(key)
    n, out = len(answers), []
    for own in groups.values():
        votes = sum(e.confidence for e in own)
        for_, against = (sum(e.confidence for e in own if e.sign == s) for s in (1, -1))
        sign = next(
            (s for s, share in ((1, for_), (-1, against)) if votes and share >= SIGN_SHARE * votes),
            0,
        )
        many = "answer" if n == 1 else "answers"
        out.append(
            Edge(
                own[0].regulator,
                own[0].target,
                sign,
                agreement(votes, n),
                f"{MACHINE}: {len(own)} of {n} {many}",
                tuple(dict.fromkeys(e.sentence for e in own if e.sentence)),
            )
        )
    return tuple(out)
