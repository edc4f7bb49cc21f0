"""Glucose after an injection: insulin a measured input, insulin where it acts never measured.

Pacini and Bergman 1986, Comput. Methods Programs Biomed. 23, 113: the minimal model
``dG = -p1 G - X G + p1 Gb``, ``dX = -p2 X + p3 (I - Ib)``.
"""

from __future__ import annotations

import numpy as np
import pytest

from twinlab import discover
from twinlab.discovery import Discovery, RankedModel

#: What is believed: remote insulin is filled from plasma, is at rest at basal insulin and holds no
#: glucose; it lowers glucose, and insulin in plasma does so by way of it alone.  Whether glucose
#: returns by itself, in proportion to what, and how remote insulin is lost is for the data to say.
CONFIGURATION = """
states: [glucose]
inputs: [insulin]
latent: [remote]
initial: {remote: 0}
library:
  terms: ["1", glucose, insulin, remote, glucose*insulin, glucose*remote]
knowledge:
  beliefs:
    - {equation: remote, term: insulin, sign: positive, required: true}
    - {equation: remote, term: "1", sign: negative, required: true}
    - {equation: remote, term: remote, sign: negative}
    - {equation: remote, term: glucose, excluded: true}
    - {equation: remote, term: glucose*insulin, excluded: true}
    - {equation: remote, term: glucose*remote, excluded: true}
    - {equation: glucose, term: insulin, excluded: true}
    - {equation: glucose, term: glucose*insulin, excluded: true}
    - {equation: glucose, term: remote, sign: negative}
    - {equation: glucose, term: glucose*remote, sign: negative}
"""
MINIMAL = {
    "d glucose/dt: 1", "d glucose/dt: glucose", "d glucose/dt: glucose*remote",
    "d remote/dt: 1", "d remote/dt: insulin", "d remote/dt: remote",
}  # fmt: skip
#: While the injection mixes, in minutes.
MIXING = 8


@pytest.fixture(scope="module")
def discovery(table, asked) -> Discovery:
    data = table("ivgtt_glucose_insulin")
    data = data[(data.variable == "insulin") | (data.time >= MIXING)]
    study, library, config = asked(data, CONFIGURATION)
    return discover(study, library, config.knowledge, settings=config.settings(), seed=1)


def named(discovery: Discovery, model: RankedModel) -> dict[str, float]:
    labels = [discovery.library.column_label(int(c)) for c in model.columns]
    return dict(zip(labels, model.coefficients.tolist(), strict=True))


def test_glucose_is_described(discovery: Discovery) -> None:
    assert discovery.status == "converged" and discovery.chi2_per_point < 1.5
    assert discovery.r_squared[0, 0] > 0.99
    used = named(discovery, discovery.best)
    assert used["d glucose/dt: glucose*remote"] < 0 and used["d remote/dt: insulin"] == 1.0


def test_the_minimal_model_is_among_the_alternatives(discovery: Discovery) -> None:
    found = next(m for m in discovery.models if set(named(discovery, m)) == MINIMAL)
    assert found.probability > 0.03
    w = named(discovery, found)
    # Least squares of the model itself: p1 0.0218, p2 0.0135, p3 1.51e-5, Gb 103, Ib 9.8.
    assert -w["d glucose/dt: 1"] / w["d glucose/dt: glucose"] == pytest.approx(103, rel=0.1)
    assert -w["d remote/dt: 1"] / w["d remote/dt: insulin"] == pytest.approx(9.8, rel=0.15)
    assert w["d glucose/dt: glucose"] == pytest.approx(-0.0218, rel=0.2)
    action = -w["d glucose/dt: glucose*remote"] * w["d remote/dt: insulin"]
    assert action == pytest.approx(1.51e-5, rel=0.2)
    assert w["d remote/dt: remote"] == pytest.approx(-0.0135, rel=0.3)


def test_the_scale_of_what_was_not_measured_is_held(discovery: Discovery) -> None:
    place = discovery.best.columns.tolist().index(discovery.library.find("remote", "insulin"))
    np.testing.assert_array_equal(discovery.best.interval90[place], [1.0, 1.0])
    assert "coefficient of insulin" in discovery.latent["remote"]["gauge"]
