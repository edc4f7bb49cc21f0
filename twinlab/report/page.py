"""One self-contained HTML file: data, model, uncertainty and everything needed to repeat it."""

from __future__ import annotations

import datetime
import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.document import Document
from bokeh.embed import components
from bokeh.resources import Resources
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from twinlab.discovery import (
    NOISE_WORDS,
    NOT_IN_LIBRARY,
    discovery_mapping,
    dumps,
    local_coefficients,
    withheld,
)
from twinlab.discovery.dose_words import dosing_sentences
from twinlab.expressions import equation_mathml
from twinlab.twin import Twin, checks, simulated_from_fit, write_atomically

from . import content, prior, saturation
from .doses import dose_marks, dose_table
from .figures import (
    forecast_span,
    path_figure,
    residual_figures,
    trajectory_data,
    trajectory_figures,
)
from .held_out_figures import check_figure
from .numbers import interval, number, percent
from .palette import series
from .pseudonyms import pseudonymise
from .variation import strip_figure, variation_rows

if TYPE_CHECKING:
    from twinlab.discovery import Discovery

MAX_GRID = 18  #: up to so many trajectory plots are all drawn; beyond, a chooser shows one subject


def write_report(source: Twin | Discovery, path: str | Path, *, show_ids: bool = False) -> Path:
    """Write the report of a discovery, or of the discovery a twin was made from.

    Parameters
    ----------
    source : Twin or Discovery
    path : path-like
        The HTML file; it is replaced whole or not at all.
    show_ids : bool
        Show subjects by their ids; else they are called Subject 1 to n.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    discovery = source.discovery if isinstance(source, Twin) else source
    return write_atomically(path, report_html(discovery, show_ids=show_ids).encode())


def report_html(discovery: Discovery, *, show_ids: bool = False) -> str:
    """Return the report as one HTML page that asks for nothing from outside.

    Parameters
    ----------
    discovery : Discovery
    show_ids : bool
        Show subjects by their ids; else they are called Subject 1 to n.
    """
    shown = discovery if show_ids else pseudonymise(discovery)
    environment = Environment(
        loader=PackageLoader("twinlab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=number,
        percent=percent,
        r_squared=content.r_squared_text,
        counted=content.counted,
        belief=content.belief_words,
    )
    template = environment.get_template("report.html.j2")
    return template.render(
        **_text_parts(shown), **_plot_parts(shown), css=_css(), bokeh_js=_bokeh_js()
    )


def _text_parts(discovery: Discovery) -> dict[str, Any]:
    mapping = discovery_mapping(discovery)
    return {
        "discovery": discovery,
        "study": discovery.study,
        "library": discovery.library,
        "beliefs": discovery.knowledge.beliefs,
        "known_rows": prior.known_rows(discovery.knowledge),
        "verdict_rows": prior.verdict_rows(discovery.prior_verdicts),
        "expected_terms": discovery.knowledge.expected_terms,
        "status": content.STATUS.get(discovery.status, discovery.status),
        "summary": content.summary_sentence(discovery),
        "explained": content.explained(discovery),
        "equations": [
            (equation, _math(equation_mathml(equation.state, list(equation.terms))))
            for equation in content.equations(discovery)
        ],
        "colors": [series(i).color for i in range(len(discovery.library.states))],
        "alternatives": content.alternatives(discovery),
        "variation_rows": variation_rows(local_coefficients(discovery)),
        "constants": saturation.constants(discovery),
        "classes": saturation.class_sentences(discovery),
        "family_rows": saturation.family_rows(discovery),
        "inclusion": content.inclusion(discovery),
        "withheld": withheld(discovery),
        "given_model": bool(discovery.library.latent),
        "lacking": next((w.text for w in discovery.warnings if w.code == NOT_IN_LIBRARY), ""),
        "families": content.families(discovery),
        "candidates": _candidates(discovery),
        "settings": content.settings_rows(discovery),
        "censored": bool(discovery.problem.censored.any()),
        "noise_words": NOISE_WORDS,
        "noise_rows": content.noise_rows(discovery),
        "subjects": _subjects(discovery),
        "measured": content.measured_names(discovery),
        "dose_rows": dose_table(discovery),
        "dose_notes": dosing_sentences(discovery),
        "versions": mapping.get("versions", {}),
        "today": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "discovery_json": _script_safe(dumps(mapping)),
    }


def _math(mathml: str) -> Markup:
    """Products with a dot one can see: 'predator prey' must not read as one name."""
    return Markup(mathml.replace("<mo>\u2062</mo>", '<mo lspace="0.2em" rspace="0.2em">⋅</mo>'))


def _candidates(discovery: Discovery) -> list[tuple[str, list[str]]]:
    """Candidate terms of each state; reactions under a heading of their own."""
    library = discovery.library
    listed: dict[str, list[str]] = {f"d {name}/dt": [] for name in library.states}
    for index, column in enumerate(library.columns):
        if len(column.stoichiometry) == 1:
            state = library.states[column.stoichiometry[0][0]]
            listed[f"d {state}/dt"].append(library.terms[column.term].text)
        else:
            listed.setdefault("reactions", []).append(library.column_label(index))
    return [(name, terms) for name, terms in listed.items() if terms]


def _subjects(discovery: Discovery) -> list[dict[str, Any]]:
    rows, seen = [], discovery.problem.seen
    for index, trajectory in enumerate(discovery.study.trajectories):
        measured = np.isfinite(trajectory.value).any(axis=1)
        rows.append(
            {
                "label": discovery.study.labels[index],
                "condition": trajectory.condition,
                "points": int(trajectory.count.sum()),
                "doses": len(trajectory.doses),
                "span": interval(*trajectory.time[measured][[0, -1]]) if measured.any() else "–",
                "r_squared": [float(v) for v in discovery.r_squared[index][seen]],
                "failed": discovery.bands[index].n_failed,
            }
        )
    return rows


def _plot_parts(discovery: Discovery) -> dict[str, Any]:
    """Bokeh's script and divs; for many subjects also the data the chooser swaps in."""
    n_trajectory, n_state = len(discovery.study.trajectories), len(discovery.library.states)
    spans = [forecast_span(discovery, i) for i in range(n_trajectory)]
    choose = n_trajectory > 1 and n_trajectory * n_state > MAX_GRID
    shown = 1 if choose else n_trajectory
    roots: dict[str, Any] = {}
    for index in range(shown):
        for i, plot in enumerate(trajectory_figures(discovery, index, named_sources=choose)):
            roots[f"trajectory-{index}-{i}"] = plot
    for i, item in enumerate(local_coefficients(discovery)):
        roots[f"varies-{i}"] = strip_figure(item)
    found = checks(simulated_from_fit(discovery))
    for i, check in enumerate(found):
        roots[f"check-{i}"] = check_figure(
            check, discovery.study, discovery.library.states[check.variable]
        )
    residuals = residual_figures(discovery)
    for i, plot in enumerate(residuals):
        roots[f"residual-{i}"] = plot
    path = path_figure(discovery)
    if path is not None:
        roots["path"] = path
    script, divs = embedded(roots)
    return {
        "choose": choose,
        "script": Markup(script),
        "plots": {name: Markup(div) for name, div in divs.items()},
        "n_shown": shown,
        "n_residuals": len(residuals),
        "checks": found,
        "names": discovery.library.states,
        "forecast": any(end > start for start, end in spans),
        "chooser_json": _script_safe(json.dumps(_chooser(discovery))) if choose else "",
    }


