"""Coefficients of the explicit Runge-Kutta pair 5(4) of Dormand and Prince.

Dormand and Prince (1980), A family of embedded Runge-Kutta formulae, J. Comput. Appl. Math. 6,
table 2; continuous extension of order 4: Shampine (1986), Some practical Runge-Kutta formulas,
Math. Comp. 46, p. 149.
"""

from __future__ import annotations

import numpy as np

#: Stage times (7,).
NODES = np.array([0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0])

#: Stage weights (7, 7); the last row is the solution of order 5 (first same as last).
STAGES = np.array(
    [
        [0.0, 0, 0, 0, 0, 0, 0],
        [1 / 5, 0, 0, 0, 0, 0, 0],
        [3 / 40, 9 / 40, 0, 0, 0, 0, 0],
        [44 / 45, -56 / 15, 32 / 9, 0, 0, 0, 0],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0, 0, 0],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0, 0],
        [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0],
    ]
)

#: Difference of the solutions of order 5 and 4 (7,).
ERROR = np.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])

#: Dense output: ``x(t + s h) = x + h sum_i k_i sum_p DENSE[i, p] s**(p + 1)`` (7, 4).
DENSE = np.array(
    [
        [
            1.0,
            -8048581381 / 2820520608,
            8663915743 / 2820520608,
            -12715105075 / 11282082432,
        ],
        [0.0, 0.0, 0.0, 0.0],
        [
            0.0,
            131558114200 / 32700410799,
            -68118460800 / 10900136933,
            87487479700 / 32700410799,
        ],
        [
            0.0,
            -1754552775 / 470086768,
            14199869525 / 1410260304,
            -10690763975 / 1880347072,
        ],
        [
            0.0,
            127303824393 / 49829197408,
            -318862633887 / 49829197408,
            701980252875 / 199316789632,
        ],
        [0.0, -282668133 / 205662961, 2019193451 / 616988883, -1453857185 / 822651844],
        [0.0, 40617522 / 29380423, -110615467 / 29380423, 69997945 / 29380423],
    ]
)


# The same as single numbers, which numba turns into constants of the compiled code.
A21 = float(STAGES[1, 0])
A31, A32 = map(float, STAGES[2, :2])
A41, A42, A43 = map(float, STAGES[3, :3])
A51, A52, A53, A54 = map(float, STAGES[4, :4])
A61, A62, A63, A64, A65 = map(float, STAGES[5, :5])
A71, _, A73, A74, A75, A76, _ = map(float, STAGES[6])
E1, _, E3, E4, E5, E6, E7 = map(float, ERROR)


def dense_weights(s: float) -> np.ndarray:
    """Weights (7,) of the stages at the fraction `s` of a step."""
    return DENSE @ np.array([s, s**2, s**3, s**4])
