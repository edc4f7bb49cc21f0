"""A validation in words: short, and honest where a band does not cover."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import stdtrit

from .scores import Baseline, Score
from .validation_result import Validation

NOMINAL = 0.9
#: A group is named where its intervals held less than this share of so many values or more.
BAD_SHARE, FEW = 0.75, 5
#: Folds, groups and trajectories named one by one at most.
NAMED = 4

_WHAT = {
    "subject": "subjects it had not seen",
    "condition": "conditions it had not seen",
    "end": "the end of every record from its beginning",
}


def verdict(validation: Validation) -> list[str]:
    """Sentences about a validation, the most important first.

    Parameters
    ----------
    validation : Validation

    Returns
    -------
    list of str
    """
    overall = validation.overall
    if overall.n == 0:
        return ["Nothing could be predicted.", *_kept_apart(validation)]
    held = f"90 % intervals held {100 * overall.coverage90:.0f} % of {_values(overall.n)}"
    parts = [f"NRMSE {overall.nrmse:.2f}"]
    parts += [f"{name} {b.nrmse:.2f}" for name, b in _told(overall).items()]
    first = f"Predicted {_WHAT[validation.leave]}: {held}; {', '.join(parts)}."
    return [
        first,
        *_coverage(validation),
        *_against_baselines(validation),
        *_groups(validation),
        *_kept_apart(validation),
    ]


def coverage_range(validation: Validation) -> tuple[float, float]:
    """95 % interval of the coverage of 90 % intervals, subjects counted as independent.

    Values of one subject share its errors: the spread is that of the subjects' own shares
    (ratio estimator; Cochran 1977, Sampling Techniques, eq. 2.46).  Not finite below two subjects.
    """
    inside: dict[str, list[float]] = {}
    for p in validation.predictions:
        sure = np.isfinite(p.value) & ~p.censored
        own = inside.setdefault(p.subject, [0.0, 0.0])
        own[0] += float((np.abs(p.transform[sure] - 0.5) <= 0.5 * NOMINAL).sum())
        own[1] += float(sure.sum())
    counts = np.array([c for c in inside.values() if c[1] > 0])
    n = len(counts)
    if n < 2:
        return float("nan"), float("nan")
    share = float(counts[:, 0].sum() / counts[:, 1].sum())
    rest = counts[:, 0] - share * counts[:, 1]
    se = np.sqrt((rest**2).sum() / (n * (n - 1))) / counts[:, 1].mean()
    reach = float(stdtrit(n - 1, 0.975) * se)
    return max(share - reach, 0.0), min(share + reach, 1.0)


def _coverage(validation: Validation) -> Iterator[str]:
    share = validation.overall.coverage90
    low, high = coverage_range(validation)
    if not np.isfinite(low):
        low, high = _wilson(share, validation.overall.n)
    if high < NOMINAL:
        yield (
            f"The intervals are too narrow: {100 * share:.0f} % instead of 90 % "
            f"(95 % interval {100 * low:.0f} to {100 * high:.0f} %)."
        )
    elif low > NOMINAL + 0.05:
        yield f"The intervals are wider than they need be ({100 * share:.0f} % instead of 90 %)."


def _wilson(share: float, n: int) -> tuple[float, float]:
    """95 % interval of a share of independent values (Wilson 1927)."""
    z2 = 1.96**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = 1.96 * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return float(centre - reach), float(centre + reach)


def _against_baselines(validation: Validation) -> Iterator[str]:
    for name, baseline in _told(validation.overall).items():
        if baseline.model >= baseline.nrmse:
            some = baseline.n < validation.overall.n
            where = f" over the {_values(baseline.n)} it speaks of" if some else ""
            yield (
                f"That is no better than the {name}{where} "
                f"({baseline.model:.2f} against {baseline.nrmse:.2f})."
            )


def _told(score: Score) -> dict[str, Baseline]:
    return {name: b for name, b in score.baselines.items() if b.n}


def _groups(validation: Validation) -> Iterator[str]:
    for kind, scores in (
        ("Condition", validation.by_condition),
        ("Variable", validation.by_variable),
        ("Subject", validation.by_subject),
    ):
        bad = {
            name: s
            for name, s in scores.items()
            if name and s.n >= FEW and s.coverage90 < BAD_SHARE
        }
        if len(scores) < 2 or not bad:
            continue
        named = sorted(bad, key=lambda name: bad[name].coverage90)[:NAMED]
        words = "; ".join(f"{n} (held {_held(bad[n])})" for n in named)
        more = f", and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        yield f"{kind}{'s' if len(bad) > 1 else ''} whose intervals do not cover: {words}{more}."


def _held(score: Score) -> str:
    return f"{100 * score.coverage90:.0f} % of {_values(score.n)}"


def _kept_apart(validation: Validation) -> Iterator[str]:
    if validation.fixed_structure:
        yield (
            "The structure was found on all data and only its coefficients were fitted anew: "
            "errors of the search do not show here."
        )
    without = [f for f in validation.folds if f.status == "none"]
    if without:
        yield (
            f"{len(without)} of {len(validation.folds)} folds gave no prediction and are in no "
            f"figure above: {_named([f.name for f in without])}."
        )
    failed = [f for f in validation.folds if f.status == "failed"]
    if failed:
        yield f"The fit did not converge in: {_named([f.name for f in failed])}."
    said = dict.fromkeys(note for f in validation.folds for note in f.notes if f.status != "none")
    yield from (note for note in said if not note.startswith("The fit did not converge"))
    if validation.missing:
        yield f"Not predicted: {_named([m.text for m in validation.missing])}."
    lost = sum(p.n_failed for p in validation.predictions)
    if lost:
        drawn = sum(p.n_draw for p in validation.predictions)
        yield f"{lost} of {drawn} simulated draws diverged and were left out."


def _named(names: list[str]) -> str:
    more = f"; and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return "; ".join(names[:NAMED]) + more


def _values(n: int) -> str:
    return f"{n} value{'' if n == 1 else 's'}"