def embedded(roots: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Bokeh's script, and a div for each of some figures.

    They are put into one document at once: one after another, Bokeh walks through all figures
    before for every new one, and a page of fifty takes many times as long.
    """
    document = Document()
    with document.models.freeze():
        for root in roots.values():
            document.add_root(root)
    script, divs = components(roots, wrap_plot_info=True)
    return script, divs


def _chooser(discovery: Discovery) -> list[dict[str, Any]]:
    """What the page's script swaps in when another subject is chosen."""
    chosen: list[dict[str, Any]] = []
    for index in range(len(discovery.study.trajectories)):
        bands, points = trajectory_data(discovery, index)
        sources = {"bands": bands, "points": points}
        if any(t.doses for t in discovery.study.trajectories):
            sources["doses"] = dose_marks(discovery, index)
        short = {
            name: {key: _short(value) for key, value in columns.items()}
            for name, columns in sources.items()
        }
        chosen.append({**short, "forecast": forecast_span(discovery, index)})
    return chosen


def _short(values: np.ndarray) -> list[float | None]:
    """Five digits are enough to draw; a missing value is null."""
    return [float(f"{v:.5g}") if np.isfinite(v) else None for v in values]


def _script_safe(text: str) -> Markup:
    """JSON that cannot end its own script element or start a comment in it."""
    return Markup(text.replace("<", "\\u003c"))


def _css() -> Markup:
    return Markup((files("twinlab.report") / "templates" / "report.css").read_text("utf-8"))


def _bokeh_js() -> list[Markup]:
    resources = Resources(mode="inline", components=["bokeh"], minified=True)
    return [Markup(script.replace("</script", "<\\/script")) for script in resources.js_raw]
