"""The sampler against exact enumeration and a plain NumPy marginal likelihood."""

from itertools import combinations

import numpy as np
import pytest

from twinlab.kernels import log_marginal, spike_slab_chain
from twinlab.kernels.spike_slab import IMPOSSIBLE

A0 = 20.0


def make(seed=0, n=40, p=8):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, p))
    x[:, 3] = x[:, 1] + 0.3 * x[:, 3]
    y = x[:, 1] - 0.5 * x[:, 5] + rng.standard_normal(n)
    return x.T @ x, x.T @ y, float(y @ y), float(n)


def reference(gram, vector, yy, n, precision, support):
    """METHODS section 2, marginal likelihood, by NumPy."""
    support = list(support)
    a = gram[np.ix_(support, support)] + np.diag(precision[support])
    q = vector[support] @ np.linalg.solve(a, vector[support]) if support else 0.0
    log_det = np.linalg.slogdet(a)[1] if support else 0.0
    return (
        -0.5 * log_det
        + 0.5 * np.log(precision[support]).sum()
        - 0.5 * (n + A0) * np.log((A0 + yy - q) / (A0 + n))
    )


def chain(gram, vector, yy, n, precision, *, steps=4000, seed=1, odds=None, sign=None, required=()):
    p = precision.size
    sign = np.zeros(p, np.int64) if sign is None else sign
    odds = np.zeros(p) if odds is None else odds
    need = np.zeros(p, bool)
    need[list(required)] = True
    keys = np.random.default_rng(7).integers(1, 2**63, p, dtype=np.uint64)
    log_size = -1.5 * np.arange(p + 1.0)
    return spike_slab_chain(
        gram, vector, yy, n, precision, odds, log_size, need, np.nonzero(~need)[0], sign, A0,
        keys, np.nonzero(need)[0], p, steps, seed,
    )  # fmt: skip


def as_dict(result):
    supports, sizes, values = result
    return {
        tuple(sorted(s[:k])): v for s, k, v in zip(supports.tolist(), sizes, values, strict=True)
    }


def test_marginal_likelihood_matches_numpy():
    gram, vector, yy, n = make()
    precision = np.linspace(0.1, 1.0, 8)
    work = np.empty((9, 9)), np.empty(9), np.empty(9)
    for support in [(), (1,), (1, 5), (0, 2, 3, 7)]:
        index = np.array([*support, 0], np.int64)
        got = log_marginal(
            gram, vector, yy, n, precision, np.zeros(8, np.int64), A0, index, len(support), *work
        )
        assert got == pytest.approx(reference(gram, vector, yy, n, precision, support))


def test_posterior_matches_exact_enumeration():
    gram, vector, yy, n = make()
    precision = np.full(8, 0.2)
    odds = np.linspace(-0.5, 0.5, 8)
    exact = {}
    for k in range(9):
        for support in combinations(range(8), k):
            value = reference(gram, vector, yy, n, precision, support)
            exact[support] = value - 1.5 * k + odds[list(support)].sum()
    top = max(exact.values())
    weight = {s: np.exp(v - top) for s, v in exact.items()}
    total = sum(weight.values())
    inclusion = [sum(w for s, w in weight.items() if j in s) / total for j in range(8)]
    met = as_dict(chain(gram, vector, yy, n, precision, odds=odds))
    for support, value in met.items():
        assert value == pytest.approx(exact[support])
    seen = {s: np.exp(v - top) for s, v in met.items()}
    approx = [sum(w for s, w in seen.items() if j in s) / sum(seen.values()) for j in range(8)]
    np.testing.assert_allclose(approx, inclusion, atol=0.006)


def test_no_support_is_stored_twice_and_the_seed_repeats():
    gram, vector, yy, n = make()
    first = chain(gram, vector, yy, n, np.full(8, 0.2))
    assert len(as_dict(first)) == len(first[1])
    again = chain(gram, vector, yy, n, np.full(8, 0.2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    other = chain(gram, vector, yy, n, np.full(8, 0.2), seed=2)
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_required_columns_stay_and_wrong_signs_are_refused():
    gram, vector, yy, n = make()
    met = as_dict(chain(gram, vector, yy, n, np.full(8, 0.2), required=(0, 6)))
    assert all({0, 6} <= set(support) for support in met)
    sign = np.zeros(8, np.int64)
    sign[5] = 1  # the truth is negative
    met = as_dict(chain(gram, vector, yy, n, np.full(8, 0.2), sign=sign))
    best = max(met, key=lambda s: met[s])
    assert 5 not in best and 1 in best
    assert met[(1, 5)] <= IMPOSSIBLE / 2 if (1, 5) in met else True


def test_dependent_columns_without_a_slab_are_impossible():
    gram = np.ones((2, 2))
    work = np.empty((3, 3)), np.empty(3), np.empty(3)
    got = log_marginal(
        gram, np.ones(2), 5.0, 10.0, np.full(2, 1e-18), np.zeros(2, np.int64), A0,
        np.array([0, 1, 0]), 2, *work,
    )  # fmt: skip
    assert got == IMPOSSIBLE
