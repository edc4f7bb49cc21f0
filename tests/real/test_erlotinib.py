"""Tumours under erlotinib: the drug's effect is a term, and the untreated arm a prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from twinlab import discover, read_study
from twinlab.config import StudyConfig, read_config
from twinlab.discovery import Discovery
from twinlab.study import Study
from twinlab.twin import Validation, validate

FOLDER = Path(__file__).parents[2] / "sample_data"


@pytest.fixture(scope="module")
def config() -> StudyConfig:
    return read_config(FOLDER / "erlotinib_xenograft.yaml")


@pytest.fixture(scope="module")
def study(config: StudyConfig) -> Study:
    return config.study(read_study(FOLDER / "erlotinib_xenograft.csv"))


@pytest.fixture(scope="module")
def discovery(config: StudyConfig, study: Study) -> Discovery:
    return discover(
        study, config.make_library(study), config.knowledge, settings=config.settings(), seed=1
    )


def test_the_drug_shrinks_the_tumour(discovery: Discovery) -> None:
    names = [discovery.library.column_label(int(c)) for c in discovery.best.columns]
    effect = names.index("d tumour_volume/dt: drug*tumour_volume")
    assert discovery.status == "converged"
    assert "d tumour_volume/dt: tumour_volume" in names
    assert discovery.best.coefficients[effect] < 0
    assert discovery.inclusion[discovery.best.columns[effect]] > 0.95
    assert np.nanmean(discovery.r_squared[:, 0]) > 0.9


def test_mice_differ_and_it_is_said(discovery: Discovery) -> None:
    words = next(w.text for w in discovery.warnings if w.code == "varies")
    assert "drug*tumour_volume varies by" in words


@pytest.fixture(scope="module")
def untreated(config: StudyConfig, study: Study) -> Validation:
    return validate(
        study, config.make_library(study), config.knowledge, leave="condition", only=["control"],
        settings=config.settings(), seed=1,
    )  # fmt: skip


def test_the_untreated_arm_is_predicted_from_the_rest(untreated: Validation) -> None:
    overall = untreated.overall
    assert overall.n > 90 and not untreated.missing
    assert overall.nrmse < min(b.nrmse for b in overall.baselines.values())
    assert overall.coverage90 > 0.6
