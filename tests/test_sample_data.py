"""The sample files: they read, they are as described, and the simulator repeats itself."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.testing import assert_allclose

from twinlab.expressions import parse_term
from twinlab.study import check_text, read_study

FOLDER = Path(__file__).parents[1] / "sample_data"
SIMULATED = ("predator_prey", "seir", "enzyme_hill")

#: subjects, conditions, variables, points, time unit, doses, warnings
SHAPES = {
    "lynx_hare": (1, 1, 2, 42, "year", 0, 0),
    "tristan_cold": (1, 1, 2, 42, "day", 0, 0),
    "theophylline": (12, 1, 1, 132, "h", 12, 0),
    "erlotinib_xenograft": (60, 5, 3, 884, "day", 305, 1),
    "predator_prey": (2, 2, 2, 200, "", 0, 0),
    "seir": (5, 5, 3, 450, "", 0, 0),
    "enzyme_hill": (5, 5, 6, 1500, "", 0, 0),
}


@pytest.mark.parametrize("name", SHAPES)
def test_sample_reads(name):
    study = read_study(FOLDER / f"{name}.csv")
    assert (
        len(study.subjects),
        len(study.conditions),
        len(study.variables),
        study.n_points,
        study.time_unit,
        sum(len(t.doses) for t in study.trajectories),
        sum(note.level == "warning" for note in study.notes),
    ) == SHAPES[name]


def test_every_data_file_is_tested_and_described():
    files = {p.stem for p in FOLDER.glob("*.csv") if not p.stem.endswith("_doses")}
    assert files == set(SHAPES)
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for path in (*FOLDER.glob("*.csv"), *FOLDER.glob("LICENSES/*")):
        assert path.name in readme


def test_doubtful_unit_is_mentioned():
    study = read_study(FOLDER / "erlotinib_xenograft.csv")
    assert study.units["plasma_concentration"] == "ng/mL"
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "doubtful" in readme
    assert "ng/mL" in readme


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lynx_hare", ("time 1900 to 1920 year", "hare thousand pelts 1 21 7.6 25.4 77.4",
                       "lynx 21 1 1 regular", "none")),
        ("tristan_cold", ("infected people 1 21 0 6 17", "time 1 to 21 day")),
        ("theophylline", ("time 0 to 24.65 h", "covariate dose 267.84 to 320.65 mg",
                          "12 doses to 12 of 12 subjects, 1 each",
                          "theophylline_serum of 4: nothing from 11.98 to 24.65 (9 steps)")),
        ("erlotinib_xenograft", ("305 doses to 52 of 60 subjects, 1-14 each",
                                 "plasma_concentration ng/mL 50 60 303 0.00183 3.06 15.7",
                                 "! 2 trajectories with one time point: '12' and '30'")),
        ("predator_prey", ("prey 50 0.20408 0.20409 regular",)),
        ("seir", ("points 450 measured values",)),
        ("enzyme_hill", ("variables 6: S, E, C, P, M, X",)),
    ],
)  # fmt: skip
def test_check_says_what_is_in_it(name, said):
    text = check_text(read_study(FOLDER / f"{name}.csv"))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for line in said:
        assert line in lines


@pytest.fixture(scope="module")
def simulator():
    spec = importlib.util.spec_from_file_location("simulate", FOLDER / "simulate.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["simulate"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["simulate"]


def test_simulator_gives_the_same_bytes(simulator, tmp_path):
    simulator.main(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2 * len(SIMULATED)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (FOLDER / path.name).read_bytes(), path.name


@pytest.mark.parametrize("name", SIMULATED)
def test_truth_explains_the_data(simulator, name):
    """Integrate the equations of the truth file, parsed by TwinLab, and compare with the data."""
    truth = yaml.safe_load((FOLDER / f"{name}.truth.yaml").read_text(encoding="utf-8"))
    study = read_study(FOLDER / f"{name}.csv")
    assert tuple(truth["equations"]) == study.variables
    rates = [
        [(c, parse_term(text, study.variables)) for text, c in terms.items()]
        for terms in truth["equations"].values()
    ]

    def slope(x: np.ndarray) -> np.ndarray:
        values = dict(zip(study.variables, x, strict=True))
        return np.array([sum(c * t.evaluate(values) for c, t in terms) for terms in rates])

    # Every subject has the same times: x holds all of them, shape (n_state, n_subject).
    time = study.trajectories[0].time
    x = np.array([[truth["initial"][s][v] for s in study.subjects] for v in study.variables])
    states = [x]
    for step in np.diff(time) / 10:
        for _ in range(10):  # classical Runge-Kutta: another integrator than the simulator's
            k1 = slope(x)
            k2 = slope(x + step / 2 * k1)
            k3 = slope(x + step / 2 * k2)
            k4 = slope(x + step * k3)
            x = x + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        states.append(x)
    clean = np.array(states).transpose(2, 0, 1)
    sd = np.array([truth["noise"]["sd"][v] for v in study.variables])
    residuals = [(t.value - curve) / sd for t, curve in zip(study.trajectories, clean, strict=True)]
    z = np.concatenate(residuals)
    assert_allclose(z.std(), 1.0, atol=4 / np.sqrt(2 * z.size))
    assert_allclose(z.mean(), 0.0, atol=4 / np.sqrt(z.size))
    assert_allclose(sd, truth["noise"]["fraction"] * np.concatenate(clean).std(axis=0), rtol=1e-4)
