"""The elastic-net benchmark compares like with like."""

from __future__ import annotations

import numpy as np
import pytest

from twinlab.benchmark import elastic_net as benchmark
from twinlab.benchmark.elastic_net_peers import peer_solvers

pytest.importorskip("sklearn", reason="scikit-learn is in the test extra")


def test_problems_have_the_stated_shape():
    x, y = benchmark.correlated(2000, 30)
    assert x.shape == (2000, 30) and y.shape == (2000,)
    assert np.corrcoef(x[:, 4], x[:, 5])[0, 1] == pytest.approx(0.5, abs=0.08)
    x, _ = benchmark.polynomial(n=400)
    assert x.shape == (400, 285)
    assert len(np.unique(x.T, axis=0)) == 285
    np.testing.assert_allclose(x.std(0), 1.0)


@pytest.mark.parametrize("shape", [(300, 20), (40, 90)])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.9])
def test_all_solvers_find_the_same_path(shape, l1_ratio):
    x, y = benchmark.correlated(*shape)
    penalties = np.abs(x.T @ y).max() / l1_ratio * np.geomspace(1.0, 0.05, 12)
    own = benchmark.own_solvers(x, y, penalties, l1_ratio)
    reference = own.pop(benchmark.OWN)(1e-12)
    assert benchmark.largest_gap(x, y, penalties, l1_ratio, reference) <= 1e-12
    for name, solver in (own | peer_solvers(x, y, penalties, l1_ratio)).items():
        np.testing.assert_allclose(solver(1e-10), reference, atol=2e-4, err_msg=name)


def test_gap_is_that_of_the_definition():
    """The lasso's gap at the scaled residual, from the objective and the dual directly."""
    x, y = benchmark.correlated(60, 8)
    penalty = 0.3 * np.abs(x.T @ y).max()
    w = np.where(np.arange(8) == np.abs(x.T @ y).argmax(), 0.2, 0.0)
    residual = y - x @ w
    scale = min(1.0, penalty / np.abs(x.T @ residual).max())
    primal = 0.5 * residual @ residual + penalty * np.abs(w).sum()
    dual = 0.5 * y @ y - 0.5 * np.sum((y - scale * residual) ** 2)
    gap = benchmark.largest_gap(x, y, np.array([penalty]), 1.0, w[None])
    assert gap == pytest.approx((primal - dual) / (0.5 * y @ y))


def test_table_states_gap_and_ratio_of_every_solver():
    x, y = benchmark.correlated(200, 20)
    rows = benchmark.measure(x, y, 0.01, l1_ratio=1.0, wanted=1e-6, repeats=1).splitlines()
    assert rows[1].startswith("TwinLab") and " 1.0  gap" in rows[1]
    assert any(row.startswith("scikit-learn") for row in rows)
    for row in rows[1:]:
        assert float(row.split("gap")[1].split(":")[0]) <= 1e-6
