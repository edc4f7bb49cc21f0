"""Speed of sparse regression on derivatives beside PySINDy's: STLSQ, its ensemble, Bayes.

Run as ``python -m twinlab.benchmark.sparse_regression``.  Lorenz's system with 1 % noise; both
sides get the same features and the same derivatives, so that the work is the same.  The Bayesian
row sets PySINDy's horseshoe by NUTS (SBR) beside the spike-and-slab posterior of the project on
the Gram matrix, with what each finds: equations whose support is right, and how many of the true
coefficients lie in the 90 % intervals.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from functools import partial
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.interpolate import make_smoothing_spline
from scipy.stats import t as student

from twinlab.discovery.model_prior import log_size_prior
from twinlab.kernels import Regression, spike_slab_search

from .side_by_side import machine, one_blas_thread, table, take_turns, version
from .stlsq import stlsq, stlsq_ensemble

Array = NDArray[np.float64]
THRESHOLD = 0.1
N_JUMPS = 400
#: Supports whose probabilities are counted.
N_KEPT = 5000
FREEDOM = 20.0  #: of the noise scale's prior
SLAB_WIDTH = 10.0
SMALL = 1e-2  #: a coefficient of the horseshoe below it counts as absent


def lorenz(n: int, step: float, degree: int, seed: int = 0) -> tuple[Array, Array, Array]:
    """Features (n, p), derivatives (n, 3) by smoothing splines, and true coefficients (3, p)."""
    time_points = step * np.arange(n)

    def slope(_t: float, x: Array) -> list[float]:
        return [10 * (x[1] - x[0]), x[0] * (28 - x[2]) - x[1], x[0] * x[1] - 8 / 3 * x[2]]

    x = solve_ivp(
        slope, (0, time_points[-1]), [-8, 8, 27], "DOP853", time_points, rtol=1e-9, atol=1e-9
    ).y.T
    rng = np.random.default_rng(seed)
    x = x + 0.01 * x.std(0) * rng.standard_normal(x.shape)
    smooth = [make_smoothing_spline(time_points, column) for column in x.T]
    z = np.stack([spline(time_points) for spline in smooth], axis=1)
    slopes = np.stack([spline.derivative()(time_points) for spline in smooth], axis=1)
    sets = [c for size in range(degree + 1) for c in combinations_with_replacement(range(3), size)]
    truth = np.zeros((3, len(sets)))
    for state, term, value in (
        (0, (0,), -10.0), (0, (1,), 10.0), (1, (0,), 28.0), (1, (1,), -1.0), (1, (0, 2), -1.0),
        (2, (0, 1), 1.0), (2, (2,), -8 / 3),
    ):  # fmt: skip
        truth[state, sets.index(term)] = value
    features = np.stack([np.prod(z[:, list(c)], axis=1) for c in sets], axis=1)
    return features, slopes, truth


def spike_and_slab(features: Array, slopes: Array, seed: int = 0) -> tuple[Array, Array, Array]:
    """Inclusion probabilities, and 90 % intervals of the best model, of every equation.

    Returns
    -------
    inclusion, low, high : (n_target, n_feature) arrays
    """
    n, p = features.shape
    gram = np.ascontiguousarray(features.T @ features)
    keys = np.random.default_rng(1).integers(1, 2**63, size=(p,), dtype=np.uint64)
    none = np.zeros(p, bool)
    inclusion, low, high = np.zeros((3, slopes.shape[1], p))
    for e, y in enumerate(slopes.T):
        sigma2 = _residual_variance(gram, features.T @ y, float(y @ y), n)
        scaled, vector, yy = gram / sigma2, features.T @ y / sigma2, float(y @ y) / sigma2
        precision = np.diagonal(gram) / (SLAB_WIDTH**2 * float(y @ y))
        regression = Regression(
            scaled, vector, yy, float(n), precision, np.zeros(p), log_size_prior(p, p), none,
            ~none, np.zeros(p, np.int64), FREEDOM,
        )  # fmt: skip
        supports, values = spike_slab_search(regression, keys, none[None], N_JUMPS, seed, N_KEPT)
        weight = np.exp(values - values[0])
        weight /= weight.sum()
        for support, share in zip(supports, weight, strict=True):
            inclusion[e, support] += share
        best = supports[0]
        covariance = np.linalg.inv(scaled[np.ix_(best, best)] + np.diag(precision[best]))
        mean = covariance @ vector[best]
        reach = student.ppf(0.95, FREEDOM + n) * np.sqrt(np.diagonal(covariance))
        low[e, best], high[e, best] = mean - reach, mean + reach
    return inclusion, low, high


def _residual_variance(gram: Array, vector: Array, yy: float, n: int) -> float:
    """Variance of the full regression's residuals: the scale that the noise is counted in."""
    fitted = np.linalg.lstsq(gram, vector, rcond=1e-12)[0]
    return max(yy - float(vector @ fitted), 1e-12 * yy) / (n - len(vector))


