"""Pieces of messages about what a user wrote: near names, and values cut short."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like `name`, or None."""
    by_case = {candidate.casefold(): candidate for candidate in known}
    close = get_close_matches(name.casefold(), by_case, n=1, cutoff=0.6)
    return by_case[close[0]] if close else None


def known_names(name: str, known: Sequence[str]) -> str:
    """A mend for an unknown name: the nearest one, and the names there are."""
    nearest = suggestion(name, known)
    shown = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
    listed = f"Known names: {shown}." if known else "No names are known here."
    return f"Did you mean '{nearest}'? {listed}" if nearest else listed


def shown(value: object, limit: int = 60) -> str:
    """A value as a message shows it: never long, however large or nested it is."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple | set):
        return "a list"
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
