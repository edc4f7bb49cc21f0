"""Records that fits of whole trajectories find hard."""

import numpy as np
from scipy.integrate import solve_ivp

from twinlab.study import Study

LORENZ = {
    ("x", "x"): -10.0, ("x", "y"): 10.0, ("y", "x"): 28.0, ("y", "y"): -1.0, ("y", "x*z"): -1.0,
    ("z", "z"): -8 / 3, ("z", "x*y"): 1.0,
}  # fmt: skip


def lorenz_record(n: int, end: float, noise: float) -> Study:
    """One chaotic record; noise as a fraction of each state's sd."""

    def flow(_: float, s: np.ndarray) -> list[float]:
        return [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]]

    time = np.linspace(0.0, end, n)
    x = solve_ivp(flow, (0.0, end), [-8.0, 7.0, 27.0], t_eval=time, rtol=1e-9, atol=1e-9).y.T
    x = x + noise * x.std(axis=0) * np.random.default_rng(1).standard_normal(x.shape)
    return Study.from_arrays("lorenz", ["x", "y", "z"], [time], [x])
