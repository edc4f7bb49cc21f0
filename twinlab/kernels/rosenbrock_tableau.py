"""Coefficients of the two implicit methods.

States: Rodas5P, a stiffly accurate, L-stable Rosenbrock method of order 5 with eight stages, an
embedded method of order 4 and a dense output of order 4: Steinebach (2023), Construction of
Rosenbrock-Wanner method Rodas5P and numerical benchmarks within the Julia Differential Equations
package, BIT Numerical Mathematics 63:27, table 4, in the form without products by the Jacobian
(Hairer and Wanner 1996, Solving ODEs II, IV.7, eq. 7.25).

Sensitivities: the Radau IIA method of order 5 (Hairer and Wanner, table IV.5.6) with the error
estimate of their eq. IV.8.19.
"""

from __future__ import annotations

import numpy as np

GAMMA = 0.21193756319429014

#: Stage times (8,).
NODES = np.array(
    [0.0, 0.6358126895828704, 0.4095798393397535, 0.9769306725060716, 0.4288403609558664, 1, 1, 1]
)
#: Weights of the time derivative in each stage (8,).
TIME_SLOPE = np.array(
    [
        GAMMA,
        -0.42387512638858027,
        -0.3384627126235924,
        1.8046452872882734,
        2.325825639765069,
        0.0,
        0.0,
        0.0,
    ]
)

_LAST = [
    -7.502846399306121,
    2.561846144803919,
    -11.627539656261098,
    -0.18268767659942256,
    0.030198172008377946,
]
#: State of each stage: ``x + sum_j STAGES[i, j] u_j`` (8, 8).
STAGES = np.zeros((8, 8))
STAGES[1, :1] = 3.0
STAGES[2, :2] = 2.849394379747939, 0.45842242204463923
STAGES[3, :3] = -6.954028509809101, 2.489845061869568, -10.358996098473584
STAGES[4, :4] = (
    2.8029986275628964,
    0.5072464736228206,
    -0.3988312541770524,
    -0.04721187230404641,
)
STAGES[5, :5] = _LAST
STAGES[6, :6] = [*_LAST, 1.0]
STAGES[7, :7] = [*_LAST, 1.0, 1.0]

#: Right-hand side of each stage: ``f_i + sum_j COUPLING[i, j] u_j / h`` (8, 8).
COUPLING = np.zeros((8, 8))
COUPLING[1, :1] = -14.155112264123755
COUPLING[2, :2] = -17.97296035885952, -2.859693295451294
COUPLING[3, :3] = 147.12150275711716, -1.41221402718213, 71.68940251302358
COUPLING[4, :4] = (
    165.43517024871676,
    -0.4592823456491126,
    42.90938336958603,
    -5.961986721573306,
)
COUPLING[5, :5] = (
    24.854864614690072,
    -3.0009227002832186,
    47.4931110020768,
    5.5814197821558125,
    -0.6610691825249471,
)
COUPLING[6, :6] = (
    30.91273214028599,
    -3.1208243349937974,
    77.79954646070892,
    34.28646028294783,
    -19.097331116725623,
    -28.087943162872662,
)
COUPLING[7, :7] = (
    37.80277123390563,
    -3.2571969029072276,
    112.26918849496327,
    66.9347231244047,
    -40.06618937091002,
    -54.66780262877968,
    -9.48861652309627,
)

#: Dense output (3, 8): with ``d_p = sum_j DENSE[p, j] u_j`` the state at the fraction ``s`` is
#: ``(1 - s) x + s (x_new + (1 - s) (d_0 + s (d_1 + s d_2)))``.
DENSE = np.array(
    [
        [
            25.948786856663858,
            -2.5579724845846235,
            10.433815404888879,
            -2.3679251022685204,
            0.524948541321073,
            1.1241088310450404,
            0.4272876194431874,
            -0.17202221070155493,
        ],
        [
            -9.91568850695171,
            -0.9689944594115154,
            3.0438037242978453,
            -24.495224566215796,
            20.176138334709044,
            15.98066361424651,
            -6.789040303419874,
            -6.710236069923372,
        ],
        [
            11.419903575922262,
            2.8879645146136994,
            72.92137995996029,
            80.12511834622643,
            -52.072871366152654,
            -59.78993625266729,
            -0.15582684282751913,
            4.883087185713722,
        ],
    ]
)

_ROOT = float(np.sqrt(6.0))
#: Radau IIA: nodes (3,), weights (3, 3).
RADAU_NODES = np.array([(4 - _ROOT) / 10, (4 + _ROOT) / 10, 1.0])
RADAU = np.array(
    [
        [(88 - 7 * _ROOT) / 360, (296 - 169 * _ROOT) / 1800, (-2 + 3 * _ROOT) / 225],
        [(296 + 169 * _ROOT) / 1800, (88 + 7 * _ROOT) / 360, (-2 - 3 * _ROOT) / 225],
        [(16 - _ROOT) / 36, (16 + _ROOT) / 36, 1 / 9],
    ]
)
#: Inverse of the real eigenvalue of the inverse of ``RADAU``.
RADAU_GAMMA = float((6 + np.cbrt(81) - np.cbrt(9)) / 30)
#: Weights of the stage increments in the error estimate (3,).
RADAU_ERROR = RADAU_GAMMA / 3 * np.array([-13 - 7 * _ROOT, -13 + 7 * _ROOT, -1.0])
#: The weights that pick the last stage, which is the solution (3,).
RADAU_LAST = np.array([0.0, 0.0, 1.0])
