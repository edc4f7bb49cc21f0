"""A search in which coefficients may be switched off in single conditions from the start.

A knock-out is no small deviation: one fit for all conditions ends far away, with terms that are
not there.  So the continuation is also followed with what is off as a part of the structure.  Each
condition is linearised by itself; from the sums of these regressions the marginal likelihood of
any support follows, whatever is off in whichever condition (METHODS: Gram with the columns of a
condition set to zero).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from twinlab.knowledge import ColumnPrior
from twinlab.study import Study

from .continuation import POLISH_ITERATIONS, Climb, Tick
from .covariates import Candidate
from .families import families_of
from .frame import Columns, Fit, Frame, Point
from .measured import told_apart
from .model_prior import size_prior
from .noise import Noise, make_noise
from .result import Gram
from .scaled import inverse_scaled
from .search import Start, Weighed, weigh
from .single import single_frame, single_noise
from .steps import SCALE_FREEDOM, SCALE_FREEDOM_NUDGED, Supports, linearise, polish_point, select
from .varying import Effect, Off, Varying

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Prior log-odds of anything being off while models are pulled toward the data, spread over the
#: candidates: there a wrong support is easily mended by switching.
SWITCHED = -5.0
#: A coefficient is taken to be off where the regression leaves less than this share of it.
REMAINS = 0.4
#: Supports of a regression that are judged with what is off in them; the most columns and
#: conditions together.
JUDGED, MOST_CANDIDATES = 20, 600


#: A column of the library and a condition in which it has a value of its own, or is off.
Place = tuple[int, Candidate]


@dataclass(frozen=True)
class Begun:
    """A model in which something is off, to begin a search from.

    Attributes
    ----------
    frame : Frame
        With what is off.
    model : Weighed
    off : tuple of (column, name of a condition)
    """

    frame: Frame
    model: Weighed
    off: tuple[tuple[int, str], ...]


#: Models begun with; None: they were not looked for.
Switches = tuple[Begun, ...] | None


def conditions_of(study: Study) -> tuple[Candidate, ...]:
    """All conditions of a study."""
    own = [t.condition for t in study.trajectories]
    return tuple(
        Candidate("condition", name, np.array([float(c == name) for c in own]))
        for name in study.conditions
    )


def varying_of(
    frame: Frame, contrasts: Sequence[Place], size: Array, off: Sequence[Place]
) -> Varying:
    """Slots of all columns with contrasts or off somewhere; atoms of a family share one."""
    slot = np.full(frame.problem.n_column, -1, np.int64)
    families = families_of(frame.problem.library)
    for column, _ in (*contrasts, *off):
        if slot[column] >= 0:
            continue
        slot[column] = slot.max() + 1
        for family in families:
            if column in family.columns:
                slot[list(family.columns)] = slot[column]
    effects = tuple(Effect(int(slot[c]), made.kind, made.name, made.value) for c, made in contrasts)
    acting = tuple(Off(int(slot[c]), made.name, made.value > 0.0) for c, made in off)
    return Varying(slot, int(slot.max()) + 1, np.zeros(0), effects, size, acting)


@dataclass(frozen=True)
class Masked:
    """Regressions of the conditions, each by itself, around one model.

    Attributes
    ----------
    matrix (n_condition, n_column, n_column), vector (n_condition, n_column) : arrays
    yy, n : float
        Sums over the conditions.
    frame : Frame
    free : (n_condition, n_column) bool array
        Columns that may be off, in which condition.
    freedom : float
        Degrees of freedom of the prior of the noise's scale.
    """

    matrix: Array
    vector: Array
    yy: float
    n: float
    frame: Frame
    free: Mask
    freedom: float

    def odds(self, columns: Columns) -> float:
        """Prior log-odds of one coefficient being off in one condition."""
        return SWITCHED - float(np.log(max(int(self.free[:, columns].sum()), 1)))

    @cached_property
    def sizes(self) -> Array:
        """Log prior of a support by its size."""
        return size_prior(self.frame.prior, self.frame.problem.n_column)

    def judged(self, columns: Columns, off: Mask) -> tuple[float, Array]:
        """Log posterior of a support with what is off in it, and its coefficients."""
        prior, precision = self.frame.prior, self.frame.precision[columns]
        on = (~off[:, columns]).astype(float)
        own = self.matrix[:, columns[:, None], columns]
        a = (own * on[:, :, None] * on[:, None, :]).sum(axis=0) + np.diag(precision)
        unit = 1.0 / np.sqrt(np.diag(a))
        g = (on * self.vector[:, columns]).sum(axis=0) * unit
        try:
            root = np.linalg.cholesky(a * unit * unit[:, None])
        except np.linalg.LinAlgError:
            return -np.inf, np.zeros(columns.size)
        half = np.linalg.solve(root, g)
        mean = np.linalg.solve(root.T, half) * unit
        if ((prior.sign[columns] * mean < 0) & ~prior.required[columns]).any():
            return -np.inf, mean
        freedom = self.n + self.freedom
        rest = max((self.freedom + self.yy - float(half @ half)) / freedom, 1e-12)
        value = 0.5 * float(np.log(precision * unit**2).sum()) - float(np.log(np.diag(root)).sum())
        value -= 0.5 * freedom * float(np.log(rest))
        value += float(prior.search_odds[columns].sum() + self.sizes[columns.size])
        return value + self.odds(columns) * int(off[:, columns].sum()), mean

    def best(self, columns: Columns, off: Mask, steps: int, seed: int) -> tuple[Columns, Mask]:
        """The best support and what is off in it, from proposals around a model."""
        trials = {}
        for trial in [(columns, off), *self._proposed(columns, off, steps, seed)]:
            trials[trial[0].tobytes(), trial[1].tobytes()] = trial
        found = [(self.judged(*trial)[0], trial) for trial in trials.values()]
        value, now = max(found, key=lambda f: f[0])
        while True:
            found = [(self.judged(*trial)[0], trial) for trial in self._near(*now)]
            better, trial = max(found, key=lambda f: f[0], default=(-np.inf, now))
            if not better > value:
                return now
            value, now = better, trial

    def _near(self, columns: Columns, off: Mask) -> list[tuple[Columns, Mask]]:
        """Models with one coefficient more or less, or one switched on or off."""
        prior, out = self.frame.prior, []
        for c in columns:
            if not prior.required[c]:
                out.append(self._tidy(columns[columns != c], off))
            for j in np.nonzero(self.free[:, c])[0]:
                turned = off.copy()
                turned[j, c] ^= True
                out.append(self._tidy(columns, turned))
        for c in np.setdiff1d(np.nonzero(~prior.excluded)[0], columns):
            out.append((np.sort(np.append(columns, c)), off))
        return out

    def _tidy(self, columns: Columns, off: Mask) -> tuple[Columns, Mask]:
        """Without columns that are off everywhere, and nothing off that is not there."""
        kept = columns[~off[:, columns].all(axis=0)]
        clean = np.zeros_like(off)
        clean[:, kept] = off[:, kept]
        return kept, clean

    def _proposed(
        self, columns: Columns, off: Mask, steps: int, seed: int
    ) -> list[tuple[Columns, Mask]]:
        """What supports over all columns, and all columns in each condition, say."""
        n = self.vector.shape[1]
        pairs = [(int(j), int(c)) for j, c in zip(*np.nonzero(self.free), strict=True)]
        place = np.array([c for _, c in pairs], np.int64)
        of = np.array([j for j, _ in pairs], np.int64)
        cross = self.matrix[of, place]
        own = np.where(of[:, None] == of, self.matrix[of[:, None], place[:, None], place], 0.0)
        matrix = np.block([[self.matrix.sum(axis=0), cross.T], [cross, own]])
        vector = np.concatenate([self.vector.sum(axis=0), self.vector[of, place]])
        none = np.zeros((1, self.frame.problem.n_state))
        gram = Gram(matrix, vector, self.yy, self.n, none, none[..., None], none[..., None])
        prior, m = self.frame.prior, len(pairs)
        precision = np.append(self.frame.precision, self.frame.precision[place])
        acting = [n + i for i, (j, c) in enumerate(pairs) if off[j, c]]
        supports = select(
            gram, precision, widened(prior, m), np.append(columns, np.array(acting, np.int64)),
            freedom=self.freedom, n_steps=steps, seed=seed, keep=JUDGED,
        )  # fmt: skip
        out = []
        for support in supports.columns:
            mean = np.zeros(n + m)
            chosen = gram.matrix[np.ix_(support, support)] + np.diag(precision[support])
            mean[support] = inverse_scaled(chosen) @ vector[support]
            shared, turned = np.zeros(n, bool), np.zeros_like(off)
            shared[support[support < n]] = True
            named = np.zeros_like(off)
            for i in support[support >= n] - n:
                named[pairs[i]] = True
                whole = mean[place[i]]
                turned[pairs[i]] = shared[place[i]] and abs(whole + mean[n + i]) < REMAINS * abs(
                    whole
                )
            alone = named.any(axis=0) & ~shared  # in some conditions, in the others not
            turned[:, alone] = self.free[:, alone] & ~named[:, alone]
            out.append(self._tidy(np.nonzero(shared | alone)[0], turned))
        return out


def widened(prior: ColumnPrior, m: int) -> ColumnPrior:
    """The prior with `m` more columns behind, of which nothing is believed."""
    none = np.zeros(m, bool)
    return prior._replace(
        log_odds=np.append(prior.log_odds, np.zeros(m)),
        spread=np.append(prior.spread, np.zeros(m)),
        required=np.append(prior.required, none),
        excluded=np.append(prior.excluded, none),
        sign=np.append(prior.sign, np.zeros(m, np.int64)),
        lower=np.append(prior.lower, np.full(m, -np.inf)),
        upper=np.append(prior.upper, np.full(m, np.inf)),
    )


class SwitchedClimb(Climb):
    """A continuation in which what is off is selected with the support.

    Parameters
    ----------
    made : sequence of Candidate
        The conditions.
    free : (n_condition, n_column) bool array
        Columns that may be off, in which condition.
    """

    def __init__(
        self, start: Start, noise: Noise, seed: int, tick: Tick,
        made: Sequence[Candidate], free: Mask,
    ) -> None:  # fmt: skip
        super().__init__(start.frame, noise, seed, tick, start.coefficients)
        self.plain, self.made = start.frame, made
        self.free = free & ~self.plain.prior.held & ~self.plain.prior.excluded
        self.off = np.zeros_like(self.free)
        self.turned = self.off

    def under(self, off: Mask) -> Frame:
        """The frame with something switched off."""
        acting = [(int(c), self.made[j]) for j, c in zip(*np.nonzero(off), strict=True)]
        if not acting:
            return self.plain
        return self.plain.with_varying(varying_of(self.plain, (), np.zeros(0), acting))

    def accept(self, kappa: float, fit: Fit, gram: Gram, supports: Supports, chi2: float) -> None:
        """Make a stage the current one, with what is off in it."""
        self.off, self.frame = self.turned, self.under(self.turned)
        super().accept(kappa, fit, gram, supports, chi2)

    def stage(self, kappa: float) -> tuple[Fit, Gram, Supports, float, bool] | None:
        """Polish, linearise each condition, select, polish the newcomer."""
        self.turned, old = self.off, self.fit
        if old is not None:
            old = polish_point(self.frame, self.point, self.noise, kappa, POLISH_ITERATIONS)
            if old is None:
                return None
        base: Point = old if old is not None else self.point
        masked = self.masked(base, kappa)
        if masked is None:
            return None
        begin = base.columns if old is not None else np.nonzero(self.plain.prior.required)[0]
        columns, off = masked.best(begin, self.off, self.plain.mcmc_steps, self.seed)
        gram = Gram(
            masked.matrix.sum(axis=0), masked.vector.sum(axis=0), masked.yy, masked.n,
            base.initial, np.zeros((*base.initial.shape, 0)), np.zeros((*base.initial.shape, 0)),
        )  # fmt: skip
        supports, n = Supports((columns,), np.zeros(1)), max(masked.n, 1.0)
        if old is not None and np.array_equal(columns, old.columns) and (off == self.off).all():
            return old, gram, supports, old.cost / n, True
        self.tick("", kappa, None, None)
        start = Point(columns, masked.judged(columns, off)[1], base.initial)
        new = polish_point(self.under(off), start, self.noise, kappa, POLISH_ITERATIONS)
        if old is None and new is None:
            return None
        odds = masked.odds(columns)
        if new is not None and (
            old is None
            or self.penalised(new, n) - 2.0 * odds * off.sum()
            < self.penalised(old, n) - 2.0 * odds * self.off.sum()
        ):
            self.turned = off
            return new, gram, supports, new.cost / n, False
        assert old is not None
        return old, gram, supports, old.cost / n, True

    def masked(self, base: Point, kappa: float) -> Masked | None:
        """Regressions of the conditions around a model; None if it cannot be simulated."""
        frame, n = self.plain, self.free.shape[1]
        matrix, vector = np.zeros((len(self.made), n, n)), np.zeros((len(self.made), n))
        yy = size = 0.0
        for j, condition in enumerate(self.made):
            on = ~self.off[j, base.columns]
            for r in np.nonzero(condition.value)[0].tolist():
                point = Point(base.columns[on], base.coefficients[on], base.initial[r : r + 1])
                noise = single_noise(self.noise, frame.problem, r)
                gram = linearise(single_frame(frame, r), point, noise, kappa)
                if gram is None:
                    return None
                matrix[j] += gram.matrix
                vector[j] += gram.vector
                yy, size = yy + gram.yy, size + gram.n
        freedom = SCALE_FREEDOM_NUDGED if kappa > 0 else SCALE_FREEDOM
        return Masked(matrix, vector, yy, size, frame, self.free, freedom)


def switched_starts(
    starts: Sequence[Start],
    terms: Mask,
    noise_model: str,
    seed: int,
    tick: Callable[[int], Tick],
    executor: Executor,
) -> list[Begun]:
    """Ends of continuations in which coefficients could be off in single conditions.

    Only those in which some are, and none where conditions and columns are too many.

    Parameters
    ----------
    starts : sequence of Start
    terms : (n_column,) bool array
        Columns that may be off somewhere.
    noise_model : str
    seed : int
    tick : callable
        Gives the tick of each start.
    executor : Executor
    """
    problem = starts[0].frame.problem
    made = conditions_of(problem.study)
    if not 1 < len(made) <= MOST_CANDIDATES // max(problem.n_column, 1):
        return []
    free = terms & told_apart(problem.study, problem.library, np.array([c.value for c in made]))

    def follow(i: int) -> Begun | None:
        smooth = starts[i].frame.smooth
        noise = make_noise(problem, noise_model, smooth.sd, smooth.at_data)
        climb = SwitchedClimb(starts[i], noise, seed + i, tick(i), made, free)
        if climb.follow(starts[i].kappas):
            climb.run_free()
        if climb.fit is None or climb.kappa > 0.0 or not climb.off.any():
            return None
        off = [(int(c), made[j].name) for j, c in zip(*np.nonzero(climb.off), strict=True)]
        model = weigh(climb.frame, climb.fit, climb.noise)
        return None if model is None else Begun(climb.frame, model, tuple(off))

    return [begun for begun in executor.map(follow, range(len(starts))) if begun is not None]
