"""Which ranked models say the same: they differ in Hill functions, and the data cannot tell.

Atoms of a Hill family at neighbouring constants, activation against a constant less repression, a
constant against a nearly constant Hill function: such models draw the same curves.  To list them
one by one, each with a share of the probability, would hide how well the mechanism is known.

Two models are of one class if they have the same columns but for saturating terms and the
constants that may go with them (``hill = 1 - repress``), and trajectories nearer than the data can
resolve: were one of them true, the log odds by which the data favour it over the other would be
below log 20 in expectation.  For normal noise these log odds are half the squared difference of
the trajectories in units of the noise (Cox 1961, Proc. 4th Berkeley Symp. 1, 105, section 2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twinlab.library import Library

from .families import Family, families_of
from .noise import Noise
from .problem import Problem
from .result import ModelClass, RankedModel
from .search import Weighed

Array = NDArray[np.float64]

#: Half the squared distance of two models of one class, in nats.
INDISTINCT = float(np.log(20.0))
#: Ways of writing an equation that are named, and the least share of the class of one of them.
MAX_NAMED, WORTH_NAMING = 5, 0.01


def equivalence_classes(
    library: Library,
    weighed: Sequence[Weighed],
    models: Sequence[RankedModel],
    problem: Problem,
    noise: Noise,
) -> tuple[ModelClass, ...]:
    """Group models into classes, each around its most probable member.

    Parameters
    ----------
    library : Library
    weighed, models : sequences
        The same models in the same order, by descending probability.
    problem : Problem
    noise : Noise
        In whose units trajectories are compared: the best model's.

    Returns
    -------
    tuple of ModelClass
        By descending probability; every model is in one.
    """
    families = families_of(library)
    skeletons = [skeleton(library, families, m.columns.tolist()) for m in models]
    # Rows of a model on the noise's own scale: differences of two models do not need the data.
    scaled = [noise.standardised(problem, own.fit.x) for own in weighed]
    heads: list[int] = []
    members: dict[int, list[int]] = {}
    distances: dict[int, float] = {}
    for i in range(len(models)):
        home, away = i, 0.0
        for head in heads:
            if skeletons[head] == skeletons[i]:
                distance = separation(problem, scaled[head], scaled[i])
                if distance < INDISTINCT:
                    home, away = head, distance
                    break
        if home == i:
            heads.append(i)
        members.setdefault(home, []).append(i)
        distances[home] = max(distances.get(home, 0.0), away)
    classes = [
        ModelClass(
            tuple(members[head]),
            min(float(sum(models[i].probability for i in members[head])), 1.0),
            distances[head],
            class_text(library, families, [models[i] for i in members[head]]),
        )
        for head in heads
    ]
    return tuple(sorted(classes, key=lambda c: -c.probability))


def separation(problem: Problem, first: Array, second: Array) -> float:
    """Half the squared distance of two models' trajectories in units of the noise, in nats.

    Parameters
    ----------
    problem : Problem
    first, second : (n_row, n_state) arrays
        Standardised residuals of the same data.
    """
    seen = problem.count > 0
    return float(0.5 * np.nansum((first - second)[seen] ** 2))


def skeleton(library: Library, families: Sequence[Family], columns: list[int]) -> tuple[int, ...]:
    """What models of one class share: columns that are no Hill function, nor its constant."""
    saturating = {c for f in families for c in f.columns}
    constants = {(f.stoichiometry, f.rest) for f in families}
    return tuple(
        c
        for c in columns
        if c not in saturating
        and (library.columns[c].stoichiometry, library.term_of(c)) not in constants
    )


def class_text(library: Library, families: Sequence[Family], models: Sequence[RankedModel]) -> str:
    """Say what the members of a class write differently, equation by equation."""
    written: dict[str, list[str]] = {}
    least = WORTH_NAMING * sum(m.probability for m in models)
    for model in models:
        if model.probability < least:
            continue
        own: dict[str, list[str]] = {}
        common = skeleton(library, families, model.columns.tolist())
        for c in model.columns.tolist():
            if c not in common:
                states = ", ".join(library.states[s] for s, _ in library.columns[c].stoichiometry)
                own.setdefault(states, []).append(library.term_of(c).text)
        for states, terms in own.items():
            text = " with ".join(sorted(terms))
            if text not in written.setdefault(states, []):
                written[states].append(text)
    parts = []
    for states, texts in written.items():
        if len(texts) > 1:
            more = f", or {len(texts) - MAX_NAMED} more" if len(texts) > MAX_NAMED else ""
            parts.append(f"in the equation of {states}, {', or '.join(texts[:MAX_NAMED])}{more}")
    return f"These data cannot tell apart: {'; '.join(parts)}." if parts else ""
