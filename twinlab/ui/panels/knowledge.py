"""Section 3: what is known before the data are seen: terms, edges, totals."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui

from twinlab.discovery import PriorVerdict
from twinlab.errors import UserError
from twinlab.knowledge import Belief, Edge

from ..state import WorkbenchState
from ..words import plural
from .components import EdgeTable, ItemList, PriorTable
from .parts import html, message_pane, section

MAX_UPLOAD = 20 * 2**20
FORMS = ".yaml,.yml,.csv,.tsv,.sif,.json"
_FIELD = {"size": "small", "sizing_mode": "stretch_width", "margin": (6, 0, 0, 0)}


class KnowledgeSection(pn.viewable.Viewer):
    """Beliefs about the terms of one equation at a time, the edge table, totals, files."""

    def __init__(self, state: WorkbenchState) -> None:
        super().__init__()
        self._state = state
        self._setting = False
        self.equation = pmui.Select(label="Equation", **_FIELD)
        self.table = PriorTable(self._on_row, sizing_mode="stretch_width", margin=0)
        self.edges = EdgeTable(self._on_edge, sizing_mode="stretch_width", margin=(4, 0, 0, 0))
        self.trust = html()
        self.complete = pmui.Switch(
            label="The edges are complete: others are unlikely", value=False, margin=(0, 0, 0, 4)
        )
        self.total = pmui.TextInput(
            label="Conserved total, then Enter", placeholder="N = S + I + R", **_FIELD
        )
        self.totals = ItemList(self._on_total_gone, sizing_mode="stretch_width", margin=0)
        self.upload = pmui.FileInput(
            label="Load knowledge.yaml, or edges: CSV, SIF, JSON", accept=FORMS,
            variant="outlined", margin=(6, 0, 0, 0), sizing_mode="stretch_width",
            max_file_size=MAX_UPLOAD, uploaded_label="{filename}",
            sx={"borderStyle": "dashed", "py": "6px", "fontSize": "13px"},
        )  # fmt: skip
        self.save = pmui.FileDownload(
            callback=self._file, filename="knowledge.yaml", label="Save knowledge.yaml",
            variant="outlined", size="small", margin=(4, 0, 0, 0),
            sizing_mode="stretch_width",
        )  # fmt: skip
        self.count = html()
        self._view = section(
            3, "Prior knowledge", "What the biology says; odds and signs are applied at once.",
            self.equation, self.table, self.edges, self.trust, self.complete, self.total,
            self.totals, message_pane(state.knowledge_message), self.upload, self.save,
            self.count,
        )  # fmt: skip
        self.equation.param.watch(self._show_rows, "value")
        self.complete.param.watch(self._on_complete, "value")
        self.total.param.watch(self._on_total, "value")
        self.upload.param.watch(self._on_upload, "value")
        state.param.watch(self._on_library, "library")
        state.param.watch(self._show, ["knowledge", "discovery", "stale"])
        self._on_library()

    def __panel__(self) -> pn.Column:
        return self._view

    # ---- shown ---------------------------------------------------------------------------------

    def _on_library(self, *_: Any) -> None:
        library = self._state.library
        if library is None:
            return
        options = {f"d {name}/dt": name for name in library.states}
        kept = self.equation.value if self.equation.value in library.states else library.states[0]
        self.equation.param.update(options=options, value=kept)
        self.edges.param.update(regulators=list(library.names), targets=list(library.states))
        self._show()

    def _show(self, *_: Any) -> None:
        knowledge = self._state.knowledge
        self._show_rows()
        self._show_edges()
        self._setting = True
        self.complete.value = knowledge.complete
        self._setting = False
        self.totals.rows = [
            {"key": c.name, "text": c.label + (f" = {c.total:g}" if c.total is not None else "")}
            for c in knowledge.conserved
        ]
        self._show_count()

    def _show_rows(self, *_: Any) -> None:
        library, state = self._state.library, self.equation.value
        if library is None or state not in library.states:
            self.table.rows = []
            return
        beliefs = {b.term: b for b in self._state.knowledge.beliefs if b.state == state}
        said = self._state.verdicts()
        rows = []
        for c in library.columns_of(library.states.index(state)):
            term = library.terms[library.columns[c].term]
            belief = beliefs.get(term.text, Belief(state, term.text))
            rule = "required" if belief.required else "excluded" if belief.excluded else ""
            rows.append(
                {"term": term.text, "html": term.html, "rule": rule, "sign": belief.sign,
                 "odds": belief.log_odds, **_said(said.get(belief.label, ()))}
            )  # fmt: skip
        self.table.rows = rows

    def _show_edges(self) -> None:
        said = self._state.verdicts()
        self.edges.rows = [
            {"regulator": e.regulator, "target": e.target, "sign": e.sign,
             "confidence": e.confidence, "source": "\n".join((e.source, *e.sentences)),
             **_said(said.get(e.label, ()))}
            for e in self._state.knowledge.edges
        ]  # fmt: skip
        words = self._state.reliability_text()
        self.trust.object = f"<p class='caption'>{words}</p>" if words else ""

    def _show_count(self) -> None:
        knowledge = self._state.knowledge
        told = [
            b for b in knowledge.beliefs
            if b.required or b.excluded or b.sign or b.log_odds or b.bounds != Belief("", "").bounds
        ]  # fmt: skip
        kinds = (
            (told, "belief"), (knowledge.edges, "edge"), (knowledge.known, "known part"),
            (knowledge.reactions, "reaction"), (knowledge.conserved, "conserved total"),
        )  # fmt: skip
        words = ", ".join(plural(len(items), name) for items, name in kinds if items)
        shown = f"{words} set." if words else "Nothing set: every term is equal."
        self.count.object = f"<p class='caption'>{shown}</p>"

    # ---- changed -------------------------------------------------------------------------------

    def _on_row(self, message: dict[str, Any]) -> None:
        state, term = str(self.equation.value), str(message["term"])
        before = self._state.knowledge.belief(state, term)
        try:
            belief = Belief(
                state, term,
                required=message["rule"] == "required", excluded=message["rule"] == "excluded",
                sign=int(message["sign"]), lower=before.lower if before else None,
                upper=before.upper if before else None, log_odds=float(message["odds"]),
                source=before.source if before and before.source else "workbench",
            )  # fmt: skip
        except UserError as error:
            self._state.knowledge_message.say(str(error), "error")
            self._show_rows()
            return
        if not self._state.believe(belief):
            self._show_rows()

    def _on_edge(self, message: dict[str, Any]) -> None:
        regulator, target = str(message["regulator"]), str(message["target"])
        if message["action"] == "remove":
            self._state.remove_edge(regulator, target)
            return
        edges = {e.key: e for e in self._state.knowledge.edges}
        before = edges.get((regulator, target))
        edge = Edge(
            regulator, target, int(message["sign"]), float(message["confidence"]),
            before.source if before else "workbench", before.sentences if before else (),
        )  # fmt: skip
        if not self._state.set_edge(edge):
            self._show_edges()

    def _on_complete(self, event: Any) -> None:
        if not self._setting:
            self._state.set_complete(bool(event.new))

    def _on_total(self, event: Any) -> None:
        # On an error the text stays, so that it can be mended.
        if not self._setting and event.new.strip() and self._state.add_total(event.new):
            self._setting = True
            self.total.param.update(value="", value_input="")
            self._setting = False

    def _on_total_gone(self, message: dict[str, Any]) -> None:
        self._state.remove_total(str(message["key"]))

    def _on_upload(self, event: Any) -> None:
        if event.new:
            self._state.load_knowledge(event.new, self.upload.filename or "knowledge.yaml")
            self.upload.clear()

    def _file(self) -> io.BytesIO:
        return io.BytesIO(self._state.knowledge_file().encode())


def _said(verdicts: Sequence[PriorVerdict]) -> dict[str, Any]:
    """What the data say about one line, conflicts first."""
    texts = [v.text for v in sorted(verdicts, key=lambda v: not v.conflict)]
    return {"verdict": " ".join(texts), "conflict": any(v.conflict for v in verdicts)}
