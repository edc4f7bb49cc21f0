"""The validation of a session: it runs off the loop, can be stopped, and goes stale."""

from __future__ import annotations

from twinlab.ui.held_out_state import HeldOutState
from twinlab.ui.panels.held_out import HeldOutCard
from twinlab.ui.state import WorkbenchState, as_read

from .conftest import QUICK, Loop


def session(study) -> tuple[Loop, WorkbenchState, HeldOutState]:
    """A session with a study, its settings quick."""
    loop = Loop()
    fit = WorkbenchState(loop.schedule)
    fit.settings = QUICK
    state = HeldOutState(fit)
    fit._accept(as_read(study))
    return loop, fit, state


def test_the_end_is_predicted_and_told_in_words(study) -> None:
    loop, fit, state = session(study)
    card = HeldOutCard(state)
    assert state.leave == "subject" and not card.run.disabled and card.export.disabled
    state.leave = "end"
    state.run()
    assert card.run.disabled and not card.stop.disabled
    loop.run_until(lambda: state.status != "running")
    assert state.status == "done", state.message.text
    assert "Predicted the end of every record" in card.verdict.object
    assert list(state.shown.figures) == ["prey", "predator"] == card.variable.options
    assert card.figure.visible and not card.export.disabled
    card.variable.value = "predator"
    assert card.figure.object is state.shown.figures["predator"]
    fit.set_seed(7)
    assert state.stale and "press Predict" in card.stage.object
    card.recolour(True)


def test_a_stop_drops_what_is_under_way(study) -> None:
    loop, _, state = session(study)
    job = state.run()
    assert state.halt() and state.status == "cancelled" and not state.halt()
    job.future.result(60)
    for work in loop.work:
        work()
    assert state.shown is None and state.status == "cancelled"


def test_one_subject_alone_is_asked_for_its_end_and_new_data_clear(study) -> None:
    loop, fit, state = session(study.select(subjects=[study.subjects[0]]))
    assert state.leave == "end"
    state.leave = "subject"
    state.run()
    loop.run_until(lambda: state.status != "running")
    assert state.status == "failed" and "one subject" in state.message.text
    fit.choose_data(["prey"], list(fit.subjects))
    assert state.status == "ready" and state.message.text == ""
