"""Small browser components: one model each where widgets would need dozens.

Their JavaScript is inlined; they load nothing.  HTML in their items is made by this package, with
every text of the user escaped.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

from ..tokens import BODY, CAPTION, RADIUS, SANS, SERIF

_HERE = Path(__file__).parent

_VERDICT = f"""
td.verdict {{ border-top: none; font-size: {CAPTION}px; color: var(--tl-muted);
  padding: 0 3px 4px; }}
td.verdict.conflict {{ color: var(--tl-warning); }}
"""
_FOCUS = "outline: 2px solid var(--tl-accent); outline-offset: 1px;"


class _Listening(JSComponent):
    """A component that calls `on_message` with what the browser sends."""

    def __init__(self, on_message: Callable[[dict[str, Any]], None], **params: Any) -> None:
        super().__init__(**params)
        self._receive = on_message

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        self._receive(msg)


class TermChips(_Listening):
    """Candidate terms, each a button that switches it on or off; sends {text, on}."""

    items = param.List(default=[], doc="[{text, html, on}]")

    _esm = (_HERE / "term_chips.js").read_text("utf-8")
    _stylesheets = [
        f"""
.chips {{ display: flex; flex-wrap: wrap; gap: 4px; max-height: 152px; overflow-y: auto;
  padding: 2px; }}
button {{ font: 14px/1.3 {SERIF}; color: var(--tl-muted); background: transparent; cursor: pointer;
  border: 1px dashed var(--tl-border); border-radius: {RADIUS}px; padding: 3px 8px;
  text-decoration: line-through; max-width: 250px; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }}
button[aria-pressed=true] {{ color: var(--tl-accent); border: 1px solid var(--tl-accent);
  background: var(--tl-sunken); text-decoration: none; }}
button:focus-visible {{ {_FOCUS} }}
"""
    ]


class PriorTable(_Listening):
    """Beliefs about the terms of one equation; sends {term, rule, sign, odds}."""

    rows = param.List(default=[], doc="[{term, html, rule, sign, odds, verdict, conflict}]")

    _esm = (_HERE / "prior_table.js").read_text("utf-8")
    _stylesheets = [
        f"""
:host {{ max-height: 250px; overflow-y: auto; }}
table {{ border-collapse: collapse; width: 100%; font: {BODY}px/1.3 {SANS};
  color: var(--tl-text); }}
th {{ font-size: {CAPTION}px; font-weight: 400; color: var(--tl-muted); text-align: left;
  position: sticky; top: 0; background: var(--tl-surface); padding: 2px 3px; z-index: 1; }}
td {{ border-top: 1px solid var(--tl-border); padding: 2px 3px; }}
.name {{ font: 14px/1.2 {SERIF}; display: inline-block; max-width: 92px; overflow: hidden;
  text-overflow: ellipsis; white-space: nowrap; vertical-align: middle; }}
select, input {{ font: {CAPTION}px {SANS}; color: var(--tl-text); background: var(--tl-surface);
  border: 1px solid var(--tl-border); border-radius: 4px; padding: 3px 2px; height: 26px;
  box-sizing: border-box; }}
select:focus-visible, input:focus-visible {{ {_FOCUS} }}
input {{ width: 52px; }}
tr.set .name {{ font-weight: 700; color: var(--tl-accent); }}
{_VERDICT}
tr.excluded .name {{ text-decoration: line-through; color: var(--tl-muted); font-weight: 400; }}
"""
    ]


class EdgeTable(_Listening):
    """Who acts on whom; sends {action: set or remove, regulator, target, sign, confidence}."""

    rows = param.List(
        default=[], doc="[{regulator, target, sign, confidence, source, verdict, conflict}]"
    )
    regulators = param.List(default=[], doc="Names an edge may begin with.")
    targets = param.List(default=[], doc="Names an edge may end at.")

    _esm = (_HERE / "edge_table.js").read_text("utf-8")
    _stylesheets = [
        f"""
:host {{ max-height: 260px; overflow-y: auto; }}
table {{ border-collapse: collapse; width: 100%; font: {BODY}px/1.3 {SANS};
  color: var(--tl-text); }}
th {{ font-size: {CAPTION}px; font-weight: 400; color: var(--tl-muted); text-align: left;
  position: sticky; top: 0; background: var(--tl-surface); padding: 2px 3px; z-index: 1; }}
td {{ border-top: 1px solid var(--tl-border); padding: 2px 3px; }}
.name {{ display: inline-block; max-width: 136px; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; vertical-align: middle; }}
.pair {{ display: flex; align-items: center; gap: 2px; }}
.pair select {{ width: 60px; min-width: 0; }}
select, input, button {{ font: {CAPTION}px {SANS}; color: var(--tl-text);
  background: var(--tl-surface); border: 1px solid var(--tl-border); border-radius: 4px;
  padding: 3px 4px; height: 26px; box-sizing: border-box; }}
button {{ cursor: pointer; width: 26px; padding: 0; }}
td:last-child {{ text-align: right; }}
td.verdict {{ text-align: left; }}
button:hover {{ background: var(--tl-sunken); }}
select:focus-visible, input:focus-visible, button:focus-visible {{ {_FOCUS} }}
input {{ width: 52px; }}
{_VERDICT}
"""
    ]


class ItemList(_Listening):
    """Lines of text with a button each that removes it; sends {key}."""

    rows = param.List(default=[], doc="[{key, text}]")

    _esm = (_HERE / "item_list.js").read_text("utf-8")
    _stylesheets = [
        f"""
ul {{ list-style: none; margin: 0; padding: 0; font: {BODY}px/1.4 {SANS}; color: var(--tl-text); }}
li {{ display: flex; align-items: center; justify-content: space-between; gap: 8px;
  border-top: 1px solid var(--tl-border); padding: 2px 3px; }}
button {{ font: {CAPTION}px {SANS}; color: var(--tl-text); background: var(--tl-surface);
  border: 1px solid var(--tl-border); border-radius: 4px; height: 26px; min-width: 26px;
  cursor: pointer; }}
button:focus-visible {{ {_FOCUS} }}
"""
    ]


class RankedList(_Listening):
    """The ranked models as a list to pick from; sends {rank}."""

    rows = param.List(default=[], doc="[{rank, probability, width, html, selected}]")

    _esm = (_HERE / "ranked_list.js").read_text("utf-8")
    _stylesheets = [
        f"""
button {{ display: flex; align-items: center; gap: 10px; width: 100%; text-align: left;
  font: {BODY}px/1.35 {SANS}; color: var(--tl-text); background: transparent; cursor: pointer;
  border: 1px solid transparent; border-radius: {RADIUS}px; padding: 5px 8px; }}
button:hover {{ background: var(--tl-sunken); }}
button[aria-checked=true] {{ border-color: var(--tl-accent); background: var(--tl-sunken); }}
button:focus-visible {{ {_FOCUS} }}
.rank {{ flex: 0 0 12px; color: var(--tl-muted); font-variant-numeric: tabular-nums; }}
.chance {{ display: flex; align-items: center; gap: 8px; flex: 0 0 118px;
  font-variant-numeric: tabular-nums; white-space: nowrap; }}
.track {{ flex: 1; height: 8px; background: var(--tl-track); border-radius: 2px;
  overflow: hidden; }}
.bar {{ display: block; height: 100%; background: var(--tl-muted); }}
.words {{ font: 14.5px/1.3 {SERIF}; min-width: 0; overflow: hidden; text-overflow: ellipsis; }}
.words small {{ font: {CAPTION}px {SANS}; color: var(--tl-muted); }}
"""
    ]
