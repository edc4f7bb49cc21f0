"""What a validation leaves out: subjects, conditions, or the end of every record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from twinlab.errors import UserError
from twinlab.study import Study, Trajectory

LEAVE = ("subject", "condition", "end")
#: Names written out at most.
SHOWN = 3
#: Tables of a trajectory that have one row a time.
_TABLES = ("value", "count", "spread", "sd", "censored")


@dataclass(frozen=True)
class Fold:
    """One split of a study.

    Attributes
    ----------
    leave : str
        'subject', 'condition' or 'end'.
    left : tuple of str
        Subjects or conditions that are left out.
    share : float
        Of every record's duration, for 'end'.
    training : Study
        What the model is discovered from.
    held : tuple of int
        Trajectories of the whole study that are predicted.
    cut : tuple of float
        Times after which the held trajectories are predicted though they are in `training`
        (their ends); empty where whole trajectories are left out.
    """

    leave: str
    left: tuple[str, ...]
    share: float
    training: Study
    held: tuple[int, ...]
    cut: tuple[float, ...] = ()


def fold_name(leave: str, left: Sequence[str], share: float) -> str:
    """What is left out, in words."""
    if leave == "end":
        return f"without the last {100 * share:.0f} % of each record"
    shown = ", ".join(name or "(none)" for name in left[:SHOWN])
    return f"without {leave}{'s' if len(left) > 1 else ''} {shown}" + (
        ", ..." if len(left) > SHOWN else ""
    )


def make_folds(
    study: Study,
    leave: str = "subject",
    folds: int | None = None,
    share: float = 0.3,
    seed: int = 0,
    only: Sequence[str] = (),
) -> tuple[Fold, ...]:
    """Split a study.

    Parameters
    ----------
    study : Study
    leave : str
        'subject', 'condition' or 'end' (the last `share` of every record's time).
    folds : int, optional
        Groups of subjects or conditions left out together, drawn with `seed`; by default each
        one alone.
    share : float
        Of a record's duration, for 'end'.
    seed : int
    only : sequence of str
        Leave out these subjects or conditions alone; by default each in turn.

    Raises
    ------
    UserError
        Too few subjects or conditions, or a number that cannot be used.
    """
    if leave not in LEAVE:
        raise UserError(f"Nothing known to leave out as '{leave}'.", mend="subject, condition, end")
    if leave == "end":
        return (_end(study, share),)
    names = study.subjects if leave == "subject" else study.conditions
    if len(names) < 2:
        raise UserError(
            f"{study.name} has one {leave}: when it is left out, nothing is left to learn from.",
            mend="Predict the end of the record instead (leave end).",
        )
    unknown = [name for name in only if name not in names]
    if unknown:
        raise UserError(
            f"{study.name} has no {leave} '{unknown[0]}'.", mend=f"It has {', '.join(names)}."
        )
    groups = _groups(list(only or names), folds, seed, leave)
    return tuple(_without(study, leave, group) for group in groups)


def _groups(names: list[str], folds: int | None, seed: int, leave: str) -> list[list[str]]:
    if folds is None or folds >= len(names):
        return [[name] for name in names]
    if folds < 1 or (folds < 2 and len(names) > 1):
        raise UserError("One fold would leave everything out.", mend="Give 2 folds or more.")
    order = np.random.default_rng(seed).permutation(len(names))
    return [[names[i] for i in sorted(order[k::folds])] for k in range(folds)]


def _without(study: Study, leave: str, group: list[str]) -> Fold:
    """Leave out the trajectories of some subjects or conditions."""
    left = set(group)
    out = [
        t.subject in left if leave == "subject" else t.condition in left for t in study.trajectories
    ]
    training = tuple(t for t, gone in zip(study.trajectories, out, strict=True) if not gone)
    held = tuple(i for i, gone in enumerate(out) if gone)
    return Fold(leave, tuple(group), 0.0, replace(study, trajectories=training), held)


def _end(study: Study, share: float) -> Fold:
    """Cut the end off every record that keeps two times or more and loses one."""
    if not 0.0 < share < 1.0:
        raise UserError(
            f"The share of each record to predict is {share:g}.", mend="Give a number in (0, 1)."
        )
    training: list[Trajectory] = []
    held, cut = [], []
    for i, trajectory in enumerate(study.trajectories):
        first, last = trajectory.time[0], trajectory.time[-1]
        end = float(last - share * (last - first))
        keep = trajectory.time <= end
        if keep.sum() < 2 or keep.all():
            training.append(trajectory)
            continue
        training.append(first_part(trajectory, end))
        held.append(i)
        cut.append(end)
    if not held:
        raise UserError(
            "No record keeps two times when its end is cut off.",
            mend="Predict a smaller share, or leave subjects out.",
        )
    shortened = replace(study, trajectories=tuple(training))
    return Fold("end", (), share, shortened, tuple(held), tuple(cut))


def first_part(trajectory: Trajectory, end: float) -> Trajectory:
    """A trajectory to the time `end`; later doses, which nothing measured follows, go too."""
    keep = trajectory.time <= end
    tables = {name: getattr(trajectory, name)[keep] for name in _TABLES}
    doses = tuple(d for d in trajectory.doses if d.time < end)
    return replace(trajectory, time=trajectory.time[keep], doses=doses, **tables)