def horseshoe(features: Array, slopes: Array) -> tuple[Array, Array, Array, int]:
    """PySINDy's SBR as it comes: median, 90 % intervals, number of divergent transitions."""
    import pysindy as ps

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ps.optimizers.SBR(mcmc_kwargs={"progress_bar": False, "seed": 0})
        model.fit(features, slopes)
    draws = np.asarray(model.mcmc_.get_samples()["beta"])
    extra = model.mcmc_.get_extra_fields()
    divergent = int(np.asarray(extra["diverging"]).sum()) if "diverging" in extra else -1
    low, high = np.quantile(draws, (0.05, 0.95), axis=0)
    return np.median(draws, axis=0), low, high, divergent


def quality(found: NDArray[np.bool_], low: Array, high: Array, truth: Array) -> str:
    """Right supports and covered true coefficients in words."""
    right = int((found == (truth != 0)).all(axis=1).sum())
    true = truth != 0
    covered = int(((low <= truth) & (truth <= high))[true].sum())
    return f"{right} of {len(truth)} supports right, {covered} of {true.sum()} truths covered"


def deterministic(repeats: int) -> str:
    """Tables of STLSQ and its ensemble."""
    out = []
    for title, n, step, models in (
        ("STLSQ, 10,000 x 20", 10_000, 0.002, 0),
        ("100 bagged models, 2,000 x 20", 2_000, 0.005, 100),
    ):
        features, slopes, _ = lorenz(n, step, 3)
        own: Callable[[], Array] = (
            partial(stlsq_ensemble, features, slopes, THRESHOLD, n_models=models)
            if models
            else partial(stlsq, features, slopes, THRESHOLD)
        )
        found = own()
        tasks, notes = {"TwinLab": own}, {}
        if version("pysindy") is not None:
            tasks["PySINDy"] = pysindy_stlsq(features, slopes, models)
            if not models:
                apart = np.abs(tasks["PySINDy"]() - found).max()
                notes["PySINDy"] = f"largest difference of a coefficient {apart:.0e}"
        out.append(f"{title}, 3 equations\n{table(take_turns(tasks, repeats), 'TwinLab', notes)}")
    return "\n\n".join(out)


def pysindy_stlsq(features: Array, slopes: Array, models: int) -> Callable[[], Array]:
    """A call of PySINDy's STLSQ, or of its bagged ensemble of `models`."""
    import pysindy as ps

    def fit() -> Array:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimizer = ps.STLSQ(threshold=THRESHOLD)
            if models:
                optimizer = ps.EnsembleOptimizer(optimizer, bagging=True, n_models=models)
            return np.asarray(optimizer.fit(features, slopes).coef_)

    return fit


def bayesian() -> str:
    """Times and quality of the two posteriors on 500 points; SBR runs once."""
    features, slopes, truth = lorenz(500, 0.01, 2)
    spike_and_slab(features, slopes)
    own = take_turns({"own": lambda: spike_and_slab(features, slopes)}, 5)["own"].fastest
    inclusion, low, high = spike_and_slab(features, slopes)
    lines = [
        "Bayesian regression, 500 x 10, 3 equations",
        f"TwinLab  {own:8.3f} s  {quality(inclusion > 0.5, low, high, truth)}",
    ]
    if version("pysindy") is not None and version("numpyro") is not None:
        started = time.perf_counter()
        median, low, high, divergent = horseshoe(features, slopes)
        seconds = time.perf_counter() - started
        words = quality(np.abs(median) > SMALL, low, high, truth)
        lines.append(f"PySINDy  {seconds:8.3f} s  {words}, {divergent} divergent transitions")
        lines.append(f"ratio    {seconds / own:8.0f}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m twinlab.benchmark.sparse_regression")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--without-bayes", action="store_true", help="SBR takes minutes")
    options = parser.parse_args(arguments)
    print(machine(("pysindy", "numpyro")))
    with one_blas_thread():
        print("\n" + deterministic(options.repeats), flush=True)
        if not options.without_bayes:
            print("\n" + bayesian())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
