"""A result in plain words, for people who do not read differential equations."""

from __future__ import annotations

from twinlab.discovery import LARGEST_CHI2, Discovery, withheld
from twinlab.discovery.dose_words import dosing_sentences
from twinlab.expressions import Term
from twinlab.twin import Asked

from .words import number, percent

#: Fewer measured values than this per coefficient make a fit fragile.
_VALUES_PER_COEFFICIENT = 10


def driver(term: Term) -> str:
    """What a term depends on, in words: 'hare times lynx', 'the square of tumour'."""
    text = term.text
    if text == "1":
        return "at a constant rate"
    names = term.variables
    if len(names) == 1 and text == names[0]:
        return f"in proportion to {names[0]}"
    if len(names) == 1 and text == f"{names[0]}^2":
        return f"in proportion to the square of {names[0]}"
    if text == "*".join(names):
        return f"in proportion to {' times '.join(names)}"
    if text.startswith(("hill(", "mm(")) and len(names) == 1 and text.count("(") == 1:
        return f"with {names[0]}, levelling off when it is high"
    if text.startswith("repress(") and len(names) == 1 and text.count("(") == 1:
        return f"less and less as {names[0]} rises"
    return f"with {text.replace('*', ' × ')}"


def equation_words(discovery: Discovery) -> list[tuple[str, list[tuple[str, str]]]]:
    """For each state: sentences of what drives it, with the figure behind each.

    Returns
    -------
    list of (state, [(sentence, figure), ...])
    """
    library, best = discovery.library, discovery.best
    out = []
    for s, name in enumerate(library.states):
        sentences = []
        for i, c in enumerate(best.columns):
            column = library.columns[int(c)]
            for state, value in column.stoichiometry:
                if state != s:
                    continue
                rate = float(best.coefficients[i]) * value
                ends = sorted(float(end) * value for end in best.interval90[i])
                verb = "rises" if rate > 0 else "falls"
                figure = f"{number(rate)} (90 % interval {number(ends[0])} to {number(ends[1])})"
                sentences.append((f"{verb} {driver(library.terms[column.term])}", figure))
        out.append((name, sentences or [("does not change", "")]))
    return out


#: Warnings whose own text is for the modeler: what they mean to a reader of the picture.
_UNEXPLAINED = (
    "This model leaves part of the change in the measurements unexplained: something may be "
    "missing from it. The workbench says what."
)
_PLAIN = {
    "truth_not_in_library": _UNEXPLAINED,
    "structured_residuals": _UNEXPLAINED,
    "latent_proposed": "Something that was not measured may take part in what is seen here. The "
    "workbench says what it could be.",
    "excess_noise": _UNEXPLAINED,
    "prior_conflict": "What was said beforehand and the measurements disagree in places. The "
    "workbench says where.",
    "varies": "They do not all behave alike: some rates differ from one to the next. The workbench "
    "says which.",
    "not_identifiable": "Some rates cannot be told apart with these measurements. The workbench "
    "says which, and what would help.",
    "vague_coefficient": "Some rates are hardly determined by these measurements.",
}


def asked_words(discovery: Discovery, index: int, asked: Asked, question: str) -> list[str]:
    """What the twin predicts under doses that were asked about: a sentence a measured state."""
    simulation, study = asked.simulation, discovery.study
    best, low, high = simulation.peak()
    ends = simulation.band()
    banded = len(simulation.draws) > 1
    last = f"{simulation.time[-1]:.4g} {study.time_unit}".rstrip()
    given = discovery.bands[index].mean.max(axis=0)
    out = []
    for e, name in enumerate(simulation.states):
        if name in discovery.library.latent:
            continue
        unit = f" {study.units[name]}" if study.units.get(name) else ""
        peak, end = f"{number(float(best[e]))}{unit}", number(float(simulation.best[-1, e]))
        if banded:
            peak += f" (90 % band {number(float(low[e]))} to {number(float(high[e]))})"
            edges = (number(float(edge[-1, e])) for edge in ends)
            end += f" ({' to '.join(edges)})"
        out.append(
            f"{question}: predicted peak of {name} {peak}, as given {number(float(given[e]))}; "
            f"at {last} {end}."
        )
    return out


def cautions(discovery: Discovery) -> list[str]:
    """What a reader has to know before believing the picture."""
    out = []
    if discovery.chi2_per_point > LARGEST_CHI2:
        out.append(
            "This model does not describe the measurements well "
            f"(χ² per point {discovery.chi2_per_point:.2f}; about 1 is right). Do not rely on it."
        )
    best = discovery.best.probability
    if best < 0.9 and withheld(discovery) is None:
        out.append(
            f"Other models fit these data too: this one has a probability of {percent(best)} among "
            "those considered. The workbench shows the others."
        )
    values, count = discovery.study.n_points, len(discovery.best.columns)
    if values < _VALUES_PER_COEFFICIENT * max(1, count):
        out.append(
            f"Few data: {values} measured values for {count} estimated rates. New measurements may "
            "change the model."
        )
    out += dosing_sentences(discovery)
    out += dict.fromkeys(_PLAIN.get(w.code, w.text) for w in discovery.warnings)
    out.append("For research. Not for decisions about the treatment of a patient.")
    return out
