"""Spike-and-slab selection on a Gram matrix by Markov chain Monte Carlo over supports.

Coefficients are integrated out exactly (conjugate normal slab, inverse-gamma scale; George and
McCulloch 1997, Statistica Sinica 7, section 4), so the chain walks over supports alone.  Every
support ever evaluated is remembered under a 64-bit hash (Zobrist 1970): a support met again
costs a look-up, and the posterior is renormalised over all that were evaluated.
"""

from __future__ import annotations

import numpy as np

from .flow import jit

IMPOSSIBLE = -1e300


@jit
def log_marginal(gram, vector, yy, n, precision, sign, a0, index, k, lower, z, mean):
    """Log marginal likelihood of one support, up to a constant.

    ``A = G_gg + Lambda``, ``q = g' A^-1 g``:
    ``-1/2 log|A| + 1/2 log|Lambda| - (n + a0)/2 log((a0 + yy - q)/(a0 + n))``.

    Parameters
    ----------
    index : int array
        The support is ``index[:k]``.
    sign : (n_column,) int array
        A support whose posterior mean has the wrong sign is impossible.
    lower : (>= k, >= k), z, mean : (>= k,) work arrays
    """
    log_det = 0.0
    for i in range(k):
        a = index[i]
        for j in range(i + 1):
            v = gram[a, index[j]]
            if i == j:
                v += precision[a]
            for m in range(j):
                v -= lower[i, m] * lower[j, m]
            if i == j:
                # Below rounding of the diagonal the columns are dependent: nothing to tell apart.
                if v <= 1e-13 * (gram[a, a] + precision[a]):
                    return IMPOSSIBLE
                lower[i, i] = np.sqrt(v)
                log_det += np.log(v / precision[a])
            else:
                lower[i, j] = v / lower[j, j]
        v = vector[a]
        for m in range(i):
            v -= lower[i, m] * z[m]
        z[i] = v / lower[i, i]
    q = 0.0
    signed = False
    for i in range(k):
        q += z[i] * z[i]
        signed = signed or sign[index[i]] != 0
    if signed:
        for i in range(k - 1, -1, -1):
            v = z[i]
            for m in range(i + 1, k):
                v -= lower[m, i] * mean[m]
            mean[i] = v / lower[i, i]
            if mean[i] * sign[index[i]] < 0.0:
                return IMPOSSIBLE
    rest = max(a0 + yy - q, 1e-12 * (a0 + yy))
    return -0.5 * log_det - 0.5 * (n + a0) * np.log(rest / (a0 + n))


@jit
def log_prior(log_odds, log_size, index, k):
    """Log prior of a support: Bernoulli log-odds per column and a prior on its size."""
    total = log_size[k]
    for i in range(k):
        total += log_odds[index[i]]
    return total


@jit
def find_slot(slots, keys, key):
    """Slot of `key` in the open-addressing table, or of the empty place where it belongs."""
    mask = np.uint64(slots.size - 1)
    slot = key & mask
    while slots[slot] >= 0 and keys[slots[slot]] != key:
        slot = (slot + np.uint64(1)) & mask
    return slot


@jit
def spike_slab_chain(
    gram,
    vector,
    yy,
    n,
    precision,
    log_odds,
    log_size,
    required,
    free,
    sign,
    a0,
    hash_keys,
    initial,
    max_size,
    n_steps,
    seed,
):
    """Metropolis-Hastings over supports: 60 % flips of a column, 40 % swaps of two.

    Parameters
    ----------
    gram : (n_column, n_column); vector : (n_column,); yy, n : float
    precision : (n_column,) array
        Diagonal of the slab's ``Lambda``.
    log_odds : (n_column,) array
    log_size : (max_size + 1,) array
        Log prior of a support of each size.
    required : (n_column,) bool array
        Columns in every support.
    free : (n_free,) int array
        Columns that may come and go.
    sign : (n_column,) int array
        -1, 0 or 1.
    a0 : float
        Degrees of freedom of the inverse-gamma prior of the noise scale.
    hash_keys : (n_column,) uint64 array
        Random words, one a column.
    initial : int array
        Support to start from (required columns included).
    max_size, n_steps, seed : int

    Returns
    -------
    supports : (n_visited, max_size) int32 array
        Every support evaluated, padded with -1, unordered.
    sizes : (n_visited,) int array
    log_posterior : (n_visited,) array
    """
    np.random.seed(seed)
    n_slots = 1
    while n_slots < 2 * (n_steps + 2):
        n_slots *= 2
    slots = np.full(n_slots, -1, np.int64)
    keys = np.empty(n_steps + 2, np.uint64)
    supports = np.full((n_steps + 2, max_size), -1, np.int32)
    sizes = np.zeros(n_steps + 2, np.int64)
    values = np.empty(n_steps + 2)
    lower = np.empty((max_size + 1, max_size + 1))
    z, mean = np.empty(max_size + 1), np.empty(max_size + 1)
    member = np.zeros(precision.size, np.bool_)
    index, trial = np.empty(max_size + 1, np.int64), np.empty(max_size + 1, np.int64)
    key = np.uint64(0)
    k = initial.size
    for i in range(k):
        index[i] = initial[i]
        member[initial[i]] = True
        key ^= hash_keys[initial[i]]
    current = log_marginal(
        gram, vector, yy, n, precision, sign, a0, index, k, lower, z, mean
    ) + log_prior(log_odds, log_size, index, k)
    stored = 0
    slots[find_slot(slots, keys, key)] = 0
    keys[0], sizes[0], values[0] = key, k, current
    for i in range(k):
        supports[0, i] = index[i]
    stored = 1
    n_free = free.size
    for _ in range(n_steps if n_free > 0 else 0):
        j = free[np.random.randint(n_free)]
        flip = np.random.random() < 0.6 or k == 0
        place = np.random.randint(k) if k > 0 else 0
        threshold = np.log(np.random.random())
        key_new, k_new = key ^ hash_keys[j], k
        if flip:
            if member[j]:
                for place in range(k):
                    if index[place] == j:
                        break
                k_new = k - 1
            else:
                if k == max_size:
                    continue
                place, k_new = k, k + 1
        else:
            if member[j] or required[index[place]]:
                continue
            key_new ^= hash_keys[index[place]]
        slot = find_slot(slots, keys, key_new)
        if slots[slot] >= 0:
            value = values[slots[slot]]
        else:
            for m in range(k):
                trial[m] = index[m]
            if k_new < k:
                trial[place] = trial[k - 1]
            else:
                trial[place] = j
            value = log_marginal(
                gram, vector, yy, n, precision, sign, a0, trial, k_new, lower, z, mean
            ) + log_prior(log_odds, log_size, trial, k_new)
            slots[slot] = stored
            keys[stored], sizes[stored], values[stored] = key_new, k_new, value
            for m in range(k_new):
                supports[stored, m] = trial[m]
            stored += 1
        if threshold < value - current:
            if k_new < k:
                index[place] = index[k - 1]
                member[j] = False
            elif k_new > k:
                index[place] = j
                member[j] = True
            else:
                member[index[place]] = False
                index[place] = j
                member[j] = True
            k, key, current = k_new, key_new, value
    return supports[:stored], sizes[:stored], values[:stored]
