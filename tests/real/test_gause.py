"""Two species of Paramecium alone and together: what monocultures say of a mixture, and what not.

Gause 1934, Science 79, 16: logistic growth alone, competition together.
"""

from __future__ import annotations

import pandas as pd
import pytest

from twinlab import Settings, discover
from twinlab.discovery import Discovery
from twinlab.twin import Validation, validate, verdict

#: No species arises from the other; everything else to the second degree may be.
CONFIGURATION = """
states: [aurelia, caudatum]
library: {terms: [aurelia, caudatum, aurelia^2, caudatum^2, aurelia*caudatum]}
knowledge:
  beliefs:
    - {equation: aurelia, term: caudatum, excluded: true}
    - {equation: aurelia, term: caudatum^2, excluded: true}
    - {equation: caudatum, term: aurelia, excluded: true}
    - {equation: caudatum, term: aurelia^2, excluded: true}
"""
SETTINGS = Settings(vary="nothing", starts=2, draws=60, neighbours=6)
SPECIES = ("aurelia", "caudatum")


@pytest.fixture(scope="module")
def counts(table) -> pd.DataFrame:
    """The counts; of a species that was not put in, zeros: it is absent, not unobserved."""
    data = table("gause_protozoa").drop(columns="flag")
    data = data[data.condition.isin(["monoculture", "mixture"])]
    data = data.assign(variable=data.variable.str.removeprefix("Paramecium_"))
    alone = data[data.condition == "monoculture"]
    other = alone.variable.map(dict(zip(SPECIES, SPECIES[::-1], strict=True)))
    return pd.concat([data, alone.assign(variable=other, value=0.0)])


@pytest.fixture(scope="module")
def alone(counts, asked) -> Discovery:
    study, library, config = asked(counts[counts.condition == "monoculture"], CONFIGURATION)
    return discover(study, library, config.knowledge, settings=SETTINGS, seed=1)


@pytest.fixture(scope="module")
def crossed(counts, asked) -> Validation:
    study, library, config = asked(counts, CONFIGURATION)
    return validate(study, library, config.knowledge, leave="condition", settings=SETTINGS, seed=1)


def coefficients(discovery: Discovery) -> dict[str, float]:
    best = discovery.best
    labels = [discovery.library.column_label(int(c)) for c in best.columns]
    return dict(zip(labels, best.coefficients.tolist(), strict=True))


def test_alone_each_grows_to_its_own_limit(alone: Discovery) -> None:
    w = coefficients(alone)
    assert set(w) == {f"d {s}/dt: {term}" for s in SPECIES for term in (s, f"{s}^2")}
    limit = {s: -w[f"d {s}/dt: {s}"] / w[f"d {s}/dt: {s}^2"] for s in SPECIES}
    assert limit["aurelia"] == pytest.approx(540, rel=0.08)
    assert limit["caudatum"] == pytest.approx(200, rel=0.08)


def test_alone_they_say_nothing_of_each_other(alone: Discovery) -> None:
    words = next(w.text for w in alone.warnings if w.code == "uninformed")
    assert words.startswith("aurelia*caudatum is zero throughout these data")


def test_the_mixture_cannot_be_predicted_and_it_is_said(crossed: Validation) -> None:
    mixture = crossed.by_condition["mixture"]
    assert mixture.nrmse > 1.0 and mixture.coverage90 < 0.5
    told = " ".join(verdict(crossed))
    assert "no better than the mean of the other subjects" in told
    assert "aurelia*caudatum is zero throughout the training part" in told
    assert "whose intervals do not cover: mixture" in told


def test_nor_do_mixtures_tell_the_limits_of_each_alone(crossed: Validation) -> None:
    # Both were near balance with each other: how far aurelia goes alone was never seen.
    assert crossed.by_subject["Monoculture_aurelia"].coverage90 < 0.75
    from_mixture = next(f for f in crossed.folds if f.left == ("monoculture",))
    assert any("aurelia*caudatum" in term for term in from_mixture.terms)


def test_together_they_compete(counts, asked) -> None:
    study, library, config = asked(counts, CONFIGURATION)
    discovery = discover(study, library, config.knowledge, settings=SETTINGS, seed=1)
    w = coefficients(discovery)
    assert discovery.status == "converged" and discovery.chi2_per_point < 1.5
    for s in SPECIES:
        place = discovery.library.find(s, "aurelia*caudatum")
        assert w[f"d {s}/dt: aurelia*caudatum"] < 0 and discovery.inclusion[place] > 0.95
