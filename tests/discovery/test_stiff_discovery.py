"""A model whose fast rates are known and 10^5 times the slow ones, which the data determine."""

import numpy as np
from scipy.integrate import solve_ivp

from twinlab.discovery import Settings, discover
from twinlab.knowledge import Belief, Knowledge
from twinlab.library import Library
from twinlab.study import Study
from twinlab.twin import Twin

BINDING = 1e5
SLOW = {"L ->": 0.3, "R ->": 0.5, "C ->": 0.2, "-> R": 0.5}
REACTIONS = (
    "L + R <-> C", *SLOW, "-> L", "-> C", "L -> R", "R -> L", "L -> C", "R -> C", "C -> L",
    "C -> R", "2 L -> L", "2 R -> R", "2 C -> C", "2 L -> C", "2 R -> C", "L + C -> C",
    "R + C -> R",
)  # fmt: skip


def drug_and_target() -> Study:
    """Four doses; binding is at equilibrium long before the first sample."""
    rng = np.random.default_rng(0)
    time = np.linspace(0.25, 8, 24)

    def rhs(t, x):
        bound = BINDING * (x[0] * x[1] - x[2])
        return [
            -0.3 * x[0] - bound,
            0.5 - 0.5 * x[1] - bound,
            bound - 0.2 * x[2],
        ]

    clean = [
        solve_ivp(rhs, (0, 8), [dose, 1.0, 0.0], "Radau", time, rtol=1e-8, atol=1e-10).y.T
        for dose in (0.5, 2.0, 5.0, 10.0)
    ]
    sd = np.concatenate(clean).std(axis=0)
    values = [x + 0.03 * sd * rng.standard_normal(x.shape) for x in clean]
    return Study.from_arrays("binding", ["L", "R", "C"], [time] * 4, values)


def test_slow_rates_are_found_beside_fast_ones_that_are_known():
    study = drug_and_target()
    library = Library.reactions(study, REACTIONS)
    bounds = {"lower": 0.9 * BINDING, "upper": 1.1 * BINDING}
    known = Knowledge(
        (
            Belief("", "L + R -> C", required=True, **bounds),
            Belief("", "C -> L + R", required=True, **bounds),
        )
    )
    found = discover(study, library, known, seed=1, settings=Settings(draws=20, starts=1))
    names = [library.columns[c].source for c in found.best.columns]
    rates = dict(zip(names, found.best.coefficients, strict=True))
    assert set(rates) == {"L + R -> C", "C -> L + R", *SLOW}
    for name, rate in SLOW.items():
        assert abs(rates[name] - rate) < 0.05 * rate
    assert 0.8 < found.chi2_per_point < 1.2
    assert found.status == "converged"
    simulated = Twin(found).simulate(np.linspace(0.25, 40, 9), initial=[5.0, 1.0, 0.0])
    assert simulated.n_failed == 0
