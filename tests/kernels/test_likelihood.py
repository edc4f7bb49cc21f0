"""Censored and Student-t likelihoods as rows of least squares, against SciPy."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm, t

from twinlab.kernels import STUDENT_FREEDOM, Data, excess_cost
from twinlab.kernels.likelihood import (
    STUDENT_INFORMATION,
    effective_row,
    normal_tail,
    student_tail,
)

STUDENT = t(STUDENT_FREEDOM)
LEVELS = [-1e5, -60.0, -25.1, -24.9, -4.0, -0.3, 0.0, 0.7, 3.0, 7.9]


@pytest.mark.parametrize("r", LEVELS)
def test_tails_keep_their_digits_far_out(r):
    log_chance, ratio, rest = normal_tail(r)
    assert log_chance == pytest.approx(norm.logcdf(r), rel=1e-9, abs=1e-15)
    expected = np.exp(norm.logpdf(r) - norm.logcdf(r))
    assert ratio == pytest.approx(expected, rel=1e-6, abs=1e-15)
    # Far below zero the ratio is -r + 1/-r - ...: the sum would be lost in the last digit.
    assert rest == pytest.approx(1 / -r if r < -1e3 else expected + r, rel=1e-6)
    log_chance, ratio, rest = student_tail(r)
    assert log_chance == pytest.approx(STUDENT.logcdf(r), rel=1e-9)
    assert ratio == pytest.approx(np.exp(STUDENT.logpdf(r) - STUDENT.logcdf(r)), rel=1e-9)
    assert rest == pytest.approx(ratio + 5 * r / (4 + r * r), rel=1e-9)


@pytest.mark.parametrize("student", [False, True])
@pytest.mark.parametrize("n_censored", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("r", [-40.0, -3.0, -0.2, 0.4, 2.5, 6.0])
def test_rows_have_the_slope_of_the_likelihood(r, n_censored, student):
    cost, factor, residual = effective_row(r, n_censored, student)
    law = STUDENT if student else norm

    def minus_two_log(r):
        if n_censored:
            return -2.0 * n_censored * law.logcdf(r)
        return -2.0 * (law.logpdf(r) - law.logpdf(0.0))

    assert cost == pytest.approx(minus_two_log(r), rel=1e-9)
    step = 1e-5 * max(1.0, abs(r))
    slope = (minus_two_log(r + step) - minus_two_log(r - step)) / (2 * step)
    assert 2 * factor * residual == pytest.approx(slope, rel=1e-5, abs=1e-9)
    assert factor > 0
    if n_censored and not student:
        wide = 1e-3 * max(1.0, abs(r))
        bend = (minus_two_log(r + wide) - 2 * cost + minus_two_log(r - wide)) / wide**2
        assert 2 * factor**2 == pytest.approx(bend, rel=1e-3, abs=1e-6)


def test_student_curvature_is_the_expected_information():
    mean = quad(lambda r: effective_row(r, 0.0, True)[1] ** 2 * STUDENT.pdf(r), -np.inf, np.inf)
    score = quad(lambda r: (5 * r / (4 + r * r)) ** 2 * STUDENT.pdf(r), -np.inf, np.inf)
    assert mean[0] == pytest.approx(score[0]) and score[0] == pytest.approx(STUDENT_INFORMATION)


def test_what_is_far_below_its_limit_says_nothing():
    assert effective_row(9.0, 1.0, False) == (0.0, 0.0, 0.0)
    cost, factor, residual = effective_row(1e4, 1.0, True)
    assert cost < 1e-12 and factor**2 < 1e-12 and abs(residual) < 1


@pytest.mark.parametrize("student", [False, True])
def test_squares_come_to_the_information_on_average(student):
    rng = np.random.default_rng(0)
    n, limit = 200_000, -0.2
    noise = rng.standard_t(STUDENT_FREEDOM, (n, 1)) if student else rng.standard_normal((n, 1))
    x, weight = np.zeros((n, 1)), np.ones((n, 1))
    start, time = np.array([0, n]), np.arange(float(n))

    none = np.zeros((0, 2))

    def squares(value, censored):
        plain = np.zeros(1, bool)
        below = censored.astype(float)
        data = Data(start, time, value, weight, plain, below, student, none, none)
        excess, information = excess_cost(data, x)
        cost = sum(
            effective_row(v, c, student)[0]
            for v, c in zip(value[:2000, 0], censored[:2000, 0].astype(float), strict=True)
        )
        part = data._replace(value=value[:2000], weight=weight[:2000])
        return cost - excess_cost(part, x[:2000])[0], excess, information

    own, excess, information = squares(noise, np.zeros((n, 1), bool))
    assert information == pytest.approx(n / STUDENT_INFORMATION if student else n)
    assert own / 2000 == pytest.approx(information / n, rel=0.1)
    assert student or excess == 0.0
    below = noise < limit
    _, _, some = squares(np.where(below, limit, noise), below)
    assert (~below).sum() < some < information
