"""What varies, in the workbench: the setting, the table and the strip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.report.test_variation import fitted
from twinlab.discovery import Discovery, Settings, local_coefficients
from twinlab.ui.panels.settings import SettingsSection
from twinlab.ui.panels.variation import VariationCard, variation_html
from twinlab.ui.plots import ResidualPlot, StripPlot
from twinlab.ui.state import WorkbenchState
from twinlab.ui.tokens import DARK, LIGHT


@pytest.fixture(scope="module")
def varied() -> Discovery:
    """One rate is another one in the last of three conditions."""
    factors = np.ones((3, 4))
    factors[2, 2] = 1.7
    return fitted(factors, ["a", "<b>", "c"])


def test_the_choice_goes_to_the_settings_and_follows_a_configuration(
    state: WorkbenchState,
) -> None:
    section = SettingsSection(state)
    assert section.vary.value == state.settings.vary == "auto"
    assert list(section.vary.options.values()) == ["auto", "condition", "subject", "nothing"]
    section.vary.value = "subject"
    assert state.settings.vary == "subject"
    assert state.load_bytes(b"varies: nothing\n", "mine.yaml")
    assert section.vary.value == state.settings.vary == "nothing"


def test_changing_it_makes_a_result_stale(state: WorkbenchState, discovery: Discovery) -> None:
    section = SettingsSection(state)
    state.adopt(discovery)
    assert not state.stale
    section.vary.value = "nothing"
    assert state.stale


def test_the_card_says_what_varies_or_why_nothing_is_shown(varied: Discovery) -> None:
    state = WorkbenchState()
    card = VariationCard(state)
    assert "after a fit" in card.caption.object and not card.figure.visible
    state.discovery = varied
    [item] = local_coefficients(varied)
    assert card.figure.visible and card.table.visible and not card.coefficient.visible
    assert card.coefficient.value == item.label and item.label in card.table.object
    assert card.plot.points.data["name"] == [item.names[i] for i in item.order]
    state.discovery = replace(varied, variation=None, varying=None)
    assert "No coefficient differs" in card.caption.object
    assert not card.figure.visible and not card.table.visible
    state.discovery = replace(state.discovery, settings=Settings(vary="nothing"))
    assert "Not asked" in card.caption.object


def test_the_table_escapes_names(varied: Discovery) -> None:
    [item] = local_coefficients(varied)
    assert "&lt;i&gt;" in variation_html((replace(item, explained=("<i>",)),))


def test_the_strip_is_sorted_and_follows_the_theme(varied: Discovery) -> None:
    [item] = local_coefficients(varied)
    plot = StripPlot(LIGHT)
    plot.show(item)
    data = plot.points.data
    assert data["own"] == sorted(data["own"]) and len(set(data["colour"])) == 3
    assert plot.population.location == item.value and plot.interval.bottom == item.interval90[0]
    assert plot.figure.xaxis[0].major_label_overrides == {
        1: data["name"][0],
        2: data["name"][1],
        3: data["name"][2],
    }
    plot.recolour(DARK)
    assert set(plot.points.data["colour"]) <= set(DARK.series)
    plot.clear()
    assert plot.points.data["own"] == []


def test_inputs_have_no_residuals(varied: Discovery) -> None:
    plot = ResidualPlot((*varied.library.states, "light"), "Time", LIGHT)
    plot.show(varied, varied.study.labels, 0)
    assert set(plot.points.data["state"]) == set(varied.library.states)
