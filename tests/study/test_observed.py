"""What a measured variable measures."""

import numpy as np
import pytest

from twinlab.errors import UserError
from twinlab.study import Study, observe
from twinlab.study.observed import parse_observed


def study(**columns):
    values = np.column_stack([np.array(v, float) for v in columns.values()])
    return Study.from_arrays("s", list(columns), [np.arange(float(len(values)))], [values])


def test_sums_ratios_and_logarithms_are_linear_fractions():
    total = parse_observed("S + 2*E - (I - 3)/2")
    assert total.numerator == {"S": 2.0, "E": 4.0, "I": -1.0, "": 3.0}
    assert total.denominator == {"": 2.0}
    ratio = parse_observed("100*A/(A + B)")
    assert ratio.numerator == {"A": 100.0} and ratio.denominator == {"A": 1.0, "B": 1.0}
    rest = parse_observed("1 - A/(A + B)")
    assert rest.numerator == {"B": 1.0} and rest.denominator == {"A": 1.0, "B": 1.0}
    assert parse_observed("log10(virus)").base == 10.0
    assert parse_observed("2.5*A + 0.1").affine == pytest.approx((2.5, 0.1))


@pytest.mark.parametrize("text", ["A*B", "A^2", "exp(A)", "log10(A + B)", "3", "A/(B*C)", "A/0"])
def test_what_is_no_sum_or_ratio_is_refused(text):
    with pytest.raises(UserError):
        parse_observed(text)


def test_a_state_on_another_scale_is_brought_to_its_own():
    made = observe(
        study(log_virus=[2.0, 3.0, np.nan], signal=[0.6, 1.1, 2.6]),
        {"log_virus": "log10(virus)", "signal": "0.5*A + 0.1"},
    )
    assert made.variables == ("virus", "A") and made.logarithmic == ("virus",)
    np.testing.assert_allclose(made.trajectories[0].value[:, 0], [100.0, 1000.0, np.nan])
    np.testing.assert_allclose(made.trajectories[0].value[:, 1], [1.0, 2.0, 5.0])
    assert "log-normal" in made.notes[0].text and "0.5" in made.notes[1].text
    same = observe(study(virus=[1.0, 2.0]), {"virus": "log10(virus)"})
    assert same.variables == ("virus",) and same.trajectories[0].value[1, 0] == pytest.approx(100.0)


def test_standard_deviations_and_replicates_move_with_the_scale():
    plain = study(log_virus=[2.0, 3.0])
    t = plain.trajectories[0]
    t.sd[:, 0], t.spread[:, 0], t.count[:, 0] = 0.1, 0.02, 3
    made = observe(plain, {"log_virus": "log10(virus)"}).trajectories[0]
    slope = np.log(10.0) * made.value[:, 0]
    np.testing.assert_allclose(made.sd[:, 0], 0.1 * slope)
    np.testing.assert_allclose(made.spread[:, 0], 0.02 * slope**2)


def test_what_stays_derived_and_what_is_wrong():
    made = observe(study(A=[1, 2], total=[3, 4]), {"total": "A + B"})
    assert made.derived == {"total": "A + B"} and made.variables == ("A", "total")
    twice = observe(study(A=[1, 2], again=[3, 4]), {"again": "2*A"})
    assert twice.derived == {"again": "2*A"}
    with pytest.raises(UserError, match="no variable 'sum'"):
        observe(study(A=[1, 2]), {"sum": "A + B"})
    with pytest.raises(UserError, match="by itself"):
        observe(study(A=[1, 2]), {"A": "A + B"})
    with pytest.raises(UserError, match="another variable too"):
        observe(study(A=[1, 2], y=[1, 2]), {"y": "log10(A)"})
