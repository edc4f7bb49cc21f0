"""A configuration file in the pages: what it says is modelled, shown, and can be changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinlab.config import read_config
from twinlab.study import read_study
from twinlab.ui.panels.data import DataSection
from twinlab.ui.panels.settings import SettingsSection
from twinlab.ui.panels.terms import TermSection
from twinlab.ui.state import AS_GIVEN, LEFT_OUT, WorkbenchState

from .conftest import Loop

FOLDER = Path(__file__).parents[2] / "sample_data"


@pytest.fixture
def dosed() -> WorkbenchState:
    """A session with the sample of theophylline, whose configuration lies beside it."""
    state = WorkbenchState()
    assert state.load_path(FOLDER / "theophylline.csv")
    return state


def test_the_page_models_what_the_command_line_does(dosed: WorkbenchState) -> None:
    file = FOLDER / "theophylline.yaml"
    config = read_config(file)
    study = config.study(read_study(FOLDER / "theophylline.csv"))
    library = config.make_library(study)
    assert dosed.library is not None and dosed.study is not None
    assert dosed.library.latent == ("gut",)
    assert [c.term for c in dosed.library.columns] == [c.term for c in library.columns]
    assert [t.text for t in dosed.library.terms] == [t.text for t in library.terms]
    assert dosed.study.initial == study.initial and dosed.study.dosing == study.dosing
    assert dosed.data_message.text == "Modelled as theophylline.yaml says."


def test_its_values_are_in_the_controls() -> None:
    state = WorkbenchState()
    data, terms, settings = DataSection(state), TermSection(state), SettingsSection(state)
    assert state.load_path(FOLDER / "theophylline.csv")
    assert data.states.value == ["theophylline_serum"]
    assert data.target.visible and data.target.value == "gut"
    assert terms.degree.value == 1 and terms.latent.value == "gut"
    assert terms.michaelis.value == ["theophylline_serum"]
    state.load_bytes(b"noise: proportional\nhorizon: 48\nlatent: [gut]\n", "other.yaml")
    assert settings.noise.value == "proportional" and settings.horizon.value == "48"
    state.load_bytes(b"library: {polynomial: 5, hill: {half_saturation: 3}}\n", "high.yaml")
    assert terms.degree.value == 5 and terms.hill.value == []
    state.load_path(FOLDER / "lynx_hare.csv")
    assert terms.degree.value == 2 and 5 not in terms.degree.options.values()
    assert settings.noise.value == "auto" and settings.horizon.value == ""
    assert not data.target.visible


def test_changed_terms_leave_the_rest_of_it(dosed: WorkbenchState) -> None:
    assert dosed.choose_terms(degree=2)
    assert dosed.choice.given is None
    texts = [t.text for t in dosed.library.terms]
    assert "gut^2" in texts and any(t.startswith("mm(") for t in texts)
    assert dosed.study.dosing[0].target == "gut"


def test_a_renamed_latent_state_takes_its_known_value_away(dosed: WorkbenchState) -> None:
    assert dosed.load_bytes(b"latent: [gut]\ninitial: {gut: 0}\n", "c.yaml")
    assert dosed.study.initial == {"gut": 0}
    assert dosed.choose_terms(latent=("stomach",))
    assert dosed.study.initial == {} and dosed.library.latent == ("stomach",)


def test_doses_are_sent_elsewhere_or_left_out(dosed: WorkbenchState) -> None:
    assert dosed.choose_dosing("theophylline_serum")
    assert dosed.study.dosing[0].target == "theophylline_serum"
    assert dosed.choose_dosing(LEFT_OUT)
    assert not any(t.doses for t in dosed.study.trajectories)
    assert dosed.choose_dosing(AS_GIVEN)
    assert sum(len(t.doses) for t in dosed.study.trajectories) == 12


def test_a_dropped_configuration_is_taken_or_refused_whole(
    state: WorkbenchState, loop: Loop
) -> None:
    told: list[bool] = []
    text = (
        b"library: {polynomial: 1}\n"
        b"knowledge: {beliefs: [{equation: prey, term: prey, required: true}]}\n"
    )
    state.upload(text, "mine.yaml", told.append)
    loop.run_until(lambda: bool(told))
    assert told == [True] and len(state.library.columns) == 6
    assert state.knowledge.belief("prey", "prey").required
    study, library = state.study, state.library
    for wrong, words in (
        (b"latent: [prey]\n", "mine.yaml, line 1"),
        (b"library: {polynomial: 1}\nknowledge: elsewhere.yaml\n", "elsewhere.yaml"),
        (b"states: [wolf]\n", "wolf"),
        (b"knowledge: {edges: [{regulator: wolf, target: prey}]}\n", "wolf"),
    ):
        assert not state.load_bytes(wrong, "mine.yaml")
        assert words in state.data_message.text and "Still loaded" in state.data_message.text
        assert state.study is study and state.library is library
    assert not WorkbenchState().load_bytes(text, "mine.yaml")
