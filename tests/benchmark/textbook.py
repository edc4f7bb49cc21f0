"""Right-hand sides as the textbooks write them, with their own numbers: no code of the package.

Each function takes the state and, where there is one, the input; both may be complex.
"""

from __future__ import annotations

import numpy as np


def logistic(x, u):
    return [0.8 * x[0] * (1 - x[0] / 10.0)]


def gompertz(x, u):
    return [x[0] * (0.9 - 0.3 * np.log(x[0]))]


def predator_prey(x, u):
    n, p = x
    return [n * (1.0 - 0.5 * p), p * (0.5 * n - 1.0)]


def sir(x, u):
    new = 0.9 * x[0] * x[1]
    return [-new, new - 0.3 * x[1]]


def brusselator(x, u):
    a, b = 1.0, 2.5
    return [a + x[0] ** 2 * x[1] - b * x[0] - x[0], b * x[0] - x[0] ** 2 * x[1]]


def schnakenberg(x, u):
    return [0.1 - x[0] + x[0] ** 2 * x[1], 0.5 - x[0] ** 2 * x[1]]


def selkov(x, u):
    a, b = 0.08, 0.6
    return [-x[0] + a * x[1] + x[0] ** 2 * x[1], b - a * x[1] - x[0] ** 2 * x[1]]


def fitzhugh_nagumo(x, u):
    v, w = x
    return [v - v**3 / 3 - w + 0.5, 0.24 * (v + 0.875 - 0.8 * w)]


def van_der_pol(x, u):
    return [x[1], 1.5 * (1 - x[0] ** 2) * x[1] - x[0]]


def seir(x, u, contact=0.8, onset=0.4, recovery=0.2):
    s, e, i = x
    return [-contact * s * i, contact * s * i - onset * e, onset * e - recovery * i]


def goodwin(x, u):
    m, e, p = x
    return [1 / (1 + p**10) - 0.5 * m, m - 0.5 * e, e - 0.5 * p]


def repressilator(x, u):
    a, b, c = x
    return [
        0.1 + 5 / (1 + c**4) - a,
        0.1 + 5 / (1 + a**4) - b,
        0.1 + 5 / (1 + b**4) - c,
    ]


def toggle(x, u):
    a, b = x
    return [2.0 / (1 + (b / 1.0) ** 3) - a, 1.5 / (1 + (a / 0.6) ** 2) - 0.8 * b]


def hiv(x, u):
    t, i, v = x
    return [0.2 - 0.2 * t - 1.0 * v * t, 1.0 * v * t - 0.6 * i, 2.0 * i - 1.5 * v]


def chemostat(x, u):
    s, b = x
    monod = 0.9 * s / (0.5 + s)
    return [0.3 * (u[0] - s) - monod * b / 0.5, (monod - 0.3) * b]


def pk_one(x, u):
    gut, c = x
    return [-1.2 * gut, 1.2 * gut / 0.5 - 0.2 * c]


def pk_two(x, u):
    gut, c, p = x
    return [-0.9 * gut, u[0] + 0.9 * gut - 0.3 * c - 0.6 * c + 0.4 * p, 0.6 * c - 0.4 * p]


def pk_saturable(x, u):
    c, p = x
    return [-2.0 * c / (2.0 + c) - 0.5 * c + 0.3 * p, 0.5 * c - 0.3 * p]


def glucose(x, u):
    g, action = x
    return [
        -(1.8 + action) * g + 1.8 * 5.0,
        -1.2 * action + 7.8 * (u[0] - 0.06),
    ]


def enzyme_hill(x, u):
    s, e, c, p, m, protein = x
    bind = 1.5 * s * e
    return [
        -bind + 0.3 * c,
        -bind + 1.3 * c,
        bind - 1.3 * c,
        c - 0.4 * p,
        p**2 / (0.25 + p**2) - 0.7 * m,
        0.8 * m - 0.5 * protein,
    ]


def tumour_immune(x, u):
    e, t = x
    return [
        0.1181 + 1.131 * e * t / (20.19 + t) - 0.00311 * e * t - 0.3743 * e,
        1.636 * t * (1 - 0.002 * t) - e * t,
    ]


def lorenz(x, u):
    a, b, c = x
    return [10 * (b - a), a * (28 - c) - b, a * b - 8 / 3 * c]


def glycolysis(x, u):
    s1, s2, s3, s4, s5, s6, s7 = x
    n, a = 1.0, 4.0
    v1 = 100.0 * s1 * s6 / (1 + (s6 / 0.52) ** 4)
    v2 = 6.0 * s2 * (n - s5)
    v3 = 16.0 * s3 * (a - s6)
    v4 = 100.0 * s4 * s5
    v6 = 12.0 * s2 * s5
    exchange = 13.0 * (s4 - s7)
    return [
        2.5 - v1,
        2 * v1 - v2 - v6,
        v2 - v3,
        v3 - v4 - exchange,
        v2 - v4 - v6,
        -2 * v1 + 2 * v3 - 1.28 * s6,
        0.1 * exchange - 1.8 * s7,
    ]


