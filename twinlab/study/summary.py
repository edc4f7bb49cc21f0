"""A study in plain text, for ``twinlab check``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np

from .problems import plural
from .study import Array, Dose, Study

_WIDTH = 96
_MAX_GAPS = 8
_GAP = 3.0  #: a gap is worth saying when it is longer than this many median steps
_EVEN = 0.01  #: steps that differ by less than this fraction are regular


def check_text(study: Study) -> str:
    """Say what was understood of a study: subjects, variables, sampling, gaps, doses, notes."""
    parts = [_head(study), _variables(study), _sampling(study), _doses(study), _notes(study)]
    return "\n\n".join(part for part in parts if part) + "\n"


def number_text(value: float) -> str:
    """Write a number with five significant digits, plain where that is readable."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e7 else f"{value:.5g}"


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""


def _head(study: Study) -> str:
    times = [t.time for t in study.trajectories]
    first, last = min(t[0] for t in times), max(t[-1] for t in times)
    rows: list[tuple[str, str]] = [("study", study.name)]
    if study.provenance:
        origin = study.provenance
        rows += [
            ("file", f"{origin.file}, {plural(origin.size, 'byte')}, SHA-256 {origin.sha256[:12]}"),
            ("layout", origin.layout),
        ]
    conditions = [c for c in study.conditions if c]
    rows += [
        ("subjects", _count_names(study.subjects)),
        ("conditions", _count_names(conditions) if conditions else "not given"),
        ("variables", _count_names(study.variables)),
        ("points", plural(study.n_points, "measured value")),
        ("time", f"{number_text(first)} to {number_text(last)}"
         + (f" {study.time_unit}" if study.time_unit else " (unit not given)")),
    ]  # fmt: skip
    rows += [("covariate", text) for text in _covariates(study)]
    return "\n".join(f"{name:<11}{text}" for name, text in rows)


def _count_names(names: Sequence[str]) -> str:
    text = f"{len(names)}: "
    for index, name in enumerate(names):
        more = f", ... ({len(names) - index} more)"
        if len(text) + len(name) + len(more) > _WIDTH - 11:
            return text.removesuffix(", ") + more
        text += name + ", "
    return text.removesuffix(", ")


