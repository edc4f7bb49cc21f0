"""The elastic-net benchmark compares like with like."""

from __future__ import annotations

import numpy as np
import pytest

from twinlab.benchmark import elastic_net as benchmark

pytest.importorskip("sklearn", reason="scikit-learn is in the test extra")


def test_problems_have_the_stated_shape():
    rng = np.random.default_rng(0)
    x, _ = benchmark.correlated(rng)
    assert x.shape == (2000, 200)
    assert np.corrcoef(x[:, 4], x[:, 5])[0, 1] == pytest.approx(0.9, abs=0.03)
    x, _ = benchmark.polynomial(rng)
    assert x.shape == (2000, 285)
    assert len(np.unique(x.T, axis=0)) == 285


def test_both_reach_the_tolerance_of_the_row():
    x, y = benchmark.correlated(np.random.default_rng(1), n=200, columns=20)
    rows = benchmark.measure("small", x, y, repeats=1)
    for row in rows:
        tolerance, own, peer = (float(field) for field in row.split()[1:4])
        assert own <= tolerance and peer <= tolerance
