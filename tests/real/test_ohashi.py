"""Oral glucose tolerance of 120 people: the groups differ in coefficients that have names."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from twinlab import discover, read_study
from twinlab.config import StudyConfig
from twinlab.discovery import Discovery, local_coefficients

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("TWINLAB_REAL_DATA", ROOT.parent / "shared" / "data"))
FILE = FOLDER / "ohashi_ogtt_glucose_tolerance_groups" / "data.csv"

pytestmark = pytest.mark.skipif(
    not FILE.is_file(), reason="the data folder is absent: set TWINLAB_REAL_DATA to it"
)


def fitted(config: StudyConfig) -> Discovery:
    study = config.study(read_study(FILE))
    return discover(study, config.make_library(study), settings=config.settings())


def effects(discovery: Discovery) -> dict[tuple[str, str], tuple[float, float]]:
    """Log factor and probability of every effect, by coefficient and condition."""
    found, varying = discovery.variation, discovery.varying
    assert found is not None and varying is not None
    return {
        (e.label, varying.effects[e.effect].name): (e.size, e.probability) for e in found.effects
    }


@pytest.fixture(scope="module")
def c_peptide() -> Discovery:
    """C-peptide with glucose as a measured input."""
    return fitted(StudyConfig(states=("c_peptide",), inputs=("glucose",), noise="combined"))


def test_c_peptide_of_diabetics_differs_in_a_named_coefficient(c_peptide: Discovery) -> None:
    own = {key: value for key, value in effects(c_peptide).items() if key[1] == "T2DM"}
    assert own
    assert c_peptide.status == "converged" and np.nanmedian(c_peptide.r_squared[:, 0]) > 0.85
    # Less C-peptide in diabetics: what makes it is smaller there, or what removes it larger.
    for (label, _), (size, probability) in own.items():
        labels = [c_peptide.library.column_label(int(c)) for c in c_peptide.best.columns]
        assert size * c_peptide.best.coefficients[labels.index(label)] < 0.0
        assert probability > 0.95


def test_every_subject_has_its_own_values(c_peptide: Discovery) -> None:
    for item in local_coefficients(c_peptide):
        assert item.by == "subject" and item.own.size == len(c_peptide.study.trajectories)
        assert (item.own90[:, 0] <= item.own90[:, 1]).all()
        assert item.probability > 0.5


def test_insulin_acts_on_glucose_more_strongly_in_the_healthy() -> None:
    """Insulin resistance: named, and large."""
    discovery = fitted(StudyConfig(states=("glucose", "insulin"), noise="combined"))
    labels = [discovery.library.column_label(int(c)) for c in discovery.best.columns]
    action = "d glucose/dt: glucose*insulin"
    assert discovery.best.coefficients[labels.index(action)] < 0.0
    size, probability = effects(discovery)[action, "NGT"]
    assert size > 0.5 and probability > 0.95
    assert np.nanmedian(discovery.r_squared[:, 0]) > 0.85
    assert np.nanmedian(discovery.r_squared[:, 1]) > 0.3
