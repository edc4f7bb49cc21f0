"""Plots and cards: what their sources and their HTML hold after an update."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bokeh.models import ColumnDataSource

from twinlab.discovery import Discovery, choose_columns
from twinlab.study import Study
from twinlab.ui.panels.results import (
    Alternatives,
    difference_html,
    key_figures,
    shown_equations,
)
from twinlab.ui.panels.settings import noise_html
from twinlab.ui.panels.views import InclusionCard, TrajectoryCard
from twinlab.ui.plain import cautions, equation_words
from twinlab.ui.plots import InclusionPlot, PathPlot, ResidualPlot, TrajectoryPlot, preview_figures
from twinlab.ui.state import WorkbenchState
from twinlab.ui.tokens import DARK, LIGHT


def trajectory_plot(discovery: Discovery) -> TrajectoryPlot:
    study = discovery.study
    plot = TrajectoryPlot(study.variables, study.units, "Time", LIGHT)
    plot.show_data(study.trajectories[0], range(len(study.variables)))
    return plot


def test_trajectories_hold_the_band_of_the_subject(discovery: Discovery) -> None:
    plot = trajectory_plot(discovery)
    band = discovery.bands[0]
    plot.show_fit(band, predictive=False)
    np.testing.assert_array_equal(plot.fit.data["mean_1"], band.mean[:, 1])
    np.testing.assert_array_equal(plot.fit.data["q05_0"], band.quantiles[0, :, 0])
    np.testing.assert_array_equal(plot.fit.data["q95_0"], band.quantiles[4, :, 0])
    plot.show_fit(band, predictive=True)
    np.testing.assert_array_equal(plot.fit.data["q75_1"], band.predictive[3, :, 1])
    wider = plot.fit.data["q95_0"] - plot.fit.data["q05_0"]
    assert np.all(wider >= 0)


def test_data_are_drawn_with_gaps_where_nothing_was_measured(discovery: Discovery) -> None:
    plot = trajectory_plot(discovery)
    trajectory = discovery.study.trajectories[0]
    gap = trajectory.value.copy()
    gap[3, 0] = np.nan
    plot.show_data(replace(trajectory, value=gap), (0, 1))
    np.testing.assert_array_equal(plot.observed.data["value_0"], gap[:, 0])
    assert plot.observed.data["time"].size == trajectory.time.size


def test_the_forecast_is_shaded_only_beyond_the_data(discovery: Discovery) -> None:
    plot = trajectory_plot(discovery)
    band = discovery.bands[0]
    plot.show_fit(band, predictive=False)
    assert not any(box.visible for box in plot._forecast)
    longer = replace(band, time=band.time * 1.5)
    plot.show_fit(longer, predictive=False)
    assert all(box.visible and box.left == pytest.approx(8.0) for box in plot._forecast)
    assert plot.figures[0].x_range.end > 12.0


def test_figures_stay_and_only_sources_change(discovery: Discovery) -> None:
    plot = trajectory_plot(discovery)
    models = {m.id for figure in plot.figures for m in figure.references()}
    plot.show_fit(discovery.bands[0], predictive=False)
    plot.show_overlay(discovery.bands[0].time, discovery.bands[0].mean)
    plot.recolour(DARK)
    assert {m.id for figure in plot.figures for m in figure.references()} == models


def test_inclusion_bars_start_and_end_where_they_should(discovery: Discovery) -> None:
    plot = InclusionPlot(LIGHT)
    plot.show(discovery.library, [0, 1], discovery.inclusion, 0.5)
    data = plot.bars.data
    lengths = np.array(data["right"]) - np.array(data["left"])
    np.testing.assert_allclose(np.sort(lengths), np.sort(discovery.inclusion), atol=1e-12)
    np.testing.assert_allclose(np.array(data["track"]) - np.array(data["left"]), 1.0)
    plot.move_threshold(0.8)
    assert plot.lines.data["x"][0] == pytest.approx(0.8)
    plot.recolour(DARK)
    assert set(plot.bars.data["colour"]) == {DARK.colour(0), DARK.colour(1)}


def test_withheld_probabilities_draw_no_bar(discovery: Discovery) -> None:
    state = WorkbenchState()
    card = InclusionCard(state)
    state.discovery = replace(discovery, chi2_per_point=3.0)
    lengths = np.array(card.plot.bars.data["right"]) - np.array(card.plot.bars.data["left"])
    assert lengths.size and not lengths.any()
    assert set(card.plot.bars.data["chance"]) == {"withheld"}
    assert "3.00" in card.caption.object
    state.discovery = discovery
    assert max(card.plot.bars.data["right"]) > 0.5 and "Withheld" not in card.caption.object


def test_path_lines_and_marker(discovery: Discovery) -> None:
    plot = PathPlot(LIGHT)
    plot.show(discovery)
    drawn = int(np.count_nonzero(np.any(discovery.path.coefficients != 0, axis=0)))
    assert len(plot.lines.data["xs"]) == drawn
    labels = [discovery.library.column_label(int(c)) for c in discovery.best.columns]
    heavy = [
        label
        for label, width in zip(plot.lines.data["label"], plot.lines.data["width"], strict=True)
        if width > 2
    ]
    assert set(heavy) <= set(labels)
    plot.move_marker(0.01)
    assert plot.marker.visible and plot.marker.location == 0.01


def test_a_state_never_measured_is_drawn_and_marked(
    discovery: Discovery, state: WorkbenchState
) -> None:
    study, band = discovery.study, discovery.bands[0]
    plot = TrajectoryPlot(study.variables[:1], {}, "Time", LIGHT, latent=study.variables[1:])
    plot.show_data(study.trajectories[0], (0,))
    told = plot._unfitted[1].data
    assert told["text"] == ["drawn once a model is fitted"] and not plot.figures[1].yaxis.visible
    plot.show_fit(band, predictive=False)
    np.testing.assert_array_equal(plot.fit.data["mean_1"], band.mean[:, 1])
    told = plot._unfitted[1].data
    assert told["text"] == [""] and told["y"] == [band.mean[0, 1]]
    assert plot.figures[1].yaxis.visible and list(plot._unfitted) == [1]
    assert np.isnan(plot.observed.data["value_1"]).all()
    assert [f.title.text for f in plot.figures] == ["prey", "predator: never measured, inferred"]
    # A result of a model with fewer states than are drawn leaves the rest empty.
    plot.show_overlay(band.time, band.mean[:, :1])
    assert np.isnan(plot.overlay.data["line_1"]).all()
    plot.clear_fit()
    assert plot._unfitted[1].data["text"] == ["drawn once a model is fitted"]
    card = TrajectoryCard(state)
    card._on_study()
    assert card.plot is not None and card.plot.states == state.study.variables
    state.choose_terms(latent=("depot",))
    assert card.plot.states == (*state.study.variables, "depot")
    assert card.plot.figures[-1].title.text == "depot: never measured, inferred"


def test_residuals_leave_out_what_was_not_measured(discovery: Discovery) -> None:
    plot = ResidualPlot(discovery.study.variables, "Time", LIGHT)
    gap = discovery.residuals[0].copy()
    gap[0, 0] = np.nan
    plot.show(replace(discovery, residuals=(gap, discovery.residuals[1])), ("a", "b"), 0)
    assert len(plot.points.data["time"]) == gap.size * 2 - 1
    assert np.isfinite(plot.points.data["residual"]).all()
    strong = [a for a, s in zip(plot.points.data["alpha"], plot.points.data["subject"], strict=True)
              if s == "a"]  # fmt: skip
    assert min(strong) > 0.8


def test_the_raw_data_are_drawn_from_one_shared_source(study: Study) -> None:
    figures = preview_figures(study, LIGHT)
    assert [figure.title.text for figure in figures] == [
        "prey (heads)", "predator", "predator against prey",
    ]  # fmt: skip
    sources = {
        renderer.data_source.id
        for figure in figures
        for renderer in figure.renderers
        if isinstance(getattr(renderer, "data_source", None), ColumnDataSource)
    }
    assert len(sources) == 1, "linked brushing needs one source"


def test_a_session_follows_its_subject(discovery: Discovery) -> None:
    state = WorkbenchState()
    card = TrajectoryCard(state)
    state.study = discovery.study
    assert card.plot is not None and card.plot.fit.data["time"].size == 0
    state.discovery = discovery
    np.testing.assert_array_equal(card.plot.fit.data["mean_0"], discovery.bands[0].mean[:, 0])
    card.subject.value = discovery.study.labels[1]
    np.testing.assert_array_equal(card.plot.fit.data["mean_0"], discovery.bands[1].mean[:, 0])
    np.testing.assert_array_equal(
        card.plot.observed.data["value_1"], discovery.study.trajectories[1].value[:, 1]
    )


def test_the_subject_named_is_the_subject_drawn(discovery: Discovery) -> None:
    state = WorkbenchState()
    card = TrajectoryCard(state)
    first = discovery.study
    state.study = first
    shown = card.subject.value
    state.study = first.select(subjects=[first.subjects[1]])
    assert shown == first.labels[0] and card.subject.value == first.labels[1]


def test_a_chosen_model_is_drawn_over_the_bands(discovery: Discovery) -> None:
    state = WorkbenchState()
    card = TrajectoryCard(state)
    state.study, state.discovery = discovery.study, discovery
    model = choose_columns(discovery, [0, 1, 2])
    state.param.update(chosen=model, chosen_words="Three columns")
    assert card.plot is not None
    np.testing.assert_array_equal(card.plot.overlay.data["line_0"], model.trajectories[0][:, 0])
    assert card.back.visible and "three columns" in card.caption.object
    state.show_best()
    assert card.plot.overlay.data["time"].size == 0 and not card.back.visible


def test_equations_show_every_active_term_with_its_interval(discovery: Discovery) -> None:
    text = shown_equations(discovery, None, withheld=False)
    assert text.count("class='interval'") == len(discovery.best.columns)
    assert text.count("class='equation'") == 2


def test_key_figures_are_those_of_the_result(discovery: Discovery) -> None:
    state = WorkbenchState()
    assert {value for _, value, _, _ in key_figures(state)} == {"–"}
    state.discovery = discovery
    figures = {title: value for title, value, _, _ in key_figures(state)}
    assert figures["Active terms"] == f"{len(discovery.best.columns)} of 12"
    state.discovery = replace(discovery, chi2_per_point=4.0)
    figures = {title: value for title, value, _, _ in key_figures(state)}
    assert figures["Best model"] == "withheld"


def test_alternatives_mark_the_one_that_is_shown(discovery: Discovery) -> None:
    state = WorkbenchState()
    card = Alternatives(state)
    state.discovery = discovery
    assert [row["selected"] for row in card.list.rows][:1] == [True]
    second = discovery.models[1]
    state.chosen = choose_columns(discovery, [int(c) for c in second.columns])
    assert [row["rank"] for row in card.list.rows if row["selected"]] == [2]


def test_a_difference_names_what_is_added_and_dropped(discovery: Discovery) -> None:
    words = difference_html(discovery.library, [0, 1], [1, 2])
    assert words.startswith("+ ") and ", − " in words


def test_names_of_users_are_escaped(discovery: Discovery) -> None:
    from twinlab.errors import UserError
    from twinlab.ui.messages import Message
    from twinlab.ui.panels.parts import message_html

    message = Message()
    message.say(str(UserError("odd", file="<img src=x>.csv")), "error")
    assert "<img" not in message_html(message) and "&lt;img" in message_html(message)


def test_plain_words_name_what_drives_a_state(discovery: Discovery) -> None:
    words = dict(equation_words(discovery))
    assert set(words) == {"prey", "predator"}
    sentences = [s for rows in words.values() for s, _ in rows]
    assert len(sentences) == len(discovery.best.columns)
    assert all(s.startswith(("rises", "falls")) for s in sentences)


def test_cautions_say_when_not_to_trust(discovery: Discovery) -> None:
    assert any("does not describe" in c for c in cautions(replace(discovery, chi2_per_point=3.0)))
    assert not any("does not describe" in c for c in cautions(discovery))
    assert "research" in cautions(discovery)[-1]


def test_noise_choice_of_the_last_fit_is_told(discovery: Discovery) -> None:
    assert noise_html(None) == ""
    evidence = {"constant": -3.0, "student": -41.26}
    told = noise_html(
        replace(discovery, noise_model="constant", diagnostics={"noise_evidence": evidence})
    )
    assert "Last fit: Constant." in told and "Constant, Student t −38.3" in told
    assert noise_html(replace(discovery, diagnostics={"noise_evidence": {}})) == ""
