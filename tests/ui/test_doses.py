"""Other doses: the session's question, the twin's answer, the card and the marks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.handmade import small_discovery
from twinlab.discovery import Discovery
from twinlab.errors import UserError
from twinlab.study import Dose, Study
from twinlab.twin import Twin, ask, repeated
from twinlab.ui.choice import LibraryChoice
from twinlab.ui.dose_state import DoseState
from twinlab.ui.panels.doses import DoseCard
from twinlab.ui.panels.views import TrajectoryCard
from twinlab.ui.plain import asked_words
from twinlab.ui.plots import TrajectoryPlot, preview_figures
from twinlab.ui.state import WorkbenchState
from twinlab.ui.tokens import DARK, LIGHT

from .conftest import Loop

GIVEN = {
    "anna": (Dose(1, 2.0, "prey", 0, "heads"), Dose(3, 2.0, "prey", 0, "heads")),
    "bert": (Dose(1, 4.0, "prey", 1.5, "heads"),),
}


@pytest.fixture(scope="module")
def dosed() -> Discovery:
    return small_discovery(doses=GIVEN)


@pytest.fixture
def session(dosed: Discovery, loop: Loop) -> tuple[WorkbenchState, DoseState, Loop]:
    """A session with the dosed discovery, and what it asks."""
    state = WorkbenchState(loop.schedule)
    doses = DoseState(state)
    state.param.update(study=dosed.study, discovery=dosed)
    return state, doses, loop


def test_an_answer_is_that_of_the_twin(dosed: Discovery) -> None:
    asked = ask(Twin(dosed), 0, 2.0)
    own = Twin(dosed).what_if(asked.simulation.time, 2.0, subject="anna")
    np.testing.assert_array_equal(asked.simulation.best, own.best)
    best, low, high = asked.simulation.peak()
    np.testing.assert_array_equal(best, own.best.max(axis=0))
    assert (low < best * 1.05).all() and (high > best * 0.95).all() and (low < high).all()


def test_doses_beyond_those_of_the_data_are_flagged(dosed: Discovery) -> None:
    def beyond(dose: float | list[Dose], trajectory: int = 0) -> str:
        return ask(Twin(dosed), trajectory, dose, draws=1).beyond

    assert beyond(1.0) == "" == beyond([Dose(t, 2.0, "prey") for t in (0, 5)])
    assert "Nobody in the data went without doses" in beyond(0.0)
    assert "A single dose, 12 heads, is above all in the data (up to 4 heads)" in beyond(3.0, 1)
    assert "The sum of all doses, 6 heads, is above" in beyond(1.5)
    assert "A single dose, 1 heads, is below" in beyond(0.5)
    assert "into predator" in beyond([Dose(1, 2.0, "predator")])
    untreated = small_discovery(doses={"bert": GIVEN["bert"]})
    assert ask(Twin(untreated), 1, 0.0, draws=1).beyond == ""
    assert ask(Twin(untreated), 1, 0.5, draws=1).beyond == ""


def test_a_long_regimen_is_simulated_to_its_end_and_an_endless_one_refused(
    dosed: Discovery,
) -> None:
    asked = ask(Twin(dosed), 0, repeated(Dose(1, 2.0, "prey"), 2.0, 5), draws=1)
    assert asked.simulation.time[-1] == pytest.approx(11.0)
    with pytest.raises(UserError, match="so long a time"):
        ask(Twin(dosed), 0, repeated(Dose(1, 2.0, "prey"), 20.0, 5))
    for interval, number in ((0.0, 2), (1.0, 0), (1.0, 1000)):
        with pytest.raises(UserError):
            repeated(Dose(0, 1.0), interval, number)


def test_the_slider_shows_a_curve_at_once_and_its_band_at_rest(
    session: tuple[WorkbenchState, DoseState, Loop],
) -> None:
    _, doses, loop = session
    doses.move(1.7)
    doses.move(2.0)
    assert doses.asked is None, "nothing is computed on the event loop"
    loop.run_until(lambda: doses.asked is not None and doses.factor == 2.0)
    loop.run_until(lambda: doses.question == "Twice the doses")
    assert len(doses.asked.simulation.draws) == 1
    doses.settle(2.0)
    doses.move(2.0)
    loop.run_until(lambda: len(doses.asked.simulation.draws) > 1)
    doses.settle(1.0)
    assert doses.asked is None and doses.question == ""


def test_an_answer_for_another_subject_is_dropped(
    session: tuple[WorkbenchState, DoseState, Loop],
) -> None:
    _, doses, loop = session
    doses.settle(2.0)
    doses.choose(1)
    loop.run_until(lambda: not doses._latest.busy)
    assert doses.asked is None and doses.factor == 1.0
    assert doses.usual == GIVEN["bert"][0]


def test_a_regimen_that_cannot_be_given_is_told(
    session: tuple[WorkbenchState, DoseState, Loop],
) -> None:
    _, doses, loop = session
    doses.ask_regimen(2.0, 1.0, 0.0, 3)
    assert "interval above 0" in doses.message.text and doses.asked is None
    doses.ask_regimen(2.0, -5.0, 1.0, 1)
    loop.run_until(lambda: not doses._latest.busy)
    assert "before the subject's first time" in doses.message.text
    doses.ask_regimen(2.0, 1.0, 1.5, 3)
    loop.run_until(lambda: doses.asked is not None)
    assert doses.message.text == ""
    assert doses.question == "3 doses of 2 heads, every 1.5 from 1"


def test_the_card_says_what_was_asked(
    dosed: Discovery, session: tuple[WorkbenchState, DoseState, Loop]
) -> None:
    state, doses, loop = session
    card = DoseCard(state, doses)
    assert not card._view.visible
    state.discovery = replace(dosed)
    assert card._view.visible and card.amount.value == 2.0 and card.interval.value == 2.0
    assert card.amount.label == "Amount (heads)" and card.number.value == 2
    doses.settle(2.0)
    loop.run_until(lambda: doses.asked is not None)
    said = asked_words(dosed, 0, doses.asked, doses.question)
    assert said[0].startswith("Twice the doses: predicted peak of prey ") and "90 % band" in said[0]
    assert said[0].split("; ")[0] in card.words.object
    assert "Beyond the data. A single dose, 4 heads" not in card.beyond.object
    assert "Beyond the data. The sum of all doses, 8 heads" in card.beyond.object
    card.back.clicks += 1
    assert card.words.object.startswith("<p class='caption'>") and card.beyond.object == ""
    assert card.factor.value == 1.0
    state.discovery = small_discovery()
    assert not card._view.visible


def test_curve_band_and_marks_are_drawn(
    dosed: Discovery, session: tuple[WorkbenchState, DoseState, Loop]
) -> None:
    state, doses, _ = session
    card = TrajectoryCard(state)
    state.study = replace(dosed.study)
    state.discovery = replace(dosed)
    plot = card.plot
    assert plot is not None and plot.doses.source.data["time"].tolist() == [1, 3]
    assert "Dotted upright lines: doses" in card.caption.object
    asked = ask(Twin(dosed), 0, repeated(Dose(1, 2.0, "prey"), 3.0, 4))
    card.show_asked(asked)
    np.testing.assert_array_equal(plot.asked.data["line_1"], asked.simulation.best[:, 1])
    np.testing.assert_array_equal(plot.asked.data["low_0"], asked.simulation.band()[0][:, 0])
    assert plot.doses.source.data["time"].tolist() == [1, 4, 7, 10]
    assert plot.figures[0].x_range.end > 12 and "asked about" in card.caption.object
    card.show_asked(ask(Twin(dosed), 0, 2.0, draws=1))
    assert np.isnan(plot.asked.data["low_0"]).all()
    card.show_asked(None)
    assert plot.asked.data["time"].size == 0 and plot.figures[0].x_range.end < 9
    assert plot.doses.source.data["time"].tolist() == [1, 3]
    card.subject.value = "bert"
    assert plot.doses.source.data["end"].tolist() == [2.5]


def test_marks_change_colour_and_stand_in_the_preview(dosed: Discovery) -> None:
    study = dosed.study
    plot = TrajectoryPlot(study.variables, study.units, "Time", LIGHT)
    models = {m.id for figure in plot.figures for m in figure.references()}
    plot.recolour(DARK)
    assert plot.doses._glyphs[0][1].glyph.line_color == DARK.muted
    assert {m.id for figure in plot.figures for m in figure.references()} == models
    drawn = [
        [type(r.glyph).__name__ for r in figure.renderers]
        for figure in preview_figures(study, LIGHT)
    ]
    assert ["VSpan" in kinds for kinds in drawn] == [True, True, False]


def test_doses_that_nothing_measured_can_take_go_into_a_depot() -> None:
    times = [np.array([0.0, 1.0, 2.0])] * 2
    units = {"concentration": "mg/L"}
    made = Study.from_arrays(
        "s", ("concentration",), times, [np.array([[1.0], [3.0], [2.0]])] * 2, units=units
    )

    def with_unit(unit: str) -> Study:
        dose = (Dose(0, 300.0, unit=unit),)
        return replace(made, trajectories=tuple(replace(t, doses=dose) for t in made.trajectories))

    choice = LibraryChoice.suited(with_unit("mg"))
    offered = choice.offered(with_unit("mg"))
    assert offered.states == ("concentration", "depot") and offered.latent == ("depot",)
    assert LibraryChoice.suited(with_unit("mg/L")) == LibraryChoice() == LibraryChoice.suited(made)
    hill = replace(choice, hill=("concentration",)).offered(with_unit("mg"))
    assert hill.latent == ("depot",) and len(hill.columns) > len(offered.columns)
