"""PySINDy as a peer: weak form with bagging, on the same study and the same candidate terms.

Two configurations.  *Default*: STLSQ with threshold 0.1, columns as they are.  *Best*: support
size, test-function width and normalisation chosen by BIC on simulated trajectories (PySINDy has
no selector of its own; the truth is not used).  Intervals are quantiles of the bagged
coefficients, zero where a bag leaves the term out (E-SINDy, Fasel et al. 2022, Proc. R. Soc. A
478, 20210904).

PySINDy takes no missing values: gaps are interpolated linearly.  The weak form takes one time
grid for all trajectories: other data are a recorded failure, as is any exception it raises.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinlab.library import Library
from twinlab.study import Study

from .scoring import Answer
from .trajectory_bic import TrajectoryBic

Array = NDArray[np.float64]
N_MODELS = 30  #: bags of the ensemble
DEFAULT_THRESHOLD = 0.1
DEFAULT_RIDGE = 0.05  #: STLSQ's own default
BEST_RIDGE = 1e-3  #: less shrinkage of small states
DEFAULT_CELLS = 100  #: weak-form test functions a trajectory
BEST_CELLS = 200  #: the same for all trajectories together, at least 40 each
WIDTHS = (0.05, 0.1, 0.2)  #: half widths of a test function, as fractions of the horizon
THRESHOLDS = tuple(np.geomspace(0.01, 0.6, 7).tolist())
REFINEMENT = (0.4, 0.7, 1.0, 1.5, 2.5, 4.0)  #: times the best single threshold, for the ensemble


class PeerError(Exception):
    """The data or the library cannot be given to the peer."""


@dataclass(frozen=True)
class PeerData:
    """What PySINDy is given: one grid, one (n_time, n_state) array a trajectory, and terms."""

    time: Array
    values: tuple[Array, ...]
    library: Library


def installed() -> bool:
    """Whether pysindy can be imported."""
    try:
        import pysindy  # noqa: F401
    except ImportError:
        return False
    return True


def prepare() -> None:
    """Compile or load the simulator of the selector, so that no run is charged with it."""
    library = Library.polynomial(("x",), degree=1)
    TrajectoryBic(library, np.linspace(0.0, 1.0, 5), (np.ones((5, 1)),))(np.zeros((1, 2)))


def answer(study: Study, library: Library, seed: int, *, best: bool = False) -> Answer:
    """Discover equations with PySINDy; a crash or an unfit input is an answer that says so.

    Parameters
    ----------
    study : Study
    library : Library
        Plain columns only, the same terms in every equation.
    seed : int
        Seeds NumPy's global generator, which PySINDy draws its bags from.
    best : bool
        Choose the configuration by BIC on simulated trajectories.
    """
    state = np.random.get_state()
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.random.seed(seed)
            data = peer_data(study, library)
            fit, bags, remarks = _best(data, seed) if best else _default(data)
    except Exception as error:  # a crash is an outcome of a benchmark, not its end
        seconds = time.perf_counter() - start
        return Answer({}, seconds=seconds, failure=f"{type(error).__name__}: {error}")
    finally:
        np.random.set_state(state)
    answered = _as_answer(data, fit, bags)
    return replace(answered, seconds=time.perf_counter() - start, remarks=remarks)


def peer_data(study: Study, library: Library) -> PeerData:
    """Put a study and a library into the form PySINDy takes.

    Raises
    ------
    PeerError
        Different time grids, a state that is never measured in a trajectory, reactions, inputs,
        or equations with different candidate terms.
    """
    per_state = [
        [library.columns[c].term for c in library.columns_of(i)] for i in range(len(library.states))
    ]
    if library.inputs or any(library.column_state(c) < 0 for c in range(len(library.columns))):
        raise PeerError("only plain terms of states can be given to the peer")
    if any(sorted(terms) != sorted(per_state[0]) for terms in per_state):
        raise PeerError("the peer needs the same candidate terms in every equation")
    grid = study.trajectories[0].time
    index = [study.variables.index(state) for state in library.states]
    values = []
    for trajectory in study.trajectories:
        if trajectory.time.shape != grid.shape or not np.allclose(trajectory.time, grid):
            raise PeerError("the peer's weak form needs one time grid for all trajectories")
        values.append(_filled(grid, trajectory.value[:, index]))
    return PeerData(grid, tuple(values), library)


def _filled(grid: Array, values: Array) -> Array:
    """Gaps interpolated linearly."""
    filled = values.copy()
    for column in filled.T:
        known = np.isfinite(column)
        if not known.any():
            raise PeerError("a state is never measured in one of the trajectories")
        column[~known] = np.interp(grid[~known], grid[known], column[known])
    return filled


def _features(data: PeerData, cells: int, half_width: float | None = None) -> tuple[Array, Array]:
    """Weak-form features (n_row, n_term) and integrated derivatives (n_row, n_state)."""
    import pysindy as ps

    from .pysindy_library import TermLibrary

    taken: dict[str, Array] = {}

    class Recorder(ps.STLSQ):
        """STLSQ that keeps the regression problem it is given."""

        def fit(self, x_: Array, y: Array, **options: object) -> Recorder:
            taken["x"], taken["y"] = np.array(x_), np.array(y)
            return super().fit(x_, y, **options)

    options = {} if half_width is None else {"H_xt": half_width, "p": 4}
    weak = ps.WeakPDELibrary(
        function_library=TermLibrary(data.library.terms, data.library.states),
        spatiotemporal_grid=data.time,
        K=cells,
        **options,
    )
    model = ps.SINDy(optimizer=Recorder(threshold=0.0), feature_library=weak)
    model.fit(list(data.values), t=[data.time] * len(data.values))
    return taken["x"], taken["y"]


def _ensemble(x: Array, y: Array, threshold: float, normalised: bool, ridge: float) -> Array:
    """Coefficients of every bag, shape (n_bag, n_state, n_term)."""
    import pysindy as ps

    single = ps.STLSQ(threshold=threshold, alpha=ridge, normalize_columns=normalised)
    optimizer = ps.EnsembleOptimizer(single, bagging=True, n_models=N_MODELS)
    optimizer.fit(x, y)
    return np.asarray(optimizer.coef_list, float)


def _default(data: PeerData) -> tuple[Array, Array, dict[str, str | float]]:
    x, y = _features(data, DEFAULT_CELLS)
    bags = _ensemble(x, y, DEFAULT_THRESHOLD, False, DEFAULT_RIDGE)
    return np.median(bags, axis=0), bags, {}


def _candidates(
    data: PeerData,
) -> Iterator[tuple[Array, Array, bool, float, Array]]:
    """Single fits over widths, normalisation and thresholds: (x, y, normalised, threshold, fit)."""
    import pysindy as ps

    cells = max(40, BEST_CELLS // len(data.values))
    span = float(data.time[-1] - data.time[0])
    for width in WIDTHS:
        x, y = _features(data, cells, width * span)
        for normalised in (False, True):
            # coefficients of normalised columns have the size of the response
            unit = 0.5 * float(np.linalg.norm(y, axis=0).mean()) if normalised else 1.0
            for threshold in THRESHOLDS:
                fit = ps.STLSQ(
                    threshold=threshold * unit, alpha=BEST_RIDGE, normalize_columns=normalised
                ).fit(x, y)
                yield x, y, normalised, threshold * unit, np.asarray(fit.coef_, float)


def _best(data: PeerData, seed: int) -> tuple[Array, Array, dict[str, str | float]]:
    """Coefficients and bags of the lowest BIC on simulated trajectories.

    The best single fit is refined by ensembles around its threshold; where no ensemble's median
    model has a lower BIC, the single fit stays and only its intervals come from the bags.
    """
    bic = TrajectoryBic(data.library, data.time, data.values)
    scored = [(bic(fit), x, y, n, h, fit) for x, y, n, h, fit in _candidates(data)]
    value, x, y, normalised, threshold, fit = min(scored, key=lambda row: row[0])
    remarks: dict[str, str | float] = {"columns": "normalised" if normalised else "plain"}
    ensembles = []
    for factor in REFINEMENT:
        np.random.seed(seed)
        bags = _ensemble(x, y, factor * threshold, normalised, BEST_RIDGE)
        median = np.median(bags, axis=0)
        ensembles.append((bic(median), factor * threshold, median, bags))
    best = min(ensembles, key=lambda row: row[0])
    if best[0] < value:
        value, threshold, fit, bags = best
    else:
        bags = ensembles[REFINEMENT.index(1.0)][3]
    return fit, bags, {**remarks, "threshold": threshold, "bic": value}


def _as_answer(data: PeerData, fit: Array, bags: Array) -> Answer:
    """Equations of the non-zero coefficients (n_state, n_term), with quantiles of the bags."""
    low, high = np.quantile(bags, [0.05, 0.95], axis=0)
    names = [term.text for term in data.library.terms]
    equations: dict[str, dict[str, float]] = {}
    intervals: dict[tuple[str, str], tuple[float, float]] = {}
    for i, state in enumerate(data.library.states):
        active = np.flatnonzero(fit[i])
        equations[state] = {names[k]: float(fit[i, k]) for k in active}
        for k in active:
            intervals[state, names[k]] = (float(low[i, k]), float(high[i, k]))
    return Answer(equations, intervals)
