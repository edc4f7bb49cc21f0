"""The state of a session, without a server: what each action changes and what it leaves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from twinlab.discovery import Discovery
from twinlab.knowledge import Belief
from twinlab.ui.state import WorkbenchState

from .conftest import QUICK, Loop


@pytest.fixture
def fitted(state: WorkbenchState, loop: Loop) -> WorkbenchState:
    """A session whose fit is done."""
    state.settings = QUICK
    state.fit()
    loop.run_until(lambda: state.status != "running")
    assert state.status == "done", state.fit_message.text
    return state


def test_loading_makes_a_default_library(state: WorkbenchState) -> None:
    assert state.status == "ready"
    assert state.states == ["prey", "predator"]
    assert state.library is not None and len(state.library.columns) == 12


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "empty"),
        (b"time,prey\n0,1\n1,abc\n2,3\n3,2\n", "abc"),
        (b"when,prey\n0,1\n1,2\n", "time"),
        (b"\xff\xfe\x00bad\x81", ""),
    ],
)
def test_a_bad_file_is_told_and_changes_nothing(
    state: WorkbenchState, data: bytes, told: str
) -> None:
    before = {name: getattr(state, name) for name in ("source", "study", "library", "status")}
    assert not state.load_bytes(data, "broken.csv")
    assert state.data_message.level == "error"
    assert "broken.csv" in state.data_message.text and told in state.data_message.text
    assert "Traceback" not in state.data_message.text
    assert all(getattr(state, name) is value for name, value in before.items())


@pytest.mark.parametrize("text", ["prey*wolf", "prey*(", "__import__('os')", "prey**"])
def test_a_bad_term_shows_its_caret_and_leaves_the_library(
    state: WorkbenchState, text: str
) -> None:
    library, choice = state.library, state.choice
    assert not state.add_term(text)
    assert "^" in state.term_message.text and text in state.term_message.text
    assert state.library is library and state.choice is choice


def test_an_own_term_joins_every_equation(state: WorkbenchState) -> None:
    assert state.library is not None
    before = len(state.library.columns)
    assert state.add_term("prey*mm(predator, 0.8)")
    assert len(state.library.columns) == before + 2
    assert not state.term_message.text


def test_switching_terms_off_restricts_the_library_and_can_be_undone(
    state: WorkbenchState,
) -> None:
    assert state.switch_term("prey^2", False)
    assert state.library is not None and state.offered is not None
    assert "prey^2" not in {t.text for t in state.library.terms}
    assert "prey^2" in {t.text for t in state.offered.terms}
    assert state.switch_term("prey^2", True)
    assert len(state.library.columns) == 12


def test_the_last_term_cannot_be_switched_off(state: WorkbenchState) -> None:
    state.choose_terms(degree=1)
    texts = [t.text for t in state.offered.terms] if state.offered else []
    results = [state.switch_term(text, False) for text in texts]
    assert results == [True] * (len(texts) - 1) + [False]
    assert "Switch at least one term on" in state.term_message.text


def test_choosing_one_variable_narrows_library_and_knowledge(state: WorkbenchState) -> None:
    assert state.believe(Belief("prey", "prey", required=True))
    assert state.believe(Belief("predator", "predator", required=True))
    assert state.choose_data(["prey"], list(state.subjects))
    assert state.library is not None and state.library.states == ("prey",)
    assert [b.state for b in state.knowledge.beliefs] == ["prey"]
    assert not state.choose_data([], list(state.subjects))
    assert "at least one variable" in state.data_message.text
    assert state.library.states == ("prey",)


def test_a_belief_about_no_term_is_refused(state: WorkbenchState) -> None:
    before = state.knowledge
    assert not state.believe(Belief("prey", "wolf", required=True))
    assert state.knowledge_message.level == "error" and state.knowledge is before


def test_a_fit_ends_done_and_its_stages_were_told(state: WorkbenchState, loop: Loop) -> None:
    seen: list[float] = []
    pictures: list[bool] = []
    state.param.watch(lambda e: seen.append(e.new), "fraction")
    state.param.watch(lambda e: pictures.append(e.new is not None and e.new.snapshot is not None),
                      "progress")  # fmt: skip
    state.settings = QUICK
    state.fit()
    assert state.status == "running" and not state.can_fit
    loop.run_until(lambda: state.status != "running")
    assert state.status == "done" and state.fitted is state.discovery
    assert seen == sorted(seen) and seen[-1] == 1.0
    assert any(pictures), "at least one stage of the continuation came with a picture"


def test_stop_keeps_the_previous_result(fitted: WorkbenchState, loop: Loop) -> None:
    before = fitted.discovery
    job = fitted.fit()
    assert fitted.stale and fitted.discovery is before
    assert fitted.halt() and fitted.status == "cancelled"
    assert job is not None and job.future is not None
    job.future.result(1.0)
    loop.run_until(lambda: not loop.work)
    assert fitted.discovery is before and "previous fit" in fitted.stage


def test_a_changed_library_makes_the_result_stale(fitted: WorkbenchState) -> None:
    assert not fitted.stale
    fitted.choose_terms(degree=3)
    assert fitted.stale and fitted.discovery is not None


def test_the_prior_moves_the_result_and_back(fitted: WorkbenchState, loop: Loop) -> None:
    before = fitted.discovery
    assert before is not None
    fitted.move_prior(-6.0)
    loop.run_until(lambda: fitted.moves == 1)
    fewer = fitted.discovery
    assert fewer is not None and fewer is not before and fewer.status == "provisional"
    fitted.move_prior(6.0)
    loop.run_until(lambda: fitted.moves == 2)
    more = fitted.discovery
    assert more is not None
    assert more.inclusion.sum() > fewer.inclusion.sum()
    assert fitted.fitted is before


def test_a_belief_is_applied_at_once(fitted: WorkbenchState, loop: Loop) -> None:
    assert fitted.library is not None
    column = fitted.library.find("prey", "prey*predator")
    fitted.believe(Belief("prey", "prey*predator", excluded=True))
    loop.run_until(lambda: fitted.moves == 1)
    assert fitted.discovery is not None
    assert fitted.discovery.inclusion[column] == pytest.approx(0.0, abs=1e-12)


def test_threshold_and_path_choose_a_model(fitted: WorkbenchState, loop: Loop) -> None:
    assert fitted.discovery is not None
    fitted.move_path(len(fitted.discovery.path.penalty) - 1)
    loop.run_until(lambda: fitted.moves == 1)
    assert fitted.chosen is not None and fitted.penalty == len(fitted.discovery.path.penalty) - 1
    assert len(fitted.chosen.trajectories[0]) == len(fitted.discovery.bands[0].time)
    fitted.show_best()
    assert fitted.chosen is None and fitted.penalty is None
    fitted.move_threshold(0.05)
    loop.run_until(lambda: fitted.moves == 2)
    expected = int(np.sum(fitted.discovery.inclusion >= 0.05))
    shown = fitted.chosen.columns if fitted.chosen is not None else fitted.discovery.best.columns
    assert len(shown) == expected


def test_an_alternative_is_shown_and_left(fitted: WorkbenchState, loop: Loop) -> None:
    assert fitted.discovery is not None and len(fitted.discovery.models) > 1
    fitted.show_rank(2)
    loop.run_until(lambda: fitted.chosen is not None)
    assert fitted.chosen is not None
    np.testing.assert_array_equal(fitted.chosen.columns, fitted.discovery.models[1].columns)
    fitted.show_rank(1)
    assert fitted.chosen is None


def test_new_data_forget_the_result(fitted: WorkbenchState, csv: bytes) -> None:
    assert fitted.load_bytes(csv, "again.csv")
    assert fitted.discovery is None and not fitted.stale and fitted.status == "ready"


def test_a_failed_fit_keeps_the_previous_one(
    fitted: WorkbenchState, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> Discovery:
        raise RuntimeError("singular")

    monkeypatch.setattr("twinlab.ui.fit_state.discover", broken)
    before = fitted.discovery
    fitted.fit()
    loop.run_until(lambda: fitted.status != "running")
    assert fitted.status == "failed" and fitted.discovery is before
    assert "singular" in fitted.fit_message.text and "previous fit" in fitted.stage


def test_probabilities_are_withheld_when_the_fit_is_bad(fitted: WorkbenchState) -> None:
    assert fitted.withheld == ""
    fitted.discovery = replace(fitted.discovery, chi2_per_point=2.31)
    assert "2.31" in fitted.withheld
