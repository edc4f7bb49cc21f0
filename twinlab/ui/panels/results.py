"""Key figures, equations and ranked alternatives of a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import panel as pn

from twinlab.discovery import NOISE_WORDS, Discovery, PointModel
from twinlab.library import Library

from ..state import WorkbenchState
from ..theme import CARD_CSS
from ..words import escape, number, percent, seconds
from .components import RankedList
from .parts import card, html

_Z90 = 1.6448536269514722
_SHOWN_MODELS = 5


def key_figures(state: WorkbenchState) -> list[tuple[str, str, str, str]]:
    """Title, value, level and explanation of each key figure of what is shown."""
    d = state.discovery
    if d is None:
        names = ("Active terms", "χ² per point", "R²", "Best model", "Fit time")
        return [(name, "–", "", "") for name in names]
    shown = state.chosen.columns if state.chosen is not None else d.best.columns
    r_squared = state.chosen.r_squared if state.chosen is not None else d.r_squared
    finite = np.asarray(r_squared)[np.isfinite(r_squared)]
    lowest = number(float(finite.min()), 3) if finite.size else "–"
    chi2 = d.chi2_per_point
    chi2_level = "good" if chi2 <= 1.2 else "warning" if chi2 <= 1.5 else "error"
    best = "withheld" if state.withheld else percent(d.best.probability)
    provisional = "provisional" if d.status == "provisional" else "posterior probability"
    return [
        ("Active terms", f"{len(shown)} of {len(d.library.columns)}", "", "in all equations"),
        ("χ² per point", number(chi2, 3), chi2_level, "about 1 is right"),
        ("R² (lowest state)", lowest, "", "1 is a perfect fit"),
        ("Best model", best, "", provisional),
        ("Fit time", seconds(d.seconds), "", f"noise: {NOISE_WORDS[d.noise_model]}"),
    ]


def equations_html(
    library: Library,
    columns: Sequence[int],
    coefficients: Mapping[int, float],
    intervals: Mapping[int, tuple[float, float]],
    inclusion: Mapping[int, float],
) -> str:
    """The equations of one model: coefficient over its 90 % interval, faded by inclusion.

    Parameters
    ----------
    library : Library
    columns : sequence of int
        Active columns.
    coefficients, intervals, inclusion : mappings of column to value
        An empty `inclusion` fades nothing (probabilities withheld).
    """
    lines = []
    for s, name in enumerate(library.states):
        parts: list[str] = []
        for c in columns:
            for state, value in library.columns[c].stoichiometry:
                if state == s:
                    first = not parts
                    parts.append(
                        _term(library, c, value, coefficients[c], intervals[c], inclusion, first)
                    )
        right = "".join(parts) or "<span class='term'>0</span>"
        lines.append(
            f"<div class='equation'><span class='left'>d<i>{escape(name)}</i>/d<i>t</i> =</span>"
            f"{right}</div>"
        )
    return "".join(lines)


def _term(
    library: Library,
    c: int,
    stoichiometry: float,
    coefficient: float,
    interval: tuple[float, float],
    inclusion: Mapping[int, float],
    first: bool,
) -> str:
    value = coefficient * stoichiometry
    ends = sorted(end * stoichiometry for end in interval)
    sign = "−" if value < 0 else "" if first else "+"
    chance = inclusion.get(c)
    opacity = 1.0 if chance is None else 0.45 + 0.55 * min(1.0, max(0.0, chance))
    told = "" if chance is None else f", inclusion {percent(chance)}"
    title = f"90 % interval {number(ends[0])} to {number(ends[1])}{told}"
    term = library.terms[library.columns[c].term]
    body = "" if term.text == "1" else f" {term.html}"
    return (
        f"<span class='term' style='opacity:{opacity:.2f}' title='{escape(title)}'>"
        f"<span>{sign} <b>{number(abs(value))}</b>{body}</span>"
        f"<span class='interval'>{number(ends[0])} … {number(ends[1])}</span></span>"
    )


def shown_equations(discovery: Discovery, chosen: PointModel | None, withheld: bool) -> str:
    """Equations of the chosen model, or of the best one."""
    inclusion = {} if withheld else {c: float(p) for c, p in enumerate(discovery.inclusion)}
    if chosen is not None:
        columns = [int(c) for c in chosen.columns]
        ends = [
            (w - _Z90 * s, w + _Z90 * s)
            for w, s in zip(chosen.coefficients, chosen.sd, strict=True)
        ]
        values = chosen.coefficients
    else:
        best = discovery.best
        columns = [int(c) for c in best.columns]
        ends = [(float(a), float(b)) for a, b in best.interval90]
        values = best.coefficients
    coefficients = {c: float(w) for c, w in zip(columns, values, strict=True)}
    intervals = dict(zip(columns, ends, strict=True))
    return equations_html(discovery.library, columns, coefficients, intervals, inclusion)


def difference_html(library: Library, best: Sequence[int], other: Sequence[int]) -> str:
    """How a model differs from the best one, as HTML: terms it adds and terms it drops."""
    added = [c for c in other if c not in set(best)]
    dropped = [c for c in best if c not in set(other)]

    def words(c: int) -> str:
        state = library.column_state(c)
        place = f" <small>in d {escape(library.states[state])}/dt</small>" if state >= 0 else ""
        return f"{library.terms[library.columns[c].term].html}{place}"

    parts = [f"+ {words(c)}" for c in added] + [f"− {words(c)}" for c in dropped]
    return ", ".join(parts) or "the best model again"


class KeyFigures(pn.viewable.Viewer):
    """Five figures in a row that wraps."""

    _CSS = """
