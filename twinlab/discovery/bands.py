"""Draws from the posterior over models, coefficients and initial states, and their bands."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from twinlab.expressions import TermTable
from twinlab.kernels import OK, Drive, integrate_lanes
from twinlab.library import Entries

from .noise import Noise
from .problem import Problem
from .result import QUANTILES, Band, DrawnConstants, Posterior, RankedModel

Array = NDArray[np.float64]

#: Points a trajectory is drawn with, besides the measured times.
DISPLAY_POINTS = 120
#: Share of a trajectory by which a line is drawn after an event, to show its jump as one.
AFTER_EVENT = 1e-6
DRAW_TOLERANCE = 1e-4
SHOW_TOLERANCE = 1e-7
#: Draws simulated by one call: short enough to stop soon, long enough to be worth a thread.
CHUNK = 50
#: Values sorted at once, few enough to stay in the processor's cache.
SORTED_AT_ONCE = 40_000


def display_grid(problem: Problem, trajectory: int, horizon: float | None) -> Array:
    """Times to draw a trajectory at: a regular grid, every measured time, both sides of a jump."""
    t = problem.times(trajectory)
    end = t[-1] if horizon is None else max(t[-1], horizon)
    regular = np.linspace(t[0], end, DISPLAY_POINTS)
    events = problem.schedule.events(trajectory)
    if events.size:
        both = np.concatenate([events, events + AFTER_EVENT * (end - t[0])])
        regular = np.union1d(regular, both[both <= end])
    # A grid time within rounding of a measured one would make a step of no length.
    gap = 1e-9 * (end - t[0])
    near = np.abs(regular - t[np.clip(np.searchsorted(t, regular), 0, t.size - 1)]) < gap
    near |= np.abs(regular - t[np.clip(np.searchsorted(t, regular) - 1, 0, t.size - 1)]) < gap
    return np.sort(np.concatenate([t, regular[~near]]))


@dataclass(frozen=True)
class Lot:
    """Draws that are simulated by one call, as tables of the terms that any of them has.

    Attributes
    ----------
    rows : (n,) int array
        Which draws.
    terms, entries : TermTable, Entries
    coefficients : (n, n_active) array
    constants, exponents : (n, n_term, 3) arrays or None
        Of each draw's factors, where some were fitted.
    """

    rows: NDArray[np.int64]
    terms: TermTable
    entries: Entries
    coefficients: Array
    constants: Array | None
    exponents: Array | None


def make_lots(
    problem: Problem, coefficients: Array, constants: DrawnConstants | None = None
) -> list[Lot]:
    """Share draws out: those of one support stand together, and share a lot with others' rest.

    Parameters
    ----------
    problem : Problem
    coefficients : (n_draw, n_column) array
        Zero where a draw's model leaves a column out.
    constants : DrawnConstants, optional
        Constants of Hill functions, one set a draw; those of the library by default.
    """
    support = [key.tobytes() for key in np.packbits(coefficients != 0, axis=1)]
    first = {key: row for row, key in reversed(list(enumerate(support)))}
    order = np.array(sorted(range(len(support)), key=lambda row: (first[support[row]], row)))
    lots = []
    for i in range(0, len(order), CHUNK):
        rows = order[i : i + CHUNK]
        columns = np.nonzero((coefficients[rows] != 0).any(axis=0))[0]
        terms, entries = problem.active(columns)
        own = np.ascontiguousarray(coefficients[np.ix_(rows, columns)])
        lots.append(
            Lot(
                rows, terms, entries, own, *_own_constants(terms, entries, columns, rows, constants)
            )
        )
    return lots


def _own_constants(
    terms: TermTable,
    entries: Entries,
    columns: NDArray[np.int64],
    rows: NDArray[np.int64],
    constants: DrawnConstants | None,
) -> tuple[Array | None, Array | None]:
    """Constants and exponents (n_row, n_term, 3) of some draws; None where all share the table's.

    A fitted term belongs to one column, so that its row of the table is its own.
    """
    if constants is None or not np.isin(constants.column, columns).any():
        return None, None
    fitted = np.nonzero(np.isin(constants.column, columns))[0]
    place = np.searchsorted(columns, constants.column[fitted])
    row = entries.term[[np.nonzero(entries.column == p)[0][0] for p in place]]
    factor = constants.factor[fitted]
    constant = np.repeat(terms.constant[None], rows.size, axis=0)
    exponent = np.repeat(terms.exponent[None], rows.size, axis=0)
    constant[:, row, factor] = constants.value[np.ix_(rows, fitted)][:, :, 0]
    exponent[:, row, factor] = constants.value[np.ix_(rows, fitted)][:, :, 1]
    return constant, exponent


def simulate(
    problem: Problem,
    trajectory: int,
    time: Array,
    lots: Sequence[Lot],
    initial: Array,
    *,
    relative: float = SHOW_TOLERANCE,
    executor: Executor | None = None,
    drive: Drive | None = None,
) -> tuple[Array, NDArray[np.int64]]:
    """Simulate parameter draws of one trajectory.

    Parameters
    ----------
    problem : Problem
    trajectory : int
        Whose inputs apply.
    time : (n_time,) array
        Starts at the trajectory's first time.
    lots : sequence of Lot
        The draws (`make_lots`).
    initial : (n_draw, n_state) array
    relative : float
        Relative tolerance of the integrator.
    executor : Executor, optional
        Shares the lots out; the result does not depend on it.
    drive : Drive, optional
        Nudging toward a smooth; none by default.

    Returns
    -------
    x : (n_draw, n_time, n_state) array
        NaN after a draw has diverged.
    status : (n_draw,) int array
        0, or the reason of the failure.
    """
    out = np.empty((len(initial), time.size, problem.n_state))
    status = np.zeros(len(initial), np.int64)
    drive = drive if drive is not None else problem.drive()
    tolerance = problem.tolerance(relative)

    def run(lot: Lot) -> None:
        first, n = lot.rows[0], lot.rows.size
        # Draws that stand together are written where they belong.
        together = np.array_equal(lot.rows, np.arange(first, first + n))
        part = out[first : first + n] if together else np.empty((n, *out.shape[1:]))
        own = np.zeros(n, np.int64)
        integrate_lanes(
            np.ascontiguousarray(initial[lot.rows]), time, lot.terms, lot.entries,
            lot.coefficients, trajectory, drive, tolerance, part, own, lot.constants,
            lot.exponents,
        )  # fmt: skip
        status[lot.rows] = own
        if not together:
            out[lot.rows] = part

    list(executor.map(run, lots) if executor is not None else map(run, lots))
    return out, status


def pointwise_quantiles(draws: Array) -> Array:
    """Quantiles (5, n, n_observable) at ``QUANTILES`` over the first axis (as `central_interval`).

    Sorted along contiguous memory, some times at once: several times faster than
    ``numpy.quantile``.
    """
    n, n_time, width = draws.shape
    out = np.empty((len(QUANTILES), n_time, width))
    step = max(1, SORTED_AT_ONCE // max(n * width, 1))
    ordered = np.empty((min(step, n_time), width, n))
    places = np.clip(np.array(QUANTILES) * (n + 1) - 1.0, 0.0, n - 1.0)
    low = places.astype(int)
    high, share = np.minimum(low + 1, n - 1), places - low
    for i in range(0, n_time, step):
        part = ordered[: min(step, n_time - i)]
        np.copyto(part, np.moveaxis(draws[:, i : i + step], 0, -1))
        part.sort(axis=-1)
        below = part[..., low]
        out[:, i : i + step] = np.moveaxis(below + share * (part[..., high] - below), -1, 0)
    return out


class BandsOnDemand(Sequence[Band]):
    """Bands of every trajectory, each simulated when it is first asked for.

    A view that shows one subject at a time need not wait for the others.

    Parameters
    ----------
    problem : Problem
    posterior : Posterior
    centre : RankedModel
        The model drawn as the line.
    noise : Noise
    horizon : float or None
    executor : Executor, optional
        Shares out the draws of a trajectory; the result does not depend on it.
    """

    def __init__(
        self,
        problem: Problem,
        posterior: Posterior,
        centre: RankedModel,
        noise: Noise,
        horizon: float | None,
        executor: Executor | None = None,
    ) -> None:
        self._problem, self._posterior, self._centre = problem, posterior, centre
        self._noise, self._horizon, self._executor = noise, horizon, executor
        self._shared = self._lots(0) if posterior.local is None else None
        self._made: dict[int, Band] = {}

    def __len__(self) -> int:
        return self._problem.n_trajectory

    @overload
    def __getitem__(self, index: int) -> Band: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Band, ...]: ...

    def __getitem__(self, index: int | slice) -> Band | tuple[Band, ...]:
        chosen = range(len(self))[index]
        if isinstance(chosen, range):
            return tuple(self[r] for r in chosen)
        if chosen not in self._made:
            self._made[chosen] = self._make(chosen)
        return self._made[chosen]

    def _lots(self, trajectory: int) -> tuple[list[Lot], list[Lot]]:
        """Lots of the central model, and of the draws."""
        problem, posterior = self._problem, self._posterior
        line = self._centre.full(trajectory, problem.n_column)[None]
        draws = make_lots(problem, posterior.of(trajectory), posterior.constants)
        return make_lots(problem, line), draws

    def _make(self, r: int) -> Band:
        problem, noise = self._problem, self._noise
        line, lots = self._shared if self._shared is not None else self._lots(r)
        time = display_grid(problem, r, self._horizon)
        mean, _ = simulate(problem, r, time, line, self._centre.initial[r][None])
        draws, status = simulate(
            problem, r, time, lots, self._posterior.initial[:, r],
            relative=DRAW_TOLERANCE, executor=self._executor,
        )  # fmt: skip
        good = draws if not status.any() else draws[status == OK]
        if len(good) == 0:
            good = mean
        quantiles = pointwise_quantiles(problem.observe(good))
        spread = predictive(quantiles, noise)
        # What cannot be measured by itself has no measurement error to add.
        spread[..., ~problem.seen] = quantiles[..., ~problem.seen]
        return Band(time, problem.observe(mean[0]), quantiles, spread, int((status != OK).sum()))


def make_bands(
    problem: Problem,
    posterior: Posterior,
    centre: RankedModel,
    noise: Noise,
    horizon: float | None,
    executor: Executor | None = None,
) -> tuple[Band, ...]:
    """Bands of every trajectory; the arguments are those of `BandsOnDemand`."""
    if problem.n_trajectory == 1 or executor is None:
        return tuple(BandsOnDemand(problem, posterior, centre, noise, horizon, executor))
    bands = BandsOnDemand(problem, posterior, centre, noise, horizon)
    return tuple(executor.map(bands.__getitem__, range(len(bands))))


def predictive(quantiles: Array, noise: Noise) -> Array:
    """Add observation noise to quantiles of the trajectory.

    The distance of each quantile from the median and the noise's own are added in squares, on the
    scale on which the noise is normal: exact for a normal posterior and noise, smooth for any.

    Parameters
    ----------
    quantiles : (5, n, n_observable) array
    noise : Noise
    """
    in_log = noise.logarithmic
    values = np.where(in_log, np.log(np.maximum(quantiles, 1e-300)), quantiles)
    median = values[QUANTILES.index(0.5)]
    sd = noise.at(median)
    out = np.empty_like(values)
    for i, q in enumerate(QUANTILES):
        reach = np.sqrt((values[i] - median) ** 2 + (noise.quantile(q) * sd) ** 2)
        out[i] = median + np.sign(q - 0.5) * reach
    with np.errstate(over="ignore"):  # of a state never measured, whose noise means nothing
        return np.where(in_log, np.exp(np.where(in_log, out, 0.0)), out)


def draw_stretch(freedom: float, n: int, rng: np.random.Generator) -> Array:
    """By how much each draw (n,) is wider than normal: the noise's size is itself estimated.

    The same for all that a draw holds, coefficients and initial states alike.
    """
    return np.sqrt(freedom / rng.chisquare(freedom, n))


def draw_conditional(
    mean: Array,
    factor: Array,
    stretch: Array,
    bounds: tuple[Array, Array],
    rng: np.random.Generator,
) -> Array:
    """Draws (n, k) of a multivariate t around `mean`, held within the bounds.

    Parameters
    ----------
    mean : (k,) array
    factor : (k, k) array
        ``factor @ factor.T`` is the scale matrix.
    stretch : (n,) array
        As `draw_stretch` gives it.
    """
    z = rng.standard_normal((stretch.size, mean.size))
    return np.clip(mean + stretch[:, None] * (z @ factor.T), *bounds)


def shares(probability: Sequence[float] | Array, n: int) -> NDArray[np.int64]:
    """How many of `n` draws each model gets: systematic sampling, so that no luck is involved."""
    edges = np.cumsum(probability) / np.sum(probability)
    at = (np.arange(n) + 0.5) / n
    return np.bincount(np.searchsorted(edges, at), minlength=len(edges))[: len(edges)]
