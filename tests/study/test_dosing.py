"""Where doses go and how much of them arrives."""

from dataclasses import replace

import numpy as np
import pytest

from twinlab.errors import UserError
from twinlab.study import Dose, Dosing, Study
from twinlab.study.dosing import arriving_doses, doses_between, read_dosing


def study(*doses: Dose, weight: float | None = None, unit: str = "", names=("x", "y")) -> Study:
    time = np.array([0.0, 1.0, 4.0])
    made = Study.from_arrays("s", names, [time], [np.ones((3, len(names)))], units={"x": unit})
    given = replace(made.trajectories[0], doses=doses)
    if weight is not None:
        given = replace(given, covariates={"weight": weight})
    return replace(made, trajectories=(given,))


def test_lag_share_scale_and_target():
    rules = (Dosing("y", 0.5, 0.8, "weight"), Dosing("x", named="vein"))
    given = study(Dose(2, 10.0), Dose(1, 4.0, "vein"), weight=4.0).with_dosing(*rules)
    found = arriving_doses(given, ("x", "y"))
    assert found.doses[0] == (Dose(1, 4.0, "x"), Dose(2.5, 2.0, "y"))
    assert found.homeless == 0 and found.assumed == ""


def test_a_rule_for_one_target_leaves_the_others_alone():
    given = study(Dose(0, 1.0, "x"), Dose(1, 1.0, "y")).with_dosing(Dosing("x", lag=0.5))
    assert [d.time for d in arriving_doses(given, ("x", "y")).doses[0]] == [0.5, 1.0]


def test_a_target_is_assumed_only_where_it_is_obvious():
    assert arriving_doses(study(Dose(0, 1.0), names=("x",)), ("x",)).assumed == "x"
    several = arriving_doses(study(Dose(0, 1.0)), ("x", "y"))
    assert several.homeless == 1 and several.doses == ((),)
    other_unit = study(Dose(0, 1.0, unit="mg"), unit="mg/L", names=("x",))
    assert arriving_doses(other_unit, ("x",)).homeless == 1
    assert arriving_doses(study(Dose(0, 1.0)), ("x", "y", "gut"), latent=("gut",)).assumed == "gut"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (study(Dose(0, 1.0, "gut")), "goes into 'gut', which is no state of the model"),
        (study(Dose(0, 1.0, "u")), "bolus into the input u"),
        (study(Dose(0, 2.0, "x", 3.0), Dose(1, 2.0, "x", 1.0)), "overlap: from 0 to 3, and from 1"),
        (
            study(Dose(0, 1.0, "x")).with_dosing(Dosing(scale="weight")),
            "no positive value of",
        ),
    ],
)
def test_what_cannot_be_given_is_said(given, said):
    with pytest.raises(UserError) as raised:
        arriving_doses(given, ("x", "y"), ("u",))
    assert said in str(raised.value) and raised.value.mend


def test_doses_of_a_part():
    doses = (Dose(0, 1.0), Dose(1, 6.0, duration=3.0), Dose(4, 2.0))
    assert doses_between(doses, 0.0, 2.0) == (Dose(0, 1.0), Dose(1, 2.0, duration=1.0))
    assert doses_between(doses, 2.0, np.inf) == (Dose(2, 4.0, duration=2.0), Dose(4, 2.0))


def test_configuration():
    assert read_dosing({"target": "gut", "lag": 1}) == (Dosing("gut", 1.0),)
    two = read_dosing([{"target": "x"}, {"named": "oral", "target": "y", "bioavailability": 0.5}])
    assert two == (Dosing("x"), Dosing("y", bioavailability=0.5, named="oral"))
    for bad, said in [
        ({"lags": 1}, "unknown key 'lags'"),
        ({"lag": -1}, "lag must be a number, 0 or more"),
        ({"bioavailability": 0}, "more than 0"),
        ({"target": 3}, "target must be a name"),
        ([{"target": "x"}, {"target": "x", "lag": 1}], "two rules"),
        ("gut", "keys of its own"),
    ]:
        with pytest.raises(UserError, match="(?s)" + said):
            read_dosing(bad)
