"""The integration benchmark: every integrator solves the same equations."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from twinlab.benchmark import trajectories as benchmark


def test_every_integrator_agrees():
    with ThreadPoolExecutor(2) as pool:
        found = benchmark.runs(20, 2, pool)
        reference = found.pop("SciPy LSODA")(1e-9)
        assert np.isfinite(reference).all() and np.ptp(reference[:, -1, 2]) > 0.01
        assert len(found) >= 4
        for name, run in found.items():
            assert benchmark.error(run(1e-9), reference) < 1e-6, name


def test_error_is_relative_to_the_largest_value_and_counts_failures():
    exact = np.ones((2, 3, 5)) * np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    got = exact.copy()
    got[1, 2, 4] += 1.6
    assert np.isclose(benchmark.error(got, exact), 0.1)
    got[0, 0, 0] = np.nan
    assert benchmark.error(got, exact) == np.inf


def test_tolerance_is_matched_to_the_wanted_error():
    exact = np.ones((1, 2, 5))
    relative = benchmark.matched(lambda tolerance: exact * (1 + 10 * tolerance), exact, 1e-4)
    assert 3e-6 < relative <= 1e-5 * 1.001
