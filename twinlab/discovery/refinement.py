"""From atoms of a Hill grid to one term with its own half saturation and Hill coefficient.

A grid stands for a continuum: a true constant between its points shows as two atoms of a family,
or as a wrong one with other terms to make up for it.  After the re-scoring, the leading models
have the atoms of each family collapsed into one term whose (log K, log n) are fitted with all
else, from several starts.  Such a model competes by the same Laplace evidence as every other; its
term has the prior odds of all the atoms it stands for together, spread over the constants by a
proper prior (`shapes`), so that an atom that happens to be right is not thrown away.  Of these odds
half are for a free Hill coefficient, half for 1, 2, 3 or 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .collapse import WHOLE, Candidate, Families
from .noise import Noise
from .result import Settings
from .search import NEGLIGIBLE, Weighed, weigh
from .shaped_fit import ShapedFit, descend, linearise_shaped, weigh_shaped
from .shapes import Scales, ShapedModel
from .steps import SCALE_FREEDOM, Frame, Point, conditional, select

Array = NDArray[np.float64]

#: Models this near the best (nats) are refined: a few to see whether that helps, then so many.
WORTH_REFINING, MAX_FIRST, MAX_LEADING = 10.0, 4, 8
#: Refinement goes on while its best model is not farther than this from the best of the grid.
PROMISING = 6.0
#: Models around which the neighbours of refined models are weighed.
MAX_ROUNDS = 3
#: Refined models this near the best are tried with whole Hill coefficients and grid atoms.
WORTH_ROUNDING, MAX_ROUNDED = 6.0, 3
#: Refined models this far below the best are dropped: each costs columns of its own.
TOO_FAR = 7.0
#: A whole number or an atom is tried where it is within this many sd of the optimum.
NEAR = 3.0
#: A start must gain this much evidence to be followed to its end.
WORTH_FOLLOWING = 0.1
STARTING_HILL = (1.0, 2.0, 4.0)


class Refiner:
    """Shaped models weighed so far, by signature.

    Parameters
    ----------
    frame : Frame
        Its problem has the library without refined terms.
    settings : Settings
    seed : int
    executor : Executor
    check : callable
        Called before every fit; may raise ``Cancelled``.
    """

    def __init__(
        self,
        frame: Frame,
        settings: Settings,
        seed: int,
        executor: Executor,
        check: Callable[[], None],
    ) -> None:
        self.frame, self.settings, self.seed = frame, settings, seed
        self.executor, self.check = executor, check
        self.scales = Scales(frame)
        self.families = Families(self.scales)
        self.models: dict[object, ShapedFit | None] = {}
        #: Models in which every term went back to an atom of the grid.
        self.plain: dict[bytes, Weighed] = {}
        self.rounded: set[object] = set()

    @property
    def ranked(self) -> list[ShapedFit]:
        """Fitted models by descending evidence."""
        fitted = [m for m in self.models.values() if m is not None and np.isfinite(m.evidence)]
        return sorted(fitted, key=lambda m: -m.evidence)

    def leading(self, weighed: list[Weighed], limit: int) -> None:
        """Refine the leading models that hold atoms, `limit` of them that are not yet."""
        lowest = weighed[0].evidence - WORTH_REFINING
        candidates = [
            (candidate, m.fit.initial, m.noise)
            for m in weighed
            if m.evidence > lowest and self.families.touches(m.fit.columns)
            for candidate in self.families.collapse(m.fit.columns, m.fit.coefficients, {})
        ]
        self.weigh_all(candidates, limit)

    def weigh_all(self, starts: Iterable[tuple[Candidate, Array, Noise]], limit: int) -> None:
        """Weigh the first `limit` models that were not met before."""
        new: dict[object, tuple[Candidate, Array, Noise]] = {}
        for start in starts:
            key = start[0][0].signature
            if key not in self.models and key not in new and len(new) < limit:
                new[key] = start
        self.models.update(zip(new, self.executor.map(self._weigh, new.values()), strict=True))

    def _weigh(self, start: tuple[Candidate, Array, Noise]) -> ShapedFit | None:
        self.check()
        (model, coefficients), initial, noise = start
        return weigh_shaped(self.scales, model, coefficients, initial, noise)

    def restart(self, fitted: ShapedFit) -> ShapedFit:
        """Try other constants of the grid for each term; keep what raises the evidence."""
        for i in range(len(fitted.model.terms)):
            if self._nearest(fitted, i)[1] < NEAR:
                continue  # the fit stayed where the grid had it: there is nothing else to find
            starts = self._starts(fitted, i)
            tried = list(self.executor.map(lambda m, f=fitted, i=i: self._try(f, m, i), starts))
            good = [t for t in tried if t is not None]
            best = max(good, key=lambda t: t.evidence, default=fitted)
            if best.evidence > fitted.evidence + WORTH_FOLLOWING:
                again = weigh_shaped(
                    self.scales, best.model, best.fit.coefficients, best.fit.initial, best.noise
                )
                if again is not None and again.evidence > fitted.evidence:
                    fitted = again
        self.models[fitted.model.signature] = fitted
        return fitted

    def _starts(self, fitted: ShapedFit, i: int) -> list[ShapedModel]:
        """The model with other constants of term `i`: the grid's, and Hill coefficients 1, 2, 4."""
        term, out = fitted.model.terms[i], []
        found = [term.family.constants(self.families.library, c) for c in term.family.columns]
        if any(term.hill_free):
            found = [
                np.stack([atom[:, 0], np.full(len(atom), np.log(n))], axis=1)
                for atom in found
                for n in STARTING_HILL
            ]
        seen = [term.constants]
        for constants in found:
            constants = np.where(
                np.array([[True, free] for free in term.hill_free]), constants, term.constants
            )
            if all(np.abs(constants - other).max() > 0.3 for other in seen):
                seen.append(constants)
                terms = list(fitted.model.terms)
                terms[i] = replace(term, constants=constants)
                out.append(replace(fitted.model, terms=tuple(terms)))
        return out

    def _try(self, fitted: ShapedFit, model: ShapedModel, i: int) -> ShapedFit | None:
        self.check()
        w = fitted.fit.coefficients.copy()
        size = self.scales.size(fitted.model.terms[i].term) / self.scales.size(model.terms[i].term)
        w[len(model.plain) + i] *= size
        return descend(self.scales, model, w, fitted.fit.initial, fitted.noise, 8)

    def neighbours(self, fitted: ShapedFit, round_: int) -> None:
        """Weigh the supports that the regression around a refined model finds."""
        gram = linearise_shaped(self.scales, fitted)
        if gram is None:
            return
        model, frame = fitted.model, self.frame
        n, t = frame.problem.n_column, len(fitted.model.terms)
        prior = frame.prior._replace(
            log_odds=np.append(frame.prior.log_odds, [term.log_prior for term in model.terms]),
            spread=np.append(
                frame.prior.spread,
                [frame.prior.spread[term.family.columns[0]] for term in model.terms],
            ),
            required=np.append(frame.prior.required, np.zeros(t, bool)),
            excluded=np.append(frame.prior.excluded, np.zeros(t, bool)),
            sign=np.append(frame.prior.sign, np.zeros(t, np.int64)),
            lower=np.append(frame.prior.lower, np.full(t, -np.inf)),
            upper=np.append(frame.prior.upper, np.full(t, np.inf)),
        )
        precision = np.append(frame.precision, [self.scales.precision(x) for x in model.terms])
        supports = select(
            gram,
            precision,
            prior,
            np.append(model.plain, n + np.arange(t)),
            freedom=SCALE_FREEDOM,
            n_steps=frame.mcmc_steps,
            seed=self.seed + 177 + round_,
        )
        extra = {n + i: term for i, term in enumerate(model.terms)}
        starts = [
            (candidate, fitted.fit.initial, fitted.noise)
            for candidate in self.families.mirrored(model, fitted.fit.coefficients)
        ]
        for columns in supports.columns[: 4 * self.settings.neighbours]:
            mean, _ = conditional(gram, precision, columns)
            for candidate in self.families.collapse(columns, mean, extra):
                if candidate[0].terms:
                    starts.append((candidate, fitted.fit.initial, fitted.noise))
        self.weigh_all(starts, self.settings.neighbours)

    def round_off(self, fitted: ShapedFit) -> ShapedFit:
        """Try whole Hill coefficients, then atoms of the grid, term by term; the best of all."""
        best = fitted
        if fitted.model.signature in self.rounded:
            return best
        for i in range(len(fitted.model.terms)):
            for place in range(len(fitted.model.terms[i].constants)):
                best = self._better(best, self._whole(best, i, place))
        # From the last term to the first: a term that goes leaves the places of the others.
        for i in reversed(range(len(best.model.terms))):
            best = self._better(best, self._on_grid(best, i))
        self.rounded |= {fitted.model.signature, best.model.signature}
        return best

    def _better(self, best: ShapedFit, starts: list[tuple[Candidate, Array, Noise]]) -> ShapedFit:
        """Weigh the candidates; the best of them and `best`."""
        self.weigh_all((s for s in starts if s[0][0].terms), len(starts))
        for (model, w), initial, noise in starts:
            key = model.plain.tobytes()
            if not model.terms and key not in self.plain:
                found = weigh(self.frame, Point(model.plain, w, initial), noise)
                if found is not None:
                    self.plain[key] = found
        fits = [self.models.get(s[0][0].signature) for s in starts]
        known = [best, *(f for f in fits if f is not None)]
        return max(known, key=lambda m: m.evidence)

    def _whole(self, fitted: ShapedFit, i: int, place: int) -> list[tuple[Candidate, Array, Noise]]:
        """The model with one Hill coefficient held at a whole number near its optimum."""
        term = fitted.model.terms[i]
        if not term.hill_free[place]:
            return []
        sd = fitted.deviations[i, place, 1]
        out = []
        for hill in WHOLE:
            if abs(np.log(hill) - term.constants[place, 1]) < NEAR * sd:
                terms = list(fitted.model.terms)
                terms[i] = self.families.held(term, place, hill)
                model = replace(fitted.model, terms=tuple(terms))
                start = (model, fitted.fit.coefficients)
                out.append((start, fitted.fit.initial, fitted.noise))
        return out

    def _nearest(self, fitted: ShapedFit, i: int) -> tuple[int, float]:
        """The atom nearest to a term, and how many sd it is away."""
        term, sd = fitted.model.terms[i], fitted.deviations
        spread = np.array(
            [[sd[i, p, 0], sd.get((i, p, 1), 1e-9)] for p in range(len(term.hill_free))]
        )
        atoms = term.family.columns
        constants = [term.family.constants(self.families.library, c) for c in atoms]
        away = [float(np.abs((c - term.constants) / spread).max()) for c in constants]
        place = int(np.argmin(away))
        return atoms[place], away[place]

    def _on_grid(self, fitted: ShapedFit, i: int) -> list[tuple[Candidate, Array, Noise]]:
        """The model with one term replaced by the nearest atom of the grid."""
        column, away = self._nearest(fitted, i)
        if away > NEAR or column in fitted.model.plain:
            return []
        w, k = fitted.fit.coefficients, len(fitted.model.plain)
        own = w[k + i] / self.families.library.term_of(column).scale
        plain = np.append(fitted.model.plain, column)
        order = np.argsort(plain)
        terms = tuple(t for j, t in enumerate(fitted.model.terms) if j != i)
        start = np.concatenate([np.append(w[:k], own)[order], np.delete(w[k:], i)])
        return [((ShapedModel(plain[order], terms), start), fitted.fit.initial, fitted.noise)]