def mapk(x, u):
    """Kholodenko's table in nM and seconds, brought to 100 nM and minutes."""
    kkk, kkkp, kk, kkp, kkpp, k, kp, kpp = [100.0 * value for value in x]
    v1 = 2.5 * kkk / ((1 + kpp / 9.0) * (10.0 + kkk))
    v2 = 0.25 * kkkp / (8.0 + kkkp)
    v3 = 0.025 * kkkp * kk / (15.0 + kk)
    v4 = 0.025 * kkkp * kkp / (15.0 + kkp)
    v5 = 0.75 * kkpp / (15.0 + kkpp)
    v6 = 0.75 * kkp / (15.0 + kkp)
    v7 = 0.025 * kkpp * k / (15.0 + k)
    v8 = 0.025 * kkpp * kp / (15.0 + kp)
    v9 = 0.5 * kpp / (15.0 + kpp)
    v10 = 0.5 * kp / (15.0 + kp)
    slopes = [
        v2 - v1,
        v1 - v2,
        v6 - v3,
        v3 + v5 - v4 - v6,
        v4 - v5,
        v10 - v7,
        v7 + v9 - v8 - v10,
        v8 - v9,
    ]
    return [0.6 * slope for slope in slopes]


def four_lotka_volterra(x, u):
    n, p = x
    return [1.1 * n - 0.4 * n * p, -0.4 * p + 0.1 * n * p]


def four_seir(x, u):
    return seir(x, u, 0.8, 0.5, 0.2)


def community(parameters, size):
    """Generalised Lotka-Volterra in matrix form, from a table of named numbers."""
    growth = np.array([parameters[f"growth_{i + 1}"] for i in range(size)])
    effect = np.array(
        [[parameters.get(f"effect_{i + 1}_{j + 1}", 0.0) for j in range(size)] for i in range(size)]
    )
    return lambda x, u: list(np.asarray(x) * (growth + effect @ np.asarray(x)))


def competition(x, u):
    n, m = x
    return [n * (1 - n - 0.6 * m), 0.7 * m * (1 - m - 0.8 * n)]


def rosenzweig_macarthur(x, u):
    n, p = x
    eaten = 1.2 * n / (1 + n) * p
    return [n * (1 - n / 4) - eaten, 0.6 * eaten - 0.3 * p]


def ross_macdonald(x, u):
    h, m = x
    return [0.27 * m * (1 - h) - 0.05 * h, 0.15 * h * (1 - m) - 0.12 * m]


def influenza(x, u):
    t, e, i, v = x
    return [-32 * t * v, 32 * t * v - 4 * e, 4 * e - 5.2 * i, 4.6 * i - 5.2 * v]


def target_mediated(x, u):
    c, r, b = x
    net = 0.1 * c * r - 0.05 * b
    return [-0.05 * c - net, 0.6 - 0.1 * r - net, net - 0.08 * b]


def indirect_response(x, u):
    c, r = x
    return [-0.3 * c, 9 * (1 - c / (1 + c)) - 0.3 * r]


def gene_switch(x, u):
    m, p = x
    return [p**2 / (1 + p**2) - 0.5 * m, m - 0.7 * p]


def rossler(x, u):
    x, y, z = x
    return [-y - z, x + 0.2 * y, 0.2 + z * (x - 5.7)]


BY_NAME = {
    "logistic": logistic,
    "gompertz": gompertz,
    "predator_prey": predator_prey,
    "lotka_volterra": predator_prey,
    "sir": sir,
    "brusselator": brusselator,
    "schnakenberg": schnakenberg,
    "selkov": selkov,
    "fitzhugh_nagumo": fitzhugh_nagumo,
    "van_der_pol": van_der_pol,
    "seir": seir,
    "goodwin": goodwin,
    "repressilator": repressilator,
    "toggle": toggle,
    "hiv": hiv,
    "chemostat": chemostat,
    "pk_one": pk_one,
    "pk_two": pk_two,
    "pk_saturable": pk_saturable,
    "glucose": glucose,
    "enzyme_hill": enzyme_hill,
    "tumour_immune": tumour_immune,
    "lorenz": lorenz,
    "lorenz_esindy": lorenz,
    "lorenz_odrbindy": lorenz,
    "glycolysis": glycolysis,
    "mapk": mapk,
    "four_lotka_volterra": four_lotka_volterra,
    "four_seir": four_seir,
    "four_repressilator": repressilator,
    "four_pk": pk_saturable,
    "competition": competition,
    "rosenzweig_macarthur": rosenzweig_macarthur,
    "ross_macdonald": ross_macdonald,
    "influenza": influenza,
    "target_mediated": target_mediated,
    "indirect_response": indirect_response,
    "gene_switch": gene_switch,
    "rossler": rossler,
}
