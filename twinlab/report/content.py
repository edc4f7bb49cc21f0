"""What the report says, as plain rows: no HTML and no plots here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from twinlab.discovery import NOISE_WORDS, withheld

from .numbers import estimate, interval, number, percent

if TYPE_CHECKING:
    from twinlab.discovery import Discovery, RankedModel
    from twinlab.expressions import Term
    from twinlab.knowledge import Belief

MAX_ALTERNATIVES = 10

STATUS = {
    "converged": "The fit converged.",
    "provisional": (
        "The fit is provisional: it was updated from an earlier one without refitting, so "
        "probabilities and bands are approximate. Fit again before relying on them."
    ),
    "failed": (
        "The fit did not converge. What follows shows how far it came; do not draw conclusions "
        "from it."
    ),
}

_SETTING_WORDS = {
    "noise": "Noise model asked for",
    "slab_width": "Prior width of a coefficient (times the size that alone explains all change)",
    "complexity": "Prior cost of each factor of a term beyond the first (nats)",
    "positivity": "Prior odds against a sign that drives a quantity below zero (nats)",
    "starts": "Continuation schedules tried",
    "mcmc_steps": "Effort of one model search (an informed jump costs 50)",
    "draws": "Posterior draws behind the bands",
    "neighbours": "Models re-scored around the best one in each round",
    "horizon": "Simulated to",
    "vary": "What coefficients may differ between",
    "vary_terms": "Terms whose coefficients may differ",
    "covariates": "Covariates that may explain the differences",
}
#: What a setting that was not set means.
_UNSET = {
    "horizon": "the last measurement of each subject",
    "vary_terms": "all",
    "covariates": "all that every subject has",
}


@dataclass(frozen=True)
class TermRow:
    """One term of an equation: its coefficient and how sure we are of both."""

    term: str
    coefficient: float
    sd: float
    low: float
    high: float
    inclusion: float
    source: str = ""

    @property
    def value(self) -> str:
        """Coefficient, for reading."""
        return estimate(self.coefficient, self.low, self.high)

    @property
    def interval(self) -> str:
        """90 % interval, for reading."""
        return interval(self.low, self.high, self.coefficient)


@dataclass(frozen=True)
class Equation:
    """Right-hand side of one state: `terms` for printing, `rows` for the table."""

    state: str
    terms: tuple[tuple[float, Term], ...]
    rows: tuple[TermRow, ...]


@dataclass(frozen=True)
class Alternative:
    """One ranked model, told by how it differs from the best."""

    rank: int
    probability: float
    evidence_gap: float
    n_terms: int
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True)
class NoiseRow:
    """One noise model of the comparison: its log evidence less that of the best."""

    words: str
    gap: float
    used: bool

    @property
    def gap_text(self) -> str:
        """Gap with one decimal; a dash for a model that could not be fitted."""
        return f"{self.gap:.1f}".replace("-", "−") if np.isfinite(self.gap) else "–"


@dataclass(frozen=True)
class InclusionRow:
    """Probability that a term belongs to an equation."""

    term: str
    probability: float
    in_best: bool

    @property
    def text(self) -> str:
        """Probability in per cent."""
        return percent(self.probability)


def equations(discovery: Discovery, model: RankedModel | None = None) -> list[Equation]:
    """Split a model (the best, by default) into one equation per state."""
    library = discovery.library
    model = model or discovery.best
    rows: list[list[TermRow]] = [[] for _ in library.states]
    terms: list[list[tuple[float, Term]]] = [[] for _ in library.states]
    for place, index in enumerate(model.columns):
        column = library.columns[int(index)]
        term = library.terms[column.term]
        for state, factor in column.stoichiometry:
            low, high = sorted(float(end) * factor for end in model.interval90[place])
            coefficient = float(model.coefficients[place]) * factor
            rows[state].append(
                TermRow(
                    term.text,
                    coefficient,
                    abs(float(model.sd[place]) * factor),
                    low,
                    high,
                    float(discovery.inclusion[index]),
                    column.source if len(column.stoichiometry) > 1 else "",
                )
            )
            terms[state].append((coefficient, term))
    return [
        Equation(name, tuple(t), tuple(r))
        for name, t, r in zip(library.states, terms, rows, strict=True)
    ]


def alternatives(discovery: Discovery, limit: int = MAX_ALTERNATIVES) -> list[Alternative]:
    """List the most probable models and how each differs from the first."""
    best = set(discovery.best.columns.tolist())
    label = discovery.library.column_label
    listed = []
    for rank, model in enumerate(discovery.models[:limit], start=1):
        columns = set(model.columns.tolist())
        listed.append(
            Alternative(
                rank,
                float(model.probability),
                float(discovery.best.evidence - model.evidence),
                len(columns),
                tuple(label(c) for c in sorted(columns - best)),
                tuple(label(c) for c in sorted(best - columns)),
            )
        )
    return listed


def inclusion(discovery: Discovery, floor: float = 0.01) -> dict[str, list[InclusionRow]]:
    """List each state's terms by inclusion probability, down to `floor`."""
    library = discovery.library
    best = set(discovery.best.columns.tolist())
    listed: dict[str, list[InclusionRow]] = {}
    for state, name in enumerate(library.states):
        found = [
            InclusionRow(library.terms[column.term].text, float(discovery.inclusion[c]), c in best)
            for c, column in enumerate(library.columns)
            if any(s == state for s, _ in column.stoichiometry)
            and (discovery.inclusion[c] >= floor or c in best)
        ]
        listed[name] = sorted(found, key=lambda row: -row.probability)
    return listed


