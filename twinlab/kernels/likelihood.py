"""Likelihood of one value as a row of least squares: normal or Student-t, measured or censored.

Every likelihood is turned into an effective residual and a factor for its design row, such that
the rows' sums give the exact gradient of ``-2 log likelihood`` and a positive curvature that is
right on average.  Gauss-Newton, Levenberg-Marquardt and the regression on all columns then need
not know which likelihood it was.
"""

from __future__ import annotations

import math

from .compiled import jit

#: Degrees of freedom of Student-t noise (Lange, Little and Taylor 1989, section 5: 4 serves well).
STUDENT_FREEDOM = 4.0
#: Fisher information of a Student-t location over that of a normal one of the same scale
#: (Lange, Little and Taylor 1989, appendix B).
STUDENT_INFORMATION = (STUDENT_FREEDOM + 1.0) / (STUDENT_FREEDOM + 3.0)
#: Beyond this many sd below its limit a censored value says nothing more.
SILENT = 8.0


@jit
def normal_tail(r):
    """``log Phi(r)``, ``phi/Phi`` and ``phi/Phi + r``, without cancellation for very low ``r``."""
    if r > -25.0:
        chance = 0.5 * math.erfc(-r / math.sqrt(2.0))
        ratio = math.exp(-0.5 * r * r) / math.sqrt(2.0 * math.pi) / chance
        return math.log(chance), ratio, ratio + r
    # Asymptotic series of Mills' ratio (Abramowitz and Stegun 1964, 26.2.12), inverted.
    q = 1.0 / (r * r)
    rest = (1.0 - q * (2.0 - q * (10.0 - 74.0 * q))) / -r
    ratio = rest - r
    return -0.5 * r * r - math.log(math.sqrt(2.0 * math.pi) * ratio), ratio, rest


@jit
def student_tail(r):
    """``log F(r)``, ``f/F`` and ``f/F - f'/f`` of Student's t with four degrees of freedom."""
    s = r / math.sqrt(4.0 + r * r)
    # F = (1 + s)^2 (2 - s)/4; one plus s is taken without cancellation.
    above = 1.0 + s if s > 0.0 else 4.0 / (4.0 + r * r) / (1.0 - s)
    chance = 0.25 * above * above * (2.0 - s)
    ratio = 0.375 * (1.0 + 0.25 * r * r) ** -2.5 / chance
    return math.log(chance), ratio, ratio + 5.0 * r / (4.0 + r * r)


@jit
def effective_row(r, n_censored, student):
    """Cost, factor of the design row and effective residual of one value.

    Parameters
    ----------
    r : float
        Measured value (or limit) less the model, in units of the noise's scale.
    n_censored : float
        Zero: the value was measured.  Otherwise: so many values lie below it.
    student : bool
        Student-t noise instead of normal noise.

    Returns
    -------
    cost : float
        ``-2 log likelihood`` without its normaliser; of a censored value ``-2 log F(r)`` (Tobin
        1958, eq. 9; Beal 2001, method M3).
    factor : float
        ``sqrt(curvature)``, half the second derivative of the cost or what stands for it.
    residual : float
        Half the slope of the cost over the factor.
    """
    if n_censored == 0.0:
        if not student:
            return r * r, 1.0, r
        # Weights of iterated least squares (Lange, Little and Taylor 1989, eq. 6), scaled so that
        # the curvature is the expected information.
        weight = (STUDENT_FREEDOM + 1.0) / (STUDENT_FREEDOM + r * r)
        cost = (STUDENT_FREEDOM + 1.0) * math.log1p(r * r / STUDENT_FREEDOM)
        residual = math.sqrt(weight / STUDENT_INFORMATION) * r
        return cost, math.sqrt(weight * STUDENT_INFORMATION), residual
    if student:
        log_chance, ratio, rest = student_tail(r)
        # The t distribution is not log-concave: far above the limit the curvature is held up.
        curvature = max(ratio * rest, 0.2 * ratio * ratio)
    else:
        if r > SILENT:
            return 0.0, 0.0, 0.0
        log_chance, ratio, rest = normal_tail(r)
        curvature = ratio * rest
    factor = math.sqrt(n_censored * curvature)
    return -2.0 * n_censored * log_chance, factor, -n_censored * ratio / factor


@jit
def standard_residual(y, x, weight, logarithmic):
    """Residual in units of the noise's scale, and the weight of the trajectory's change."""
    if logarithmic:
        # A state that touches zero has no logarithm: hold it at a tiny share of y.
        floor = max(x, 1e-6 * y)
        return weight * math.log(y / floor), weight / floor
    return weight * (y - x), weight


@jit
def excess_cost(data, x):
    """What the cost has above the squares of the effective residuals, and the information.

    A Gram's ``yy`` must be the squares that belong to its rows; for normal measured values they
    are the cost itself.  The information is what these squares come to on average.

    Parameters
    ----------
    data : Data
    x : (n_row, n_observable) array
        The model at the data's times.

    Returns
    -------
    excess, information : float
    """
    excess, information = 0.0, 0.0
    for i in range(x.shape[0]):
        for e in range(x.shape[1]):
            weight = data.weight[i, e]
            if weight > 0.0:
                r, _ = standard_residual(data.value[i, e], x[i, e], weight, data.logarithmic[e])
                below = data.censored[i, e]
                cost, factor, residual = effective_row(r, below, data.student)
                excess += cost - residual * residual
                if below > 0.0:
                    information += factor * factor
                elif data.student:
                    information += 1.0 / STUDENT_INFORMATION
                else:
                    information += 1.0
    return excess, information