:host { display: block; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(128px, 1fr));
  gap: 6px 16px; }
.figures > div { min-width: 0; }
"""

    def __init__(self, state: WorkbenchState) -> None:
        super().__init__()
        self._state = state
        self.pane = html(stylesheets=[CARD_CSS, self._CSS])
        state.param.watch(self._show, ["discovery", "chosen"])
        self._show()

    def __panel__(self) -> pn.pane.HTML:
        return self.pane

    def _show(self, *_: Any) -> None:
        cells = "".join(
            f"<div><p class='caption'>{escape(title)}</p>"
            f"<p class='figure {level}'>{escape(value)}</p>"
            f"<p class='caption'>{escape(words)}</p></div>"
            for title, value, level, words in key_figures(self._state)
        )
        self.pane.object = f"<div class='figures'>{cells}</div>"


class Equations(pn.viewable.Viewer):
    """The equations of the model that is shown, with what it is."""

    def __init__(self, state: WorkbenchState) -> None:
        super().__init__()
        self._state = state
        self.pane, self.caption = html(), html()
        self._view = card("Equations", self.pane, caption=self.caption)
        state.param.watch(self._show, ["discovery", "chosen", "chosen_words"])
        self._show()

    def __panel__(self) -> pn.Column:
        return self._view

    def _show(self, *_: Any) -> None:
        d, chosen = self._state.discovery, self._state.chosen
        if d is None:
            self.caption.object = (
                "<p class='caption'>The discovered model appears here after a fit.</p>"
            )
            self.pane.object = ""
            return
        name = escape(self._state.chosen_words) or "The best model"
        fade = "" if self._state.withheld else "; faint terms are doubtful"
        alone = chosen is not None or d.library.latent
        over = "" if alone else " over all models with the term"
        words = f"{name}. Small figures: 90 % interval{over}{fade}."
        self.caption.object = f"<p class='caption'>{words}</p>"
        warnings = "".join(
            f"<div class='note warning'><p>{escape(w.text)}</p></div>" for w in d.warnings
        )
        self.pane.object = shown_equations(d, chosen, bool(self._state.withheld)) + warnings


class Alternatives(pn.viewable.Viewer):
    """The most probable models; a click shows one in the plots and equations."""

    def __init__(self, state: WorkbenchState) -> None:
        super().__init__()
        self._state = state
        self._rank = 1
        self.caption = html()
        self.list = RankedList(self._on_pick, sizing_mode="stretch_width", margin=0)
        self._view = card("Ranked alternatives", self.list, caption=self.caption)
        state.param.watch(self._show, ["discovery", "chosen"])
        self._show()

    def __panel__(self) -> pn.Column:
        return self._view

    def _on_pick(self, message: dict[str, Any]) -> None:
        self._state.show_rank(int(message["rank"]))

    def _show(self, *_: Any) -> None:
        d = self._state.discovery
        if d is None:
            self.caption.object = (
                "<p class='caption'>Other models the data allow, by probability.</p>"
            )
            self.list.rows = []
            return
        chosen = self._state.chosen
        shown = chosen.columns if chosen is not None else d.best.columns
        withheld = self._state.withheld
        rows = []
        for rank, model in enumerate(d.models[:_SHOWN_MODELS], 1):
            words = "best model" if rank == 1 else difference_html(
                d.library, d.best.columns.tolist(), model.columns.tolist()
            )  # fmt: skip
            rows.append(
                {
                    "rank": rank, "html": words,
                    "probability": "–" if withheld else percent(model.probability),
                    "width": 0 if withheld else round(100 * model.probability, 1),
                    "selected": np.array_equal(shown, model.columns),
                }
            )  # fmt: skip
        self.caption.object = (
            "<p class='caption'>Models by probability, as they differ from the best; "
            "click one to see it.</p>"
        )
        self.list.rows = rows
