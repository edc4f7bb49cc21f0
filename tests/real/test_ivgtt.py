"""Glucose after an injection: insulin a measured input, insulin where it acts never measured.

Pacini and Bergman 1986, Comput. Methods Programs Biomed. 23, 113: the minimal model
``dG = -p1 G - X G + p1 Gb``, ``dX = -p2 X + p3 (I - Ib)``, Ib the insulin before the injection.
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
inputs: [insulin]  # above its basal level
noise: constant  # as least squares has it, with which coefficients are compared
latent: [remote]
initial: {remote: 0}
library:
  terms: ["1", glucose, insulin, remote, glucose*insulin, glucose*remote]
knowledge:
  beliefs:
    - {equation: remote, term: insulin, sign: positive, required: true}
    - {equation: remote, term: "1", excluded: true}
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
    "d remote/dt: insulin", "d remote/dt: remote",
}  # fmt: skip
#: While the injection mixes, in minutes.
MIXING = 8


@pytest.fixture(scope="module")
def discovery(table, asked) -> Discovery:
    data = table("ivgtt_glucose_insulin")
    data = data[(data.variable == "insulin") | (data.time >= MIXING)]
    insulin = data.variable == "insulin"
    basal = data.value[insulin & (data.time == 0.0)].iloc[0]
    data = data.assign(value=data.value - np.where(insulin, basal, 0.0))
    study, library, config = asked(data, CONFIGURATION)
    return discover(study, library, config.knowledge, settings=config.settings(), seed=1)


def named(discovery: Discovery, model: RankedModel) -> dict[str, float]:
    labels = [discovery.library.column_label(int(c)) for c in model.columns]
    return dict(zip(labels, model.coefficients.tolist(), strict=True))


def test_glucose_is_described(discovery: Discovery) -> None:
    assert discovery.status == "converged" and discovery.chi2_per_point < 1.5
    assert discovery.r_squared[0, 0] > 0.99
    used = named(discovery, discovery.best)
    assert used["d remote/dt: insulin"] == pytest.approx(1.0)


def test_the_minimal_model_is_among_the_alternatives(discovery: Discovery) -> None:
    found = next(m for m in discovery.models if set(named(discovery, m)) == MINIMAL)
    # Few samples of one subject: smaller models, as that with p1 = 0, come before it.
    assert found.probability > 1e-4
    w = named(discovery, found)
    # Least squares of the model itself: p1 0.0217, p2 0.0142, p3 1.48e-5, Gb 98.
    assert -w["d glucose/dt: 1"] / w["d glucose/dt: glucose"] == pytest.approx(98, rel=0.1)
    assert w["d glucose/dt: glucose"] == pytest.approx(-0.0217, rel=0.2)
    assert w["d remote/dt: remote"] == pytest.approx(-0.0142, rel=0.3)
    action = -w["d glucose/dt: glucose*remote"] * w["d remote/dt: insulin"]
    assert action == pytest.approx(1.48e-5, rel=0.2)


def test_the_scale_of_what_was_not_measured_is_held(discovery: Discovery) -> None:
    place = discovery.best.columns.tolist().index(discovery.library.find("remote", "insulin"))
    np.testing.assert_allclose(discovery.best.interval90[place], [1.0, 1.0])
    assert "coefficient of insulin" in discovery.latent["remote"]["gauge"]
