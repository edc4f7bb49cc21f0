"""The YAML form of knowledge: reading with file and line in every message, writing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from twinlab.errors import UserError

from .loader import load_yaml, row_of
from .sections import SECTIONS, Where, flag, known_key, number

if TYPE_CHECKING:
    from .knowledge import Knowledge

MAX_BYTES = 2_000_000
TOP_KEYS = (*SECTIONS, "complete", "expected_terms")

#: Fields of a `Knowledge`.
Content = dict[str, Any]


def read(path: Path) -> Content:
    """Read a file; see `Knowledge.load`."""
    file = path.name
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError("The file is too large to hold knowledge.", file=file)
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UserError("There is no such file.", file=file) from error
    except OSError as error:
        raise UserError(f"The file cannot be read: {error.strerror}.", file=file) from error
    return read_bytes(content, file)


def read_bytes(content: bytes, file: str) -> Content:
    """Read the bytes of a file; `file` is its name, for messages."""
    if len(content) > MAX_BYTES:
        raise UserError("The file is too large to hold knowledge.", file=file)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError("The file is not UTF-8 text.", file=file, mend="Save it so.") from error
    mapping, node = load_yaml(text, file)
    return interpret({} if mapping is None else mapping, file, _lines(node))


def _lines(node: yaml.Node | None) -> dict[str, list[int]]:
    """Lines of the items of every list."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {
        key.value: [row_of(item) for item in value.value]
        for key, value in node.value
        if isinstance(value, yaml.SequenceNode)
    }


def interpret(
    mapping: object, file: str | None, lines: Mapping[str, Sequence[int]] | None = None
) -> Content:
    """Make the fields of a `Knowledge` of a plain mapping; see `Knowledge.from_mapping`."""
    if not isinstance(mapping, Mapping):
        raise UserError(
            f"Knowledge must be a mapping with keys such as {', '.join(TOP_KEYS[:3])}.",
            file=file,
            mend='Write "beliefs:" and under it one belief a line.',
        )
    for key in mapping:
        known_key(key, TOP_KEYS, Where(file, None))
    content: Content = {}
    for key, (_, make) in SECTIONS.items():
        listed = mapping.get(key)
        listed = [] if listed is None else listed
        if not isinstance(listed, Sequence) or isinstance(listed, str):
            raise UserError("It must be a list.", file=file, column=key)
        rows = (lines or {}).get(key, ())
        content[key] = tuple(
            make(item, Where(file, rows[i] if i < len(rows) else None), i + 1)
            for i, item in enumerate(listed)
        )
    expected = mapping.get("expected_terms")
    if expected is not None:
        expected = number(expected, "expected_terms", Where(file, None))
    content["expected_terms"] = expected
    content["complete"] = flag(mapping.get("complete", False), "complete", Where(file, None))
    return content


# --------------------------------------------------------------------------------- writing


def to_mapping(knowledge: Knowledge) -> dict[str, Any]:
    """See `Knowledge.to_mapping`."""
    mapping: dict[str, Any] = {}
    for key, (item, _) in SECTIONS.items():
        listed = getattr(knowledge, key)
        if listed or key == "beliefs":
            mapping[key] = [item(entry) for entry in listed]
    if knowledge.complete:
        mapping["complete"] = True
    if knowledge.expected_terms is not None:
        mapping["expected_terms"] = float(knowledge.expected_terms)
    return mapping


def text_of(mapping: Mapping[str, Any]) -> str:
    """The mapping as YAML, one item a line, as a person would write it."""
    lines = []
    for key, value in mapping.items():
        if not isinstance(value, list):
            lines.append(f"{key}: {'true' if value is True else repr(value)}")
            continue
        lines.append(f"{key}:" if value else f"{key}: []")
        for item in value:
            flow = yaml.safe_dump(
                item, default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf
            )
            lines.append(f"  - {flow.strip()}")
    return "\n".join(lines) + "\n"