def refine(
    frame: Frame,
    weighed: list[Weighed],
    settings: Settings,
    seed: int,
    executor: Executor,
    check: Callable[[], None],
) -> tuple[list[ShapedFit], list[Weighed]]:
    """Refine the families of the leading models.

    Parameters
    ----------
    frame, weighed, settings, seed, executor, check
        As `twinlab.discovery.search.rescore` has them; `weighed` by descending evidence.

    Returns
    -------
    refined : list of ShapedFit
        By descending evidence; empty where no leading model holds a Hill function.
    weighed : list of Weighed
        Models of the library's own columns, with those met on the way.
    """
    refiner = Refiner(frame, settings, seed, executor, check)
    refiner.leading(weighed, MAX_FIRST)
    explored: set[object] = set()
    for round_ in range(MAX_ROUNDS):
        if not refiner.ranked or refiner.ranked[0].model.signature in explored:
            break
        best = refiner.round_off(refiner.restart(refiner.ranked[0]))
        explored.add(best.model.signature)
        if best.evidence < weighed[0].evidence - PROMISING:
            break
        refiner.neighbours(best, round_)
        refiner.leading(weighed, MAX_LEADING)
    ranked = refiner.ranked
    for fitted in ranked[:MAX_ROUNDED]:
        if fitted.evidence > ranked[0].evidence - WORTH_ROUNDING:
            refiner.round_off(fitted)
    known = {m.fit.columns.tobytes() for m in weighed}
    met = [m for key, m in refiner.plain.items() if key not in known]
    everything = sorted([*weighed, *met], key=lambda m: -m.evidence)
    ranked = refiner.ranked
    top = max([everything[0].evidence, *(m.evidence for m in ranked[:1])])
    return (
        [m for m in ranked if m.evidence > top - TOO_FAR],
        [m for m in everything if m.evidence > top - NEGLIGIBLE],
    )
