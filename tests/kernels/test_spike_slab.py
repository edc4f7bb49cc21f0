"""The search over supports against exact enumeration and a plain NumPy marginal likelihood."""

from itertools import combinations

import numpy as np
import pytest

from twinlab.kernels import Regression, spike_slab_search
from twinlab.kernels.spike_slab import walk
from twinlab.kernels.spike_slab_state import (
    WRONG_SIGN,
    State,
    clear,
    exclude,
    include,
    log_posterior,
    weigh_flips,
    weigh_swaps,
)

A0 = 20.0


def make(seed=0, n=40, p=8):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, p))
    x[:, 3] = x[:, 1] + 0.3 * x[:, 3]
    y = x[:, 1] - 0.5 * x[:, 5] + rng.standard_normal(n)
    return x.T @ x, x.T @ y, float(y @ y), float(n)


def hill_grid(seed=0, n=60):
    """Nearly collinear columns: Hill functions on a grid of constants, and powers."""
    rng = np.random.default_rng(seed)
    s = rng.uniform(0.05, 3.0, n)
    grid = [s**h / (k**h + s**h) for k in (0.5, 0.7, 1.0) for h in (1, 2, 3)]
    x = np.stack([*grid, np.ones(n), s, s**2], axis=1)
    y = (2.0 * x[:, 4] - 0.5 * s + 0.02 * rng.standard_normal(n)) / 0.02
    return x.T @ x / 0.02**2, x.T @ y / 0.02, float(y @ y), float(n)


def regression(gram, vector, yy, n, precision, *, odds=None, sign=None, required=(), size=None):
    p = precision.size
    need = np.zeros(p, bool)
    need[list(required)] = True
    return Regression(
        gram,
        vector,
        yy,
        n,
        precision,
        np.zeros(p) if odds is None else odds,
        -1.5 * np.arange((size or p) + 1.0),
        need,
        ~need,
        np.zeros(p, np.int64) if sign is None else sign,
        A0,
    )


def reference(problem, support):
    """METHODS section 2, marginal likelihood and prior, by NumPy; a matrix of unit diagonal."""
    support = list(support)
    a = problem.gram[np.ix_(support, support)] + np.diag(problem.precision[support])
    unit = np.sqrt(np.diag(a))
    scaled, g = a / np.outer(unit, unit), problem.vector[support] / unit
    q = g @ np.linalg.solve(scaled, g) if support else 0.0
    log_det = np.linalg.slogdet(scaled)[1] + 2.0 * np.log(unit).sum() if support else 0.0
    return (
        -0.5 * log_det
        + 0.5 * np.log(problem.precision[support]).sum()
        - 0.5 * (problem.n + A0) * np.log((A0 + problem.yy - q) / (A0 + problem.n))
        + problem.log_odds[support].sum()
        + problem.log_size[len(support)]
    )


def means(problem, support):
    a = problem.gram[np.ix_(support, support)] + np.diag(problem.precision[support])
    return np.linalg.solve(a, problem.vector[support])


def search(problem, *, jumps=400, seed=1, keep=100_000, starts=None):
    p = problem.precision.size
    keys = np.random.default_rng(7).integers(1, 2**63, p, dtype=np.uint64)
    starts = problem.required[None] if starts is None else starts
    supports, values = spike_slab_search(problem, keys, starts, jumps, seed, keep)
    return {tuple(s.tolist()): v for s, v in zip(supports, values, strict=True)}


def empty_state(problem):
    p, k = problem.precision.size, problem.log_size.size - 1
    state = State(
        np.empty((k, p)), np.empty((k, k)), np.empty(k), np.empty(p), np.empty(p),
        np.empty(k, np.int64), np.empty(p, np.int64), np.zeros(1, np.int64), np.empty(2),
    )  # fmt: skip
    clear(problem, state)
    return state


def exact_posterior(problem):
    p = problem.precision.size
    return {
        support: reference(problem, support)
        for k in range(problem.log_size.size)
        for support in combinations(range(p), k)
    }


def inclusion(values, p):
    top = max(values.values())
    weight = {s: np.exp(v - top) for s, v in values.items()}
    total = sum(weight.values())
    return [sum(w for s, w in weight.items() if j in s) / total for j in range(p)]