def _covariates(study: Study) -> list[str]:
    names = dict.fromkeys(chain.from_iterable(t.covariates for t in study.trajectories))
    lines = []
    for name in names:
        values = [t.covariates[name] for t in study.trajectories if name in t.covariates]
        span = " to ".join(dict.fromkeys(number_text(v) for v in (min(values), max(values))))
        lines.append(f"{name} {span}{_unit(study.covariate_units.get(name, ''))}")
    return lines


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int) -> str:
    """Align columns: the first `left` to the left, the others to the right."""
    table = [list(header), *map(list, rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    lines = []
    for row in table:
        cells = [
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return "\n".join(lines)


def _variables(study: Study) -> str:
    header = ("variable", "unit", "subjects", "points", "missing", "censored", "replicated",
              "with sd", "min", "median", "max")  # fmt: skip
    rows, optional = [], np.zeros(len(header), bool)
    optional[[4, 5, 6, 7]] = True
    for index, name in enumerate(study.variables):
        measured = [np.isfinite(t.value[:, index]) for t in study.trajectories]
        values = np.concatenate(
            [t.value[m, index] for t, m in zip(study.trajectories, measured, strict=True)]
        )
        count = np.concatenate([t.count[:, index] for t in study.trajectories])
        censored = sum(int(t.censored[:, index].sum()) for t in study.trajectories)
        with_sd = sum(int(np.isfinite(t.sd[:, index]).sum()) for t in study.trajectories)
        # Times without a value count as missing only where the subject has the variable at all.
        missing = sum(int((~m).sum()) for m in measured if m.any())
        numbers = (missing, censored, int((count > 1).sum()), with_sd)
        optional[4:8] &= np.array(numbers) == 0
        rows.append((
            name,
            study.units.get(name, "") or "-",
            str(len({t.subject for t, m in zip(study.trajectories, measured, strict=True)
                     if m.any()})),
            str(int(count.sum())),
            *map(str, numbers),
            *map(number_text, (values.min(), float(np.median(values)), values.max())),
        ))  # fmt: skip
    shown = [i for i in range(len(header)) if not optional[i]]
    text = _table([header[i] for i in shown], ([row[i] for i in shown] for row in rows), 2)
    if not optional[4]:
        text += (
            "\n  missing: times of a subject at which other variables were measured, this one not"
        )
    return "Variables\n" + text


def _measured_times(study: Study, index: int) -> list[tuple[str, Array]]:
    found = []
    for label, trajectory in zip(study.labels, study.trajectories, strict=True):
        time = trajectory.time[np.isfinite(trajectory.value[:, index])]
        if time.size:
            found.append((label, time))
    return found


def _sampling(study: Study) -> str:
    rows, gaps = [], []
    for index, name in enumerate(study.variables):
        found = _measured_times(study, index)
        sizes = [time.size for _, time in found]
        steps = np.concatenate([np.diff(time) for _, time in found])
        per_subject = "-".join(dict.fromkeys(str(n) for n in (min(sizes), max(sizes))))
        if not steps.size:
            rows.append((name, per_subject, "-", "-", "one time point each"))
            continue
        median = float(np.median(steps))
        even = float(np.ptp(steps)) <= _EVEN * median
        rows.append((name, per_subject, number_text(median), number_text(steps.max()),
                     "regular" if even else "irregular"))  # fmt: skip
        for label, time in found:
            own = np.diff(time)
            # Against the subject's own rhythm where it has one, else against everybody's.
            usual = float(np.median(own)) if own.size >= 3 else median
            if own.size and own.max() > _GAP * usual:
                at = int(own.argmax())
                gaps.append((own[at] / usual, name, label, time[at], time[at + 1]))
    header = ("variable", "points per subject", "median step", "longest", "steps")
    text = "Sampling\n" + _table(header, rows, 1)
    if gaps:
        gaps.sort(key=lambda gap: -gap[0])
        text += f"\n\nGaps (longer than {_GAP:g} median steps)\n"
        text += "\n".join(
            f"  {name} of {label}: nothing from {number_text(a)} to {number_text(b)}"
            f" ({ratio:.0f} steps)"
            for ratio, name, label, a, b in gaps[:_MAX_GAPS]
        )
        if len(gaps) > _MAX_GAPS:
            text += f"\n  ... and {len(gaps) - _MAX_GAPS} more"
    return text


def _doses(study: Study) -> str:
    dosed = [t for t in study.trajectories if t.doses]
    if not dosed:
        return "Doses\n  none"
    doses = [dose for t in dosed for dose in t.doses]
    kinds: dict[tuple[str, str, bool], list[Dose]] = {}
    for dose in doses:
        kinds.setdefault((dose.target, dose.unit, dose.duration > 0), []).append(dose)
    lines = [
        f"  {plural(len(doses), 'dose')} to {len(dosed)} of {len(study.trajectories)} subjects,"
        f" {'-'.join(dict.fromkeys(str(f([len(t.doses) for t in dosed])) for f in (min, max)))}"
        " each"
    ]
    for (target, unit, infusion), group in kinds.items():
        amounts, times = [d.amount for d in group], [d.time for d in group]
        lines.append(
            f"  {plural(len(group), 'infusion' if infusion else 'dose')} into"
            f" {target or 'a target not given'}:"
            f" {' to '.join(dict.fromkeys(number_text(f(amounts)) for f in (min, max)))}"
            f"{_unit(unit)}, time"
            f" {' to '.join(dict.fromkeys(number_text(f(times)) for f in (min, max)))}"
        )
    return "Doses\n" + "\n".join(lines)


def _notes(study: Study) -> str:
    if not study.notes:
        return ""
    lines = []
    # Doubts first: they are what a reader must not miss.
    for note in sorted(study.notes, key=lambda n: n.level != "warning"):
        where = f" (line {note.row})" if note.row is not None else ""
        lines.append(f"  {'! ' if note.level == 'warning' else '- '}{note.text}{where}")
    return "Notes (! = check this)\n" + "\n".join(lines)
