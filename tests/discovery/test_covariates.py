"""Covariates from a file to a finding: `twinlab discover` on a simulated clinical study."""

import json
from pathlib import Path

import numpy as np
import pytest

from twinlab.cli import main


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """24 subjects after a bolus: elimination goes with weight^0.75, and age does nothing."""
    folder: Path = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(5)
    weight, age = rng.uniform(45, 110, 24), rng.uniform(20, 70, 24)
    rate = 0.3 * (weight / 70) ** 0.75 * np.exp(0.08 * rng.standard_normal(24))
    lines = ["subject,time,variable,value,weight,age"]
    for i in range(24):
        start = rng.uniform(8, 12)
        for time in (0, 0.5, 1, 2, 3, 4.5, 6, 8):
            value = start * np.exp(-rate[i] * time + 0.04 * rng.standard_normal())
            lines.append(f"s{i + 1},{time},concentration,{value:.5g},{weight[i]:.1f},{age[i]:.1f}")
    (folder / "pk.csv").write_text("\n".join(lines) + "\n")
    (folder / "pk.yaml").write_text(
        "states: [concentration]\ncovariates: [weight, age]\nvaries: subject\n"
        "noise: lognormal\nlibrary: {polynomial: 2}\n"
    )
    assert main(["discover", str(folder / "pk.csv"), "--out", str(folder / "out")]) == 0
    return json.loads((folder / "out" / "discovery.json").read_text()), rate


def test_the_covariate_that_matters_is_named_with_its_power(found):
    answer, _ = found
    assert [t["term"] for t in answer["models"][0]["equations"]["concentration"]] == [
        "concentration"
    ]
    [effect] = answer["variation"]["effects"]
    assert (effect["name"], effect["kind"]) == ("weight", "power")
    assert effect["term"] == "d concentration/dt: concentration"
    low, high = effect["interval90"]
    assert low < 0.75 < high and high - low < 0.5 and effect["size"] == pytest.approx(0.75, abs=0.2)
    assert effect["probability"] > 0.95
    assert "weight" in effect["text"] and "^" in effect["text"]


def test_one_that_does_not_matter_is_not(found):
    answer, _ = found
    assert all(effect["name"] != "age" for effect in answer["variation"]["effects"])
    assert all("age/" not in w["text"] for w in answer["warnings"])


def test_what_is_left_unexplained_is_told_for_every_subject(found):
    answer, rate = found
    [term] = answer["variation"]["terms"]
    assert term["omega_interval90"][0] < 0.12 and term["explained"] > 0.6
    own = answer["variation"]["trajectories"][term["term"]]
    estimated = -np.array([entry["coefficient"] for entry in own.values()])
    assert np.corrcoef(estimated, rate)[0, 1] > 0.95
    inside = [
        -entry["interval90"][1] <= r <= -entry["interval90"][0]
        for entry, r in zip(own.values(), rate, strict=True)
    ]
    assert np.mean(inside) > 0.75
