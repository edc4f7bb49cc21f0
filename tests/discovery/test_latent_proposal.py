"""A hidden state is proposed where one is missing, in words, and not where none is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from twinlab.benchmark.cells import Cell, make_case
from twinlab.discovery import Discovery, Settings, discover
from twinlab.discovery.latent_proposal import LATENT_PROPOSED, LatentProposal, propose_latent
from twinlab.ui.plain import cautions

from .test_library_criticism import best_of


@pytest.fixture(scope="module")
def without_exposed() -> Discovery:
    """SEIR whose exposed are neither measured nor among the states."""
    case = make_case(Cell("seir", seed=1, hidden=1))
    settings = Settings(starts=1, draws=40, noise="constant", vary="nothing")
    return discover(case.study, case.library, settings=settings, seed=1)


def test_the_exposed_of_an_epidemic_are_proposed(without_exposed: Discovery) -> None:
    told = [w.text for w in without_exposed.warnings if w.code == LATENT_PROPOSED]
    assert len(told) == 1
    assert "made by infectious*susceptible, decaying" in told[0]
    assert "acting through hidden in d infectious/dt" in told[0]
    assert "'latent' in the configuration" in told[0]
    # It is proposed, not adopted.
    assert without_exposed.library.states == ("susceptible", "infectious")
    assert without_exposed.library.latent == () and without_exposed.latent == {}
    assert any("Something that was not measured" in text for text in cautions(without_exposed))


def test_nothing_is_proposed_where_nothing_is_missing(found: Discovery) -> None:
    assert not [w for w in found.warnings if w.code == LATENT_PROPOSED]
    frame, best = best_of(found)
    # Not even where the test for lack of fit has raised a false alarm.
    with ThreadPoolExecutor(1) as pool:
        assert propose_latent(frame, best, found.settings, 0, pool, lambda: None) is None


def test_the_words_of_a_proposal() -> None:
    proposal = LatentProposal((), False, ("hidden*x",), (("x", "hidden"), ("y", "hidden*y")), 12.3)
    assert "present from the start, changing by hidden*x" in proposal.text
    assert "hidden in d x/dt; hidden*y in d y/dt" in proposal.text
    assert "about 12." in proposal.text and np.isfinite(proposal.gain)
