"""Values of a configuration file, checked for their kind; messages name the line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twinlab.errors import UserError


@dataclass(frozen=True)
class Values:
    """Typed access to the values, with the place in every message."""

    file: str
    lines: Mapping[str, int]
    values: Mapping[str, Any]

    def error(self, key: str, problem: str, mend: str | None = None) -> UserError:
        return UserError(f"{key}: {problem}", file=self.file, row=self.lines.get(key), mend=mend)

    def names(self, key: str) -> tuple[str, ...] | None:
        value = self.values.get(key)
        if value is None:
            return None
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or any(isinstance(i, list | dict) for i in items):
            raise self.error(key, "this must be a list of names.", f"Write {key}: [x, y].")
        names = tuple(str(item) for item in items)
        doubled = {name for name in names if names.count(name) > 1}
        if doubled:
            raise self.error(key, f"'{min(doubled)}' is named twice.", "Keep one of the two.")
        return names

    def choice(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.values.get(key, default)
        if value not in allowed:
            raise self.error(
                key, f"'{value}' is not one of the choices.", f"Choose {', '.join(allowed)}."
            )
        return str(value)

    def positive(self, key: str) -> float | None:
        value = self.values.get(key)
        if value is None:
            return None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value <= 0:
            raise self.error(key, f"'{value}' is not a positive number.", f"Write {key}: 20.")
        return float(value)

    def numbers(self, key: str) -> dict[str, float]:
        value = self.mapping(key) or {}
        for name, number in value.items():
            good = isinstance(number, int | float) and not isinstance(number, bool)
            if not good or not math.isfinite(number):
                raise self.error(
                    key, f"{name}: '{number}' is no number.", f"Write {key}: {{x: 0}}."
                )
        return {str(name): float(number) for name, number in value.items()}

    def texts(self, key: str) -> dict[str, str]:
        value = self.mapping(key) or {}
        for name, text in value.items():
            if not isinstance(text, str):
                raise self.error(
                    key, f"{name}: this must be text.", f'Write {key}: {{{name}: "x + y"}}.'
                )
        return {str(name): text for name, text in value.items()}

    def mapping(self, key: str) -> dict[str, Any] | None:
        value = self.values.get(key)
        if value is not None and not isinstance(value, dict):
            raise self.error(
                key, "this must hold keys of its own.", "Write, indented below it, polynomial: 2."
            )
        return value
