"""The doses behind a discovery: as rows, as JSON, and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinlab.study.dosing import Arrival, Arrivals, arriving_doses

if TYPE_CHECKING:
    from .result import Discovery

#: Doses are repeated at one interval if no gap between two differs from the first by this share.
_SAME_GAP = 1e-6


@dataclass(frozen=True)
class Course:
    """One dose of a trajectory, or several alike at one interval.

    Attributes
    ----------
    first : Arrival
    count : int
    interval : float
        Time between two doses; 0 for one dose.
    """

    first: Arrival
    count: int
    interval: float


def arrivals_of(discovery: Discovery) -> Arrivals:
    """Doses of the discovery's study as they reached the model, trajectory by trajectory."""
    library = discovery.library
    return arriving_doses(discovery.study, library.states, library.inputs, library.latent)


def courses(rows: Sequence[Arrival]) -> list[Course]:
    """Put doses that are alike and follow at one interval together."""
    out: list[Course] = []
    last = None
    for row in rows:
        before = out[-1] if out else None
        if before is not None and last is not None and _alike(before.first, row):
            gap = row.given.time - last.given.time
            if before.count == 1 or abs(gap - before.interval) <= _SAME_GAP * before.interval:
                out[-1] = Course(before.first, before.count + 1, before.interval or gap)
                last = row
                continue
        out.append(Course(row, 1, 0.0))
        last = row
    return out


def _alike(a: Arrival, b: Arrival) -> bool:
    def kind(row: Arrival) -> tuple[object, ...]:
        given, arrived = row.given, row.arrived
        return given.amount, given.duration, given.unit, arrived.target, arrived.amount, row.rule

    return kind(a) == kind(b) and b.given.time > a.given.time


def dosing_mapping(discovery: Discovery) -> dict[str, Any]:
    """Doses for ``discovery.json``; empty for a study without any."""
    if not any(t.doses for t in discovery.study.trajectories):
        return {}
    found = arrivals_of(discovery)
    pairs = zip(discovery.study.labels, found.rows, strict=True)
    return {
        "target_assumed": found.assumed or None,
        "left_out": found.homeless,
        "subjects": {label: [_row(row) for row in rows] for label, rows in pairs if rows},
    }


def _row(row: Arrival) -> dict[str, Any]:
    given, rule = row.given, row.rule
    return {
        "time": given.time,
        "amount": given.amount,
        "unit": given.unit,
        "duration": given.duration,
        "target": row.arrived.target,
        "lag": rule.lag,
        "bioavailability": rule.bioavailability,
        "divided_by": rule.scale or None,
        "arriving_amount": row.arrived.amount,
    }


def dosing_sentences(discovery: Discovery) -> list[str]:
    """What a reader has to know of the doses beside their table: assumed target, lag, shares.

    That doses were left out is a warning of the discovery.
    """
    if not any(t.doses for t in discovery.study.trajectories):
        return []
    found = arrivals_of(discovery)
    rows = [row for own in found.rows for row in own]
    out = []
    if found.assumed:
        latent = found.assumed in discovery.library.latent
        why = "the one state that was never measured" if latent else "the only state"
        out.append(
            f"The data do not say where doses go: they were taken to go into {found.assumed}, "
            f"{why}. Name another target in the configuration (dosing: target) if that is wrong."
        )
    for rule in dict.fromkeys(row.rule for row in rows):
        target = next(row.arrived.target for row in rows if row.rule == rule)
        said = []
        if rule.lag:
            said.append(f"arrive {rule.lag:g} {discovery.study.time_unit}".rstrip() + " later")
        if rule.bioavailability != 1:
            said.append(f"arrive to {100 * rule.bioavailability:g} %")
        if rule.scale:
            said.append(f"are divided by {rule.scale}")
        if said:
            out.append(f"Doses into {target} {' and '.join(said)}, as the configuration says.")
    return out
