"""What might explain that coefficients differ: conditions and covariates, as columns of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.study import Study

Array = NDArray[np.float64]

Level = TypeVar("Level")

#: A covariate of at most so many whole-numbered values is one of groups.
MOST_GROUPS = 5


@dataclass(frozen=True)
class Candidate:
    """One column; the fields are those of `twinlab.discovery.varying.Effect`."""

    kind: str
    name: str
    value: Array
    level: str = ""
    centre: float = 0.0
    scale: float = 1.0


def candidates_of(
    study: Study, conditions: bool, covariates: Sequence[str]
) -> tuple[Candidate, ...]:
    """Columns over the trajectories of a study.

    A condition, or one value of a covariate with few whole-numbered values, is compared with all
    others; of two the second with the first.  A positive covariate acts as a power of itself over
    its median (as clearance does of weight; Anderson and Holford 2008, Annu. Rev. Pharmacol.
    Toxicol. 48, 303), any other in standard deviations from its mean.

    Parameters
    ----------
    study : Study
    conditions : bool
        Whether conditions are among them.
    covariates : sequence of str
        As `known_covariates` returns them.
    """
    out = []
    if conditions:
        own = [t.condition for t in study.trajectories]
        for name in _compared(list(study.conditions)):
            out.append(Candidate("condition", name, np.array([float(c == name) for c in own])))
    for name in covariates:
        value = np.array([t.covariates[name] for t in study.trajectories], float)
        levels = sorted(set(value.tolist()))
        if len(levels) < 2:
            continue
        if len(levels) <= MOST_GROUPS and all(v == round(v) for v in levels):
            texts = {v: f"{v:g}" for v in levels}
            for level in _compared(levels):
                out.append(Candidate("group", name, (value == level).astype(float), texts[level]))
        elif value.min() > 0.0:
            centre = float(np.median(value))
            out.append(Candidate("power", name, np.log(value / centre), "", centre))
        else:
            mean, sd = float(value.mean()), float(value.std())
            out.append(Candidate("linear", name, (value - mean) / sd, "", mean, sd))
    return tuple(out)


def _compared(levels: list[Level]) -> list[Level]:
    return levels[1:] if len(levels) == 2 else (levels if len(levels) > 2 else [])


def known_covariates(study: Study, named: Sequence[str] | None) -> tuple[str, ...]:
    """The covariates to be tried: those named, or all that every trajectory has.

    Raises
    ------
    UserError
        A covariate that the study does not have, or that a subject lacks.
    """
    names = list(dict.fromkeys(n for t in study.trajectories for n in t.covariates))
    if named is None:
        return tuple(n for n in names if all(_has(t.covariates, n) for t in study.trajectories))
    for name in named:
        if name not in names:
            known = f"The data hold {', '.join(names)}." if names else "The data hold none."
            raise UserError(f"There is no covariate '{name}' in these data.", mend=known)
        lacking = [t.label for t in study.trajectories if not _has(t.covariates, name)]
        if lacking:
            raise UserError(
                f"The covariate {name} is missing for {', '.join(lacking[:5])}"
                f"{', ...' if len(lacking) > 5 else ''}.",
                mend="Give it for every subject, or leave it out of the covariates.",
            )
    return tuple(named)


def _has(covariates: object, name: str) -> bool:
    value = covariates.get(name) if hasattr(covariates, "get") else None
    return value is not None and bool(np.isfinite(value))
