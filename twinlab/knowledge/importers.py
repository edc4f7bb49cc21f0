"""Edges from files: simple tables (CSV, TSV), SIF of pathway databases, answers in JSON."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from twinlab.errors import UserError

from .answers import combine, read_answers
from .items import Edge
from .sections import Where

MAX_BYTES = 20_000_000
#: Confidence of an edge whose file gives none.
DEFAULT_CONFIDENCE = Edge.confidence

#: Names a column may have, in order of preference.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "regulator": ("regulator", "from", "source_genesymbol", "source_name", "source", "node1"),
    "target": ("to", "target_genesymbol", "target_name", "target", "node2"),
    "sign": ("sign", "effect", "interaction", "interaction_type", "type", "mode"),
    "confidence": ("confidence", "probability", "score", "weight"),
    "source": ("source", "reference", "references", "pmid", "evidence"),
    "sentence": ("sentence", "quote", "comment"),
}
_RAISES = (
    "+", "1", "+1", "positive", "activates", "activation", "activate", "stimulates", "stimulation",
    "up", "up-regulates", "upregulates", "induces", "induction", "increases", "promotes",
    "controls-production-of", "->", "stimulatory",
)  # fmt: skip
_LOWERS = (
    "-", "-1", "negative", "inhibits", "inhibition", "inhibit", "represses", "repression", "down",
    "down-regulates", "downregulates", "decreases", "suppresses", "blocks", "-|", "inhibitory",
    "degrades", "consumes",
)  # fmt: skip


def import_edges(path: str | Path) -> tuple[Edge, ...]:
    """Read a file of edges; its suffix says the form: .csv, .tsv, .txt, .sif or .json.

    Raises
    ------
    UserError
        The file is missing, of an unknown form or wrong; the message names the line.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError("The file is too large for a table of edges.", file=path.name)
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError("There is no such file.", file=path.name) from None
    except OSError as error:
        raise UserError(f"The file cannot be read: {error.strerror}.", file=path.name) from None
    return import_bytes(content, path.name)


def import_bytes(content: bytes, file: str) -> tuple[Edge, ...]:
    """`import_edges` of the bytes of a file; `file` is its name."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError("The file is not UTF-8 text.", file=file, mend="Save it so.") from None
    suffix = Path(file).suffix.lower()
    if suffix == ".json":
        return combine(read_answers(text, file))
    if suffix == ".sif":
        found = read_sif(text, file)
    elif suffix in (".csv", ".tsv", ".txt", ".tab"):
        found = read_table(text, file)
    else:
        raise UserError(
            f"Edges are not read from '{suffix or file}' files.",
            file=file,
            mend="Give a .csv, .tsv, .sif or .json file.",
        )
    if not found:
        raise UserError("The file holds no edges.", file=file)
    return merged(found)


def read_table(text: str, file: str) -> list[Edge]:
    """Edges of a table with a header; the column names may be those of common databases.

    A boolean pair ``is_stimulation``, ``is_inhibition`` gives the sign too.
    """
    lines = text.splitlines()
    if not lines:
        return []
    delimiter = max(",;\t", key=lines[0].count)
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter, strict=True)
    names = {name.strip().lower(): name for name in rows.fieldnames or () if name}
    places: dict[str, str] = {}
    for key, known in COLUMNS.items():
        for name in known:
            if name in names and names[name] not in places.values():
                places[key] = names[name]
                break
    if "target" in names and places.get("target") != names["target"]:
        places.pop("source", None)  # an identifier beside "target", no citation
    for key in ("regulator", "target"):
        if key not in places:
            raise UserError(
                f"The table has no column '{key}'.",
                file=file,
                row=1,
                mend="Name the columns regulator,target and, if there are, "
                "sign,confidence,source,sentence.",
            )
    found = []
    try:
        for row in rows:
            where = Where(file, rows.line_num)
            if not any((value or "").strip() for value in row.values() if isinstance(value, str)):
                continue
            cell = {key: (row.get(name) or "").strip() for key, name in places.items()}
            for key in ("regulator", "target"):
                if not cell[key]:
                    raise where.error("It is empty.", column=places[key])
            sign = _sign_of(cell.get("sign", ""), where, places.get("sign", "sign"))
            found.append(
                Edge(
                    cell["regulator"],
                    cell["target"],
                    sign or _from_flags(row, names),
                    _confidence(cell.get("confidence", ""), where, places),
                    cell.get("source") or file,
                    (cell["sentence"],) if cell.get("sentence") else (),
                    where.place,
                )
            )
    except csv.Error as error:
        raise UserError(f"This is not a table: {error}.", file=file, row=rows.line_num) from error
    return found


def _from_flags(row: Mapping[str, str], names: Mapping[str, str]) -> int:
    def told(key: str) -> bool:
        return str(row.get(names.get(key, ""), "")).strip().lower() in ("1", "true", "1.0")

    return int(told("is_stimulation")) - int(told("is_inhibition"))


def _sign_of(word: str, where: Where, column: str) -> int:
    key = word.strip().lower()
    if key in _RAISES:
        return 1
    if key in _LOWERS:
        return -1
    if column.lower() == "sign" and key not in ("", "0", "?", "any", "unknown"):
        raise where.error(
            f"The sign '{word}' is not known.", column=column, mend="Write +, - or nothing."
        )
    return 0  # kinds of interaction that databases name say nothing about the sign


def _confidence(text: str, where: Where, places: Mapping[str, str]) -> float:
    if not text:
        return DEFAULT_CONFIDENCE
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= 1.0:
        raise where.error(f"'{text}' is not a number from 0 to 1.", column=places["confidence"])
    return value


def read_sif(text: str, file: str) -> list[Edge]:
    """Edges of a simple interaction file: ``A activates B C``, one line for each regulator."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [p.strip() for p in (line.split("\t") if "\t" in line else line.split())]
        parts = [p for p in parts if p]
        if len(parts) == 1:
            continue  # a node on its own
        if len(parts) == 2:
            raise UserError(
                "A line needs a regulator, a kind of interaction and a target.",
                file=file,
                row=number,
                mend='Write "A activates B".',
            )
        where = Where(file, number)
        sign = _sign_of(parts[1], where, "interaction")
        found += [
            Edge(parts[0], target, sign, DEFAULT_CONFIDENCE, f"{file}: {parts[1]}", (), where.place)
            for target in parts[2:]
        ]
    return found


def merged(edges: Sequence[Edge]) -> tuple[Edge, ...]:
    """One edge for each regulator and target.

    The same edge in several lines is as sure as its surest line, and keeps its sign where no line
    says the other; databases list one interaction once for each paper.
    """
    groups: dict[tuple[str, str], list[Edge]] = {}
    for edge in edges:
        groups.setdefault(edge.key, []).append(edge)
    out = []
    for own in groups.values():
        signs = {e.sign for e in own} - {0}
        sources = dict.fromkeys(e.source for e in own if e.source)
        out.append(
            Edge(
                own[0].regulator,
                own[0].target,
                signs.pop() if len(signs) == 1 else 0,
                max(e.confidence for e in own),
                "; ".join(sources),
                tuple(dict.fromkeys(s for e in own for s in e.sentences)),
                own[0].place,
            )
        )
    return tuple(out)
