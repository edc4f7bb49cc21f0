"""Refined terms as further columns of the library, so that all that follows can use them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twinlab.knowledge import Knowledge
from twinlab.library import Column, Library

from .problem import column_prior
from .search import Weighed
from .shaped_fit import ShapedFit
from .shapes import Scales, Shaped
from .steps import Frame

Array = NDArray[np.float64]

#: Source of refined columns.
SOURCE = "refined"
#: Constants are rounded to no more than this share of their posterior sd, so that their text is
#: short and still says exactly what is simulated.
ROUNDING = 0.02
#: Two models share a column where their constants agree to this share of their posterior sd.
SHARING = 0.1
#: Refined models kept; each may need columns of its own.
MAX_REFINED = 12


def extend(
    frame: Frame,
    refined: Sequence[ShapedFit],
    weighed: Sequence[Weighed],
    knowledge: Knowledge,
    complexity: float,
) -> tuple[Frame, list[Weighed]]:
    """Add the terms of refined models to the library and number the models accordingly.

    Parameters
    ----------
    frame : Frame
        Over the library without refined terms; their columns are put behind all others.
    refined : sequence of ShapedFit
        By descending evidence.
    weighed : sequence of Weighed
        Models of the library's own columns.
    knowledge, complexity
        As in the problem.

    Returns
    -------
    frame : Frame
        Over the extended library.
    weighed : list of Weighed
        All models by descending evidence.
    """
    maker = _Extension(frame.problem.library)
    extended = [maker.number(fitted) for fitted in refined[:MAX_REFINED]]
    library, scales = maker.library, Scales(frame)
    prior = column_prior(library, knowledge, complexity, frame.problem.study)
    # The models were weighed with the odds of the columns there were.
    prior.log_odds[: frame.problem.n_column] = frame.prior.log_odds
    prior.spread[: frame.problem.n_column] = frame.prior.spread
    precision = np.append(frame.precision, [scales.precision(term) for term in maker.added])
    for place, term in enumerate(maker.added, frame.problem.n_column):
        own = list(term.family.columns)
        prior.lower[place] = frame.prior.lower[own].min()
        prior.upper[place] = frame.prior.upper[own].max()
        prior.spread[place] = frame.prior.spread[own[0]]
    problem = replace(
        frame.problem,
        library=library,
        terms=library.table(),
        entries=library.entries(),
        prior=prior,
        sign_log_odds=np.append(
            frame.problem.sign_log_odds,
            [frame.problem.sign_log_odds[t.family.columns[0]] for t in maker.added],
        ),
    )
    everything = sorted([*weighed, *extended], key=lambda m: -m.evidence)
    varies = frame.varying.extended(
        [int(frame.varying.slot[list(term.family.columns)].max()) for term in maker.added]
    )
    frame = replace(frame, problem=problem, precision=precision, prior=prior, varies=varies)
    return frame, everything


class _Extension:
    """A library that grows by the terms of refined models."""

    def __init__(self, library: Library) -> None:
        self.library, self.first = library, len(library.columns)
        self.added: list[Shaped] = []

    def number(self, fitted: ShapedFit) -> Weighed:
        """The model with columns of the library, its terms' among them."""
        model, fit = fitted.model, fitted.fit
        k = len(fit.coefficients)
        deviations = [np.full(t.constants.shape, np.inf) for t in model.terms]
        for (i, p, q), value in fitted.deviations.items():
            deviations[i][p, q] = value
        taken: list[int] = []
        for term, deviation in zip(model.terms, deviations, strict=True):
            taken.append(self._column(term, deviation, taken))
        columns = np.array([*model.plain, *taken], np.int64)
        order = np.argsort(columns)
        rows = np.concatenate([order, np.arange(k, len(fit.h_w))])
        free = tuple((taken[i], model.terms[i].family.places[p], q) for i, p, q in model.parameters)
        numbered = replace(
            fit,
            columns=columns[order],
            coefficients=fit.coefficients[order],
            h_w=fit.h_w[np.ix_(rows, rows)],
            cross=fit.cross[:, rows],
            free=free,
        )
        return Weighed(numbered, fitted.noise, fitted.evidence)

    def _column(self, term: Shaped, deviation: Array, taken: list[int]) -> int:
        """Column of a term: one that is there with the same constants, or a new one."""
        for place, other in enumerate(self.added, self.first):
            if other.family.key != term.family.key or place in taken:
                continue
            alike = (other.hill_free, other.held) == (term.hill_free, term.held)
            away = np.abs(other.constants - term.constants) / deviation
            if alike and away.max() < SHARING:
                return place
        rounded = replace(term, constants=_rounded(term.constants, deviation))
        atom = self.library.columns[term.family.columns[0]]
        source = atom.source.partition(":")[0].strip() + f" : {rounded.term.text}"
        column = Column(
            atom.stoichiometry,
            len(self.library.terms),
            atom.family,
            source if atom.is_reaction else SOURCE,
        )
        self.library = replace(
            self.library,
            terms=(*self.library.terms, rounded.term),
            columns=(*self.library.columns, column),
        )
        self.added.append(rounded)
        return len(self.library.columns) - 1


def _rounded(constants: Array, deviation: Array) -> Array:
    """Logarithms of constants rounded to the digits that their posterior sd asks for."""
    out = constants.copy()
    for place, (value, sd) in enumerate(zip(np.exp(constants).flat, deviation.flat, strict=True)):
        # Rounding to d digits moves a number by up to half of 10^(1 - d) of itself.
        share = min(max(ROUNDING * sd, 1e-9), 1e-3)
        digits = int(np.ceil(1.0 - np.log10(2.0 * share)))
        out.flat[place] = np.log(float(f"{value:.{digits}g}"))
    return out
