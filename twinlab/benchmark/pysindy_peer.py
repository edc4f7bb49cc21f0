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

import math
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study

from .peer_data import PeerData, by_equation, coefficient_table, common_grid, peer_data
from .scoring import Answer
from .simulation import DrawSimulator
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
SEARCH = 0.5  #: share of the time budget after which no further configuration is tried
LEAST_WIDTH = 2.0  #: half width, in steps, of test functions that would be narrower than a step
DEFAULT_WIDTH = 0.05  #: the weak form's own half width, as a fraction of the horizon


def installed() -> bool:
    """Whether pysindy can be imported."""
    try:
        import pysindy  # noqa: F401
    except ImportError:
        return False
    return True


def prepare() -> None:
    """Load PySINDy and the simulator of the selector, so that no run is charged with them."""
    library = Library.polynomial(("x",), degree=1)
    grid = np.linspace(0.0, 1.0, 5)
    TrajectoryBic(library, grid, (np.ones((5, 1)),))(np.zeros((1, 2)))
    if installed():
        from . import pysindy_library  # noqa: F401


def answer(
    study: Study, library: Library, seed: int, *, best: bool = False, budget: float = math.inf
) -> Answer:
    """Discover equations with PySINDy; a crash or an unfit input is an answer that says so.

    Parameters
    ----------
    study : Study
    library : Library
        Plain columns only.
    seed : int
        Seeds NumPy's global generator, which PySINDy draws its bags from.
    best : bool
        Choose the configuration by BIC on simulated trajectories.
    budget : float
        Seconds; the search of *best* goes on with what it has when `SEARCH` of it are gone.
    """
    state = np.random.get_state()
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.random.seed(seed)
            data = peer_data(study, library)
            deadline = start + SEARCH * budget
            fit, bags, remarks = _best(data, seed, deadline) if best else _default(data)
    except Exception as error:  # a crash is an outcome of a benchmark, not its end
        seconds = time.perf_counter() - start
        return Answer({}, seconds=seconds, failure=f"{type(error).__name__}: {error}")
    finally:
        np.random.set_state(state)
    answered = as_answer(data, fit, bags)
    return replace(answered, seconds=time.perf_counter() - start, remarks=remarks)


def default_answer(
    study: Study, library: Library, knowledge: Knowledge, seed: int, budget: float
) -> Answer:
    """Answer the benchmark with the default; PySINDy takes no prior knowledge of terms."""
    return answer(common_grid(study), library, seed)


def best_answer(
    study: Study, library: Library, knowledge: Knowledge, seed: int, budget: float
) -> Answer:
    """Answer the benchmark with the best honest configuration."""
    return answer(common_grid(study), library, seed, best=True, budget=budget)


def features(data: PeerData, cells: int, half_width: float | None = None) -> tuple[Array, Array]:
    """Weak-form features (n_row, n_term) and integrated derivatives (n_row, n_state)."""
    import pysindy as ps

    from .pysindy_library import TermLibrary

    taken: dict[str, Array] = {}
    own = DEFAULT_WIDTH * float(np.ptp(data.time))
    if half_width is None and wide_enough(data, own) != own:
        half_width = wide_enough(data, own)

    class Recorder(ps.STLSQ):
        """STLSQ that keeps the regression problem it is given."""

        def fit(self, x_: Array, y: Array, **options: object) -> Recorder:
            taken["x"], taken["y"] = np.array(x_), np.array(y)
            return super().fit(x_, y, **options)

    options = {} if half_width is None else {"H_xt": half_width, "p": 4}
    weak = ps.WeakPDELibrary(
        function_library=TermLibrary(data.library.terms, data.names),
        spatiotemporal_grid=data.time,
        K=cells,
        **options,
    )
    model = ps.SINDy(optimizer=Recorder(threshold=0.0), feature_library=weak)
    model.fit(list(data.values), t=[data.time] * len(data.values))
    return taken["x"], taken["y"][:, : data.n_state]


def ensemble(
    data: PeerData, x: Array, y: Array, threshold: float, normalised: bool, ridge: float
) -> Array:
    """Coefficients of every bag, shape (n_bag, n_state, n_term)."""
    import pysindy as ps

    def bags(part: Array, response: Array) -> Array:
        single = ps.STLSQ(threshold=threshold, alpha=ridge, normalize_columns=normalised)
        optimizer = ps.EnsembleOptimizer(single, bagging=True, n_models=N_MODELS)
        optimizer.fit(part, response)
        return np.asarray(optimizer.coef_list, float)

    return by_equation(data.allowed, x, y, bags)


def single(
    data: PeerData, x: Array, y: Array, threshold: float, normalised: bool, ridge: float
) -> Array:
    """Coefficients (n_state, n_term) of one fit."""
    import pysindy as ps

    def fit(part: Array, response: Array) -> Array:
        optimizer = ps.STLSQ(threshold=threshold, alpha=ridge, normalize_columns=normalised)
        return np.asarray(optimizer.fit(part, response).coef_, float)

    return by_equation(data.allowed, x, y, fit)


