"""Subjects by number instead of by name: a report travels further than its data."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twinlab.discovery import Discovery
    from twinlab.study import Study


def pseudonymise(discovery: Discovery) -> Discovery:
    """Return the discovery with subjects called 'Subject 1' to 'Subject n', in the study's order.

    Ids inside notes and warnings are replaced too.  A short or numeric id is replaced there only
    where it stands in quotes or after the word 'subject': elsewhere it is a number like others.
    """
    study = discovery.study
    names = pseudonyms(study)
    hidden = replace(
        study,
        trajectories=tuple(replace(t, subject=names[t.subject]) for t in study.trajectories),
        notes=tuple(replace(note, text=hide_names(note.text, names)) for note in study.notes),
    )
    warnings = tuple(replace(w, text=hide_names(w.text, names)) for w in discovery.warnings)
    return replace(discovery, study=hidden, warnings=warnings)


def pseudonyms(study: Study) -> dict[str, str]:
    """What each subject is called instead: 'Subject 1' to 'Subject n', in the study's order."""
    return {old: f"Subject {i}" for i, old in enumerate(study.subjects, start=1)}


def hide_names(text: str, names: Mapping[str, str]) -> str:
    """A sentence with the ids in it replaced."""
    patterns = []
    for old in sorted(names, key=len, reverse=True):
        literal = re.escape(old)
        patterns.append(rf"(?i:subject)\s+['\"]?{literal}\b['\"]?|['\"]{literal}['\"]")
        if len(old) > 3 and not old.isdigit():
            patterns.append(rf"(?<!\w){literal}(?!\w)")
    if not patterns:
        return text

    def new_name(match: re.Match[str]) -> str:
        found = re.sub(r"^(?i:subject)\s+", "", match.group())
        return names.get(found, names.get(found.strip("'\""), "a subject"))

    return re.sub("|".join(patterns), new_name, text)
