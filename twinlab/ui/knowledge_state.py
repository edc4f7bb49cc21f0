"""What a session knows beforehand: beliefs, edges and totals, edited, loaded and imported.

No Panel here: sections set parameters and call methods, views watch parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from twinlab.discovery import PriorVerdict
from twinlab.errors import UserError
from twinlab.knowledge import Belief, Conserved, Edge, Knowledge, import_bytes
from twinlab.library import Library

from .fit_state import FitState
from .jobs import Schedule
from .messages import Message
from .words import plural

#: Set-aside edges that a message names.
_NAMED = 4


class KnowledgeState(FitState):
    """A fit with its knowledge; whatever is refused is said and changes nothing."""

    def __init__(self, schedule: Schedule | None = None, **params: object) -> None:
        super().__init__(schedule, **params)
        self.knowledge_message = Message()

    def believe(self, belief: Belief) -> bool:
        """Set one belief; a fitted result is reconsidered under it at once."""
        return self._change(lambda: self.knowledge.with_belief(belief))

    def set_edge(self, edge: Edge) -> bool:
        """Add an edge, or change the one of the same regulator and target."""
        return self._change(lambda: self.knowledge.with_edge(edge))

    def remove_edge(self, regulator: str, target: str) -> bool:
        """Remove an edge."""
        return self.change_knowledge(self.knowledge.without_edge(regulator, target))

    def set_complete(self, complete: bool) -> bool:
        """Say whether the edge table holds every edge."""
        return self.change_knowledge(replace(self.knowledge, complete=complete))

    def add_total(self, text: str) -> bool:
        """Add a conserved total, written "N = S + I + R" or "N = S + I + R = 100"."""
        if self.library is None:
            return False
        try:
            total = Conserved.parse(text, self.library.states)
        except UserError as error:
            self.knowledge_message.say(str(error), "error")
            return False
        others = tuple(c for c in self.knowledge.conserved if c.name != total.name)
        return self.change_knowledge(replace(self.knowledge, conserved=(*others, total)))

    def remove_total(self, name: str) -> bool:
        """Remove a conserved total."""
        kept = tuple(c for c in self.knowledge.conserved if c.name != name)
        return self.change_knowledge(replace(self.knowledge, conserved=kept))

    def change_knowledge(self, knowledge: Knowledge) -> bool:
        """Take other knowledge, if the library bears it (`_change`)."""
        return self._change(lambda: knowledge)

    def _change(self, make: Callable[[], Knowledge]) -> bool:
        """Take other knowledge, if it does not contradict itself and the library bears it.

        Odds and signs are applied to a result at once; known parts, reactions and totals wait for
        the next fit.
        """
        if self.library is None:
            return False
        try:
            knowledge = make()
            whole = knowledge.completed(self.library)
            knowledge.column_prior(whole, self.settings.complexity)
        except UserError as error:
            self.knowledge_message.say(str(error), "error")
            return False
        self.knowledge_message.clear()
        self.knowledge = knowledge
        if self.fitted is not None and _structure(knowledge) != _structure(self.fitted.knowledge):
            self._mark_stale()
        else:
            self.reconsider()
        return True

    def load_knowledge(self, content: bytes, filename: str) -> bool:
        """Take a knowledge file, or add the edges of a table, SIF or JSON of answers.

        Edges between names that the data do not have are set aside and named.  A file that is
        wrong leaves everything as it was.
        """
        if self.library is None:
            return False
        try:
            if filename.lower().endswith((".yaml", ".yml")):
                return self.change_knowledge(Knowledge.from_bytes(content, filename))
            edges = import_bytes(content, filename)
        except UserError as error:
            self.knowledge_message.say(f"{error}\nWhat was set is kept.", "error")
            return False
        fits, left = _fitting_edges(edges, self.library)
        if not fits:
            self.knowledge_message.say(
                f"None of the {plural(len(edges), 'edge')} of {filename} is between variables "
                f"of these data.\nThe data have {', '.join(self.library.names)}.",
                "error",
            )
            return False
        knowledge = self.knowledge
        for edge in fits:
            knowledge = knowledge.with_edge(edge)
        if not self.change_knowledge(knowledge):
            return False
        words = f"{plural(len(fits), 'edge')} taken from {filename}."
        if left:
            named = ", ".join(edge.label for edge in left[:_NAMED])
            more = ", …" if len(left) > _NAMED else ""
            words += f" {len(left)} set aside, of variables the data do not have: {named}{more}."
        self.knowledge_message.say(words)
        return True

    def knowledge_file(self) -> str:
        """What is known, as the text of a knowledge file."""
        return self.knowledge.to_text()

    def verdicts(self) -> dict[str, list[PriorVerdict]]:
        """What the data say about each claim, by its label; empty before a fit."""
        found: dict[str, list[PriorVerdict]] = {}
        if self.discovery is not None and not self.stale:
            for verdict in self.discovery.prior_verdicts:
                found.setdefault(verdict.label, []).append(verdict)
        return found

    def reliability_text(self) -> str:
        """How far the data bear out the edges, in words; empty before a fit and without edges."""
        if self.discovery is None or self.stale or self.discovery.reliability is None:
            return ""
        return self.discovery.reliability.text


def _structure(knowledge: Knowledge) -> tuple[object, ...]:
    """What of knowledge changes the model that is simulated, not just its odds."""
    return knowledge.known, knowledge.reactions, knowledge.conserved


def _fitting_edges(edges: tuple[Edge, ...], library: Library) -> tuple[list[Edge], list[Edge]]:
    """Edges in the data's own names, whatever their case, and those of other names."""
    names = {name.casefold(): name for name in library.names}
    fits, left = [], []
    for edge in edges:
        regulator, target = (names.get(n.casefold()) for n in (edge.regulator, edge.target))
        if regulator is None or target not in library.states:
            left.append(edge)
        else:
            fits.append(replace(edge, regulator=regulator, target=target))
    return fits, left