@pytest.mark.parametrize("data", [make(), hill_grid()], ids=["plain", "collinear"])
def test_neighbours_after_many_moves_match_numpy(data):
    p = data[1].size
    problem = regression(*data, np.full(p, 0.2), odds=np.linspace(-0.5, 0.5, p))
    state, rng = empty_state(problem), np.random.default_rng(3)
    gain, work, support = np.empty(p), np.empty(p), []
    for _ in range(500):
        j = int(rng.integers(p))
        if j in support:
            exclude(problem, state, j)
            support.remove(j)
        elif len(support) < p - 2:
            include(problem, state, j)
            support.append(j)
    now = reference(problem, support)
    assert log_posterior(problem, state) == pytest.approx(now, abs=1e-6)
    assert sorted(state.support[: state.size[0]]) == sorted(support)
    weigh_flips(problem, state, False, gain)
    for j in range(p):
        other = sorted(set(support) ^ {j})
        assert now + gain[j] == pytest.approx(reference(problem, other), abs=1e-5)
    out = support[0]
    weigh_swaps(problem, state, out, -np.inf, work, gain)
    for j in sorted(set(range(p)) - set(support)):
        other = sorted(set(support) - {out} | {j})
        assert now + gain[j] == pytest.approx(reference(problem, other), abs=1e-5)
    least, pruned = np.median(gain), np.empty(p)
    weigh_swaps(problem, state, out, least, work, pruned)
    np.testing.assert_array_equal(pruned[gain >= least], gain[gain >= least])
    weigh_swaps(problem, state, out, 1e9, work, pruned)
    assert (pruned < -1e299).all()


@pytest.mark.parametrize("data", [make(), hill_grid()], ids=["plain", "collinear"])
def test_posterior_matches_exact_enumeration(data):
    p = data[1].size
    problem = regression(*data, np.full(p, 0.2), odds=np.linspace(-0.5, 0.5, p))
    exact = exact_posterior(problem)
    met = search(problem)
    for support, value in met.items():
        assert value == pytest.approx(exact[support], abs=1e-5)
    np.testing.assert_allclose(inclusion(met, p), inclusion(exact, p), atol=0.006)


def test_a_pair_that_only_gains_together_is_found():
    # Two columns of which each alone explains nothing: flips one by one lead elsewhere.
    rng = np.random.default_rng(5)
    base = rng.standard_normal((80, 12))
    x = base.copy()
    x[:, 1] = x[:, 0] + 0.05 * base[:, 1]
    y = 10.0 * (x[:, 1] - x[:, 0]) + 0.1 * rng.standard_normal(80)
    x[:, 2] = y + 0.4 * base[:, 2]
    scale = 0.1
    problem = regression(
        x.T @ x / scale**2, x.T @ y / scale**2, float(y @ y) / scale**2, 80.0, np.full(12, 0.01)
    )
    best = max((reference(problem, s), s) for k in range(5) for s in combinations(range(12), k))
    assert best[1] == (0, 1)
    for seed in range(10):
        met = search(problem, seed=seed)
        assert max(met, key=lambda s: met[s]) == best[1]


def test_no_support_is_stored_twice_and_the_seed_repeats():
    problem = regression(*hill_grid(), np.full(12, 0.2))
    keys = np.random.default_rng(7).integers(1, 2**63, 12, dtype=np.uint64)
    runs = [
        spike_slab_search(problem, keys, problem.required[None], 200, s, 1000) for s in (1, 1, 2)
    ]
    texts = [[s.tobytes() for s in supports] for supports, _ in runs]
    assert len(set(texts[0])) == len(texts[0])
    assert texts[0] == texts[1] and np.array_equal(runs[0][1], runs[1][1])
    assert texts[0] != texts[2]
    assert (np.diff(runs[0][1]) <= 0).all()


def test_required_columns_stay_and_excluded_ones_never_come():
    problem = regression(*make(), np.full(8, 0.2), required=(0, 6))
    problem.free[5] = False
    met = search(problem)
    assert all({0, 6} <= set(support) and 5 not in support for support in met)


def test_supports_with_a_wrong_sign_are_refused():
    sign = np.array([1, 1, 0, -1, 1, 1, -1, 0])  # the truth of column 5 is negative
    problem = regression(*make(), np.full(8, 0.2), sign=sign)
    exact = {
        support: value
        for support, value in exact_posterior(problem).items()
        if not support or (means(problem, list(support)) * sign[list(support)] >= 0).all()
    }
    # A start with the wrong sign is left at once.
    starts = np.zeros((1, 8), bool)
    starts[0, 5] = True
    met = {s: v for s, v in search(problem, starts=starts).items() if v > -0.5 * WRONG_SIGN}
    assert set(met) <= set(exact)
    np.testing.assert_allclose(inclusion(met, 8), inclusion(exact, 8), atol=0.006)


def test_size_is_bounded_and_dependent_columns_do_not_join():
    x = np.random.default_rng(0).standard_normal((30, 6))
    x[:, 5] = x[:, 0]
    y = x.sum(axis=1)
    problem = regression(
        1e4 * x.T @ x, 1e4 * x.T @ y, float(1e4 * y @ y), 30.0, np.full(6, 1e-12), size=4
    )
    met = search(problem)
    assert max(len(s) for s in met) == 4
    assert not any({0, 5} <= set(s) for s in met)


def test_without_free_columns_the_required_ones_are_returned():
    problem = regression(*make(), np.full(8, 0.2), required=(1, 2))
    problem.free[:] = False
    assert list(search(problem)) == [(1, 2)]


def test_the_walk_is_compiled_once():
    search(regression(*make(), np.full(8, 0.2)))
    assert len(walk.signatures) == 1