def _default(data: PeerData) -> tuple[Array, Array, dict[str, str | float]]:
    x, y = features(data, DEFAULT_CELLS)
    bags = ensemble(data, x, y, DEFAULT_THRESHOLD, False, DEFAULT_RIDGE)
    return np.median(bags, axis=0), bags, {}


def wide_enough(data: PeerData, half_width: float) -> float:
    """The half width; two steps in the place of one below a step, which PySINDy fails on."""
    step = float(np.diff(data.time).max())
    return half_width if half_width > step else LEAST_WIDTH * step


def widths(data: PeerData) -> tuple[float, ...]:
    """Half widths of test functions to try, in units of time; each holds some data."""
    span = float(np.ptp(data.time))
    wide = (wide_enough(data, width * span) for width in WIDTHS)
    return tuple(dict.fromkeys(w for w in wide if w < 0.5 * span))


def single_fits(
    data: PeerData,
) -> Iterator[tuple[Array, Array, bool, float, Array]]:
    """Single fits over widths, normalisation and thresholds: (x, y, normalised, threshold, fit)."""
    cells = max(40, BEST_CELLS // len(data.values))
    for width in widths(data):
        x, y = features(data, cells, width)
        for normalised in (False, True):
            # coefficients of normalised columns have the size of the response
            unit = 0.5 * float(np.linalg.norm(y, axis=0).mean()) if normalised else 1.0
            for threshold in THRESHOLDS:
                fit = single(data, x, y, threshold * unit, normalised, BEST_RIDGE)
                yield x, y, normalised, threshold * unit, fit


def _best(
    data: PeerData, seed: int, deadline: float = math.inf
) -> tuple[Array, Array, dict[str, str | float]]:
    """Coefficients and bags of the lowest BIC on simulated trajectories.

    The best single fit is refined by ensembles around its threshold; where no ensemble's median
    model has a lower BIC, the single fit stays and only its intervals come from the bags.
    """
    q = data.n_state
    bic = TrajectoryBic(
        data.library,
        data.time,
        tuple(v[:, :q] for v in data.values),
        inputs=tuple(v[:, q:] for v in data.values),
    )
    scored = []
    for x, y, normalised, threshold, fit in single_fits(data):
        scored.append((bic(fit), x, y, normalised, threshold, fit))
        if time.perf_counter() > deadline:
            break
    value, x, y, normalised, threshold, fit = min(scored, key=lambda row: row[0])
    remarks: dict[str, str | float] = {"columns": "normalised" if normalised else "plain"}
    ensembles = []
    for factor in REFINEMENT:
        np.random.seed(seed)
        bags = ensemble(data, x, y, factor * threshold, normalised, BEST_RIDGE)
        median = np.median(bags, axis=0)
        ensembles.append((bic(median), factor * threshold, median, bags))
        if factor >= 1.0 and time.perf_counter() > deadline:
            break
    best = min(ensembles, key=lambda row: row[0])
    if best[0] < value:
        value, threshold, fit, bags = best
    else:
        bags = ensembles[REFINEMENT.index(1.0)][3]
    return fit, bags, {**remarks, "threshold": threshold, "bic": value}


def as_answer(data: PeerData, fit: Array, bags: Array) -> Answer:
    """Equations of the non-zero coefficients (n_state, n_term), with quantiles of the bags.

    A term's inclusion probability is the share of bags that hold it, and a forecast band is that
    of the bags' simulations (Fasel et al. 2022, section 2).
    """
    scale = np.concatenate(data.values).std(axis=0)[: data.n_state]
    simulator = DrawSimulator(data.names, data.library.terms, scale)
    share = (bags != 0.0).mean(axis=0)
    names = [term.text for term in data.library.terms]
    states = data.library.states
    return Answer(
        coefficient_table(data.library, fit),
        _intervals(data.library, fit, bags, 0.05),
        intervals50=_intervals(data.library, fit, bags, 0.25),
        inclusion={
            (state, name): float(share[i, k])
            for i, state in enumerate(states)
            for k, name in enumerate(names)
            if data.allowed[i, k]
        },
        forecaster=lambda start, at, inputs: simulator.quantiles(start, at, bags, inputs),
    )


def _intervals(
    library: Library, fit: Array, bags: Array, tail: float
) -> dict[tuple[str, str], tuple[float, float]]:
    """Quantiles `tail` and 1 - `tail` over the bags, of the coefficients in the model."""
    low, high = np.quantile(bags, (tail, 1.0 - tail), axis=0)
    return {
        (state, library.terms[k].text): (float(low[i, k]), float(high[i, k]))
        for i, state in enumerate(library.states)
        for k in np.flatnonzero(fit[i])
    }
