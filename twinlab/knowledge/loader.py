"""A safe YAML loader with the scalars of YAML 1.2, and the lines things stand on.

Only ``true`` and ``false`` are booleans, so that a state may be called ``no`` or ``y``, and
``1e-3`` is a number; dates are text.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from twinlab.errors import UserError


class Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the core schema of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


_PATTERNS = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    "float": (
        r"[-+]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))"
        r"|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
    "null": (r"~|null|Null|NULL|", "~nN"),
}
for _tag, (_pattern, _first) in _PATTERNS.items():
    Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}",
        re.compile(f"^(?:{_pattern})$"),
        [*_first, ""] if _tag == "null" else list(_first),
    )


def load_yaml(text: str, file: str) -> tuple[Any, yaml.Node | None]:
    """Parse YAML to plain objects, and to nodes that know their lines.

    Raises
    ------
    UserError
        The text is not YAML, has a key twice in one mapping, or needs more than plain objects.
    """
    try:
        node = yaml.compose(text, Loader=Loader)
        _check_duplicates(node, file, set())
        return yaml.load(text, Loader=Loader), node
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        mark = getattr(error, "problem_mark", None)
        row = mark.line + 1 if mark is not None else None
        raise UserError(f"This is not YAML: {problem}.", file=file, row=row) from error
    except RecursionError as error:
        raise UserError("The file is nested too deeply.", file=file) from error
    except ValueError as error:  # a whole number of thousands of digits
        raise UserError(f"A value cannot be read: {error}.", file=file) from error


def row_of(node: yaml.Node) -> int:
    """Line of a node, counted from 1."""
    return int(node.start_mark.line) + 1


def _check_duplicates(node: yaml.Node | None, file: str, seen: set[int]) -> None:
    """Refuse a key that appears twice in one mapping (YAML would take the last).

    `seen` holds nodes already checked: aliases make a node appear many times over.
    """
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_duplicates(item, file, seen)
    if not isinstance(node, yaml.MappingNode):
        return
    keys: set[str] = set()
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in keys:
                raise UserError(f"The key '{key.value}' appears twice.", file=file, row=row_of(key))
            keys.add(key.value)
        _check_duplicates(value, file, seen)
