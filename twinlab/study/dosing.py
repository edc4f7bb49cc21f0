"""Where doses go, when they arrive and how much of them does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from twinlab.errors import UserError
from twinlab.expressions.messages import known_names, shown

from .study import Dose, Dosing, Study, Trajectory


@dataclass(frozen=True)
class Arrival:
    """One dose: as the data hold it, the rule it follows, and as it reaches the model."""

    given: Dose
    rule: Dosing
    arrived: Dose


@dataclass(frozen=True)
class Arrivals:
    """Doses as they reach the model.

    Attributes
    ----------
    rows : tuple of tuples of Arrival
        Of each trajectory, by the time of arrival.
    assumed : str
        Where doses without a target go because nothing else is likely; empty if that was said.
    homeless : int
        Doses that have no target, and none is likely: they are left out.
    """

    rows: tuple[tuple[Arrival, ...], ...]
    assumed: str = ""
    homeless: int = 0

    @property
    def doses(self) -> tuple[tuple[Dose, ...], ...]:
        """Of each trajectory, by time: the target is a state or an input, the rules are applied."""
        return tuple(tuple(row.arrived for row in rows) for rows in self.rows)

    def put_into(self, study: Study) -> Study:
        """The study with its doses as they reach the model."""
        pairs = zip(study.trajectories, self.doses, strict=True)
        trajectories = tuple(replace(t, doses=doses) for t, doses in pairs)
        return replace(study, trajectories=trajectories, dosing=())


def arriving_doses(
    study: Study, states: Sequence[str], inputs: Sequence[str] = (), latent: Sequence[str] = ()
) -> Arrivals:
    """Follow every dose of a study to its target.

    Parameters
    ----------
    study : Study
    states, inputs : sequences of str
        Where doses can go.
    latent : sequence of str
        States that are never measured: if there is one, doses without a target go there.

    Raises
    ------
    UserError
        A target that is no state and no input, a bolus into an input, a covariate that is missing
        or not positive, infusions that overlap.
    """
    rules = study.dosing
    default = next((rule.target for rule in rules if rule.target and not rule.named), "")
    likely = "" if default else _likely_target(study, states, latent)
    out, homeless, assumed = [], 0, False
    for trajectory in study.trajectories:
        arrived = []
        for dose in trajectory.doses:
            rule = _rule(rules, dose)
            target = rule.target or dose.target or default or likely
            if not target:
                homeless += 1
                continue
            assumed |= not (rule.target or dose.target or default)
            _check_target(trajectory, dose, target, states, inputs)
            reached = _arrive(trajectory, replace(dose, target=target), rule)
            arrived.append(Arrival(dose, rule, reached))
        arrived.sort(key=lambda row: row.arrived.time)
        check_overlap([row.arrived for row in arrived], trajectory.label)
        out.append(tuple(arrived))
    return Arrivals(tuple(out), likely if assumed else "", homeless)


def _rule(rules: Sequence[Dosing], dose: Dose) -> Dosing:
    """What applies to a dose: the rule for its name, or for its target, or for all doses."""
    for rule in rules:
        if dose.target and dose.target in (rule.named, "" if rule.named else rule.target):
            return rule
    for rule in rules:
        if not rule.named and (not dose.target or not rule.target):
            return rule
    return Dosing()


def _likely_target(study: Study, states: Sequence[str], latent: Sequence[str]) -> str:
    """The one state that doses without a target can be meant for, if there is one."""
    if len(latent) == 1:
        return latent[0]
    units = {dose.unit for t in study.trajectories for dose in t.doses if not dose.target}
    if len(states) == 1 and units <= {"", study.units.get(states[0], "")}:
        return states[0]
    return ""


def _check_target(
    trajectory: Trajectory, dose: Dose, target: str, states: Sequence[str], inputs: Sequence[str]
) -> None:
    where = f"The dose of {trajectory.label} at time {dose.time:g}"
    if target not in states and target not in inputs:
        raise UserError(
            f"{where} goes into '{target}', which is no state of the model and no input.",
            mend=f"Name its target, one of {', '.join((*states, *inputs))} (dosing: target), or "
            "leave doses out (dosing: false).",
        )
    if target in inputs and dose.duration == 0:
        raise UserError(
            f"{where} is a bolus into the input {target}: an input has no amount to add to.",
            mend="Give the dose a duration (its rate is then added to the input while it lasts), "
            "or name a state as its target.",
        )


def _arrive(trajectory: Trajectory, dose: Dose, rule: Dosing) -> Dose:
    share = rule.bioavailability
    if rule.scale:
        size = trajectory.covariates.get(rule.scale)
        if size is None or not size > 0:
            raise UserError(
                f"{trajectory.label} has no positive value of '{rule.scale}', by which doses are "
                "to be divided.",
                mend=f"Give {rule.scale} for every subject, or leave out dosing: scale.",
            )
        share /= size
    return replace(dose, time=dose.time + rule.lag, amount=dose.amount * share)


def check_overlap(doses: Sequence[Dose], who: str) -> None:
    """Refuse infusions into one target that overlap; `doses` are sorted by time.

    Raises
    ------
    UserError
        Names both.
    """
    last: dict[str, Dose] = {}
    for dose in doses:
        if dose.duration == 0:
            continue
        before = last.get(dose.target)
        if before and overlap(before, dose):
            raise UserError(
                f"Two infusions into {dose.target} of {who} overlap: from {before.time:g} to "
                f"{before.time + before.duration:g}, and from {dose.time:g}.",
                mend="Correct a time or a duration, or give one infusion of their sum.",
            )
        last[dose.target] = dose


def read_dosing(value: object) -> tuple[Dosing, ...]:
    """Rules for doses from the ``dosing`` section of a configuration.

    Parameters
    ----------
    value : mapping or list of mappings
        Each with any of target, lag, bioavailability, scale and named.

    Raises
    ------
    UserError
        An unknown key, a value of the wrong kind, or two rules for the same doses.
    """
    items = value if isinstance(value, list) else [value]
    rules = tuple(_read_rule(item) for item in items)
    keys = [(rule.named, "" if rule.named else rule.target) for rule in rules]
    if len(set(keys)) < len(keys):
        raise UserError("two rules are for the same doses.", mend="Keep one of them.")
    return rules


def _read_rule(item: object) -> Dosing:
    known = tuple(f.name for f in fields(Dosing))
    if not isinstance(item, dict) or not item:
        raise UserError(
            "this must hold keys of its own.", mend=f"Known keys are {', '.join(known)}."
        )
    for key, value in item.items():
        if key not in known:
            raise UserError(f"unknown key {shown(key)}.", mend=known_names(str(key), known))
        if key not in ("lag", "bioavailability"):
            if not isinstance(value, str) or not value:
                raise UserError(f"{key} must be a name, not {shown(value)}.")
            continue
        least = "0 or more" if key == "lag" else "more than 0"
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value < 0 or (value == 0 and key != "lag"):
            raise UserError(f"{key} must be a number, {least}, not {shown(value)}.")
    return Dosing(
        item.get("target", ""),
        float(item.get("lag", 0.0)),
        float(item.get("bioavailability", 1.0)),
        item.get("scale", ""),
        item.get("named", ""),
    )


def overlap(before: Dose, dose: Dose) -> bool:
    """Whether an infusion begins before an earlier one ends; just then, up to rounding, it may."""
    return dose.time < before.time + before.duration * (1 - 1e-9)


def doses_between(doses: Sequence[Dose], start: float, end: float) -> tuple[Dose, ...]:
    """What of some doses is given from one time on and before another."""
    out = []
    for dose in doses:
        stop = dose.time + dose.duration
        begin = max(dose.time, start)
        if dose.duration == 0:
            if start <= dose.time < end:
                out.append(dose)
        elif begin < min(stop, end):
            length = min(stop, end) - begin
            out.append(
                replace(
                    dose, time=begin, duration=length, amount=dose.amount * length / dose.duration
                )
            )
    return tuple(out)