def families(discovery: Discovery) -> list[tuple[str, int]]:
    """Count the candidate columns of each family."""
    counts = Counter(column.family.split(":")[0] for column in discovery.library.columns)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def belief_words(belief: Belief) -> str:
    """Say a belief in words: 'required, positive, between 0 and 2'."""
    words = []
    if belief.required:
        words.append("required")
    if belief.excluded:
        words.append("excluded")
    if belief.sign:
        words.append("positive" if belief.sign > 0 else "negative")
    if belief.lower is not None and belief.upper is not None:
        words.append(f"between {number(belief.lower)} and {number(belief.upper)}")
    elif belief.lower is not None:
        words.append(f"at least {number(belief.lower)}")
    elif belief.upper is not None:
        words.append(f"at most {number(belief.upper)}")
    if belief.log_odds:
        words.append(f"log-odds of inclusion {number(belief.log_odds)}")
    return ", ".join(words) or "no constraint"


def settings_rows(discovery: Discovery) -> list[tuple[str, str]]:
    """Every setting with its value, in words."""
    rows = []
    for item in fields(discovery.settings):
        value = getattr(discovery.settings, item.name)
        if value is None:
            value = _UNSET.get(item.name, "default")
        if isinstance(value, tuple):
            value = ", ".join(value) or _UNSET.get(item.name, "none")
        rows.append((_SETTING_WORDS.get(item.name, item.name.replace("_", " ")), str(value)))
    return rows


def noise_rows(discovery: Discovery) -> list[NoiseRow]:
    """Noise models by descending evidence; empty where the model was set, not chosen.

    All are weighed with the best model under the noise that the search began with.
    """
    evidence = discovery.diagnostics.get("noise_evidence") or {}
    best = max(evidence.values(), default=0.0)
    return [
        NoiseRow(NOISE_WORDS[name], float(value - best), name == discovery.noise_model)
        for name, value in sorted(evidence.items(), key=lambda item: -item[1])
    ]


def explained(discovery: Discovery) -> dict[str, float]:
    """Share of each observable's variance within subjects that the best model explains.

    R squared pooled over the trajectories with three values or more; NaN where there is none.  Of
    what was measured on the log scale it is taken there; states never measured are left out.
    """
    problem, result = discovery.problem, {}
    on_scale = problem.observation.on_scale
    measured = on_scale(problem.measured)
    for index, name in enumerate(problem.observables):
        if not problem.seen[index]:
            continue
        rest = total = 0.0
        for r, fitted in enumerate(discovery.fitted):
            value = measured[problem.rows(r), index]
            fitted = on_scale(fitted)
            seen = np.isfinite(value)
            if seen.sum() >= 3:
                rest += float(((value - fitted[:, index])[seen] ** 2).sum())
                total += float(((value[seen] - value[seen].mean()) ** 2).sum())
        result[name] = 1.0 - rest / total if total > 0 else float("nan")
    return result


def measured_names(discovery: Discovery) -> list[str]:
    """Observables that have data of their own: states, then what is derived from states."""
    problem = discovery.problem
    return [name for name, seen in zip(problem.observables, problem.seen, strict=True) if seen]


def r_squared_text(value: float) -> str:
    """Write R squared to three decimals; a dash where it is not defined."""
    return f"{value:.3f}".replace("-", "−") if np.isfinite(value) else "–"


def listed(names: Sequence[str]) -> str:
    """Write names as a list in a sentence: 'hare, lynx and vole'."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def counted(count: int, singular: str, plural: str = "") -> str:
    """Write a count with its noun: '1 subject', '12 subjects'."""
    return f"{count} {singular if count == 1 else plural or singular + 's'}"


def _in_words(share: str) -> str:
    return share.replace("> ", "more than ").replace("< ", "less than ")


def summary_sentence(discovery: Discovery) -> str:
    """Tell the result in one short paragraph to somebody who was not in the room."""
    study, library, best = discovery.study, discovery.library, discovery.best
    states = listed([s for s in library.states if s not in library.latent])
    modelled = study.select(variables=[v for v in study.variables if v not in library.inputs])
    text = (
        f"From {counted(modelled.n_points, 'measured value')} of {states} in "
        f"{counted(len(study.subjects), 'subject')}, TwinLab searched "
        f"{counted(len(library.columns), 'candidate term')} for the simplest system of "
        f"differential equations that explains the data. The best model has "
        f"{counted(len(best.columns), 'term')}"
    )
    if not withheld(discovery):
        text += (
            f" and a probability of {_in_words(percent(best.probability))} among the "
            f"{counted(len(discovery.models), 'model')} compared"
        )
    known = {n: v for n, v in explained(discovery).items() if np.isfinite(v)}
    shares = [f"{percent(max(v, 0.0))} of the variance of {n}" for n, v in known.items()]
    return f"{text}. It explains {listed(shares)}." if shares else f"{text}."
