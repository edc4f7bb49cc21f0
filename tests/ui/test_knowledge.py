"""Knowledge in the workbench: edges, totals and files, and what the data say about them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from twinlab.discovery import Discovery, discover
from twinlab.knowledge import Belief, Edge, Knowledge
from twinlab.library import Library
from twinlab.study import Study
from twinlab.ui.panels.knowledge import KnowledgeSection
from twinlab.ui.state import WorkbenchState

from .conftest import QUICK


@pytest.fixture
def state(study: Study, csv: bytes) -> WorkbenchState:
    made = WorkbenchState()
    assert made.load_bytes(csv, "pond.csv")
    return made


@pytest.fixture(scope="module")
def told(study: Study) -> Discovery:
    """A fit that was told one edge with the wrong sign and one wrong term."""
    knowledge = Knowledge(
        (Belief("prey", "predator^2", log_odds=2.0),), edges=(Edge("prey", "predator", -1, 0.9),)
    )
    return discover(study, Library.polynomial(study, 2), knowledge, settings=QUICK, seed=1)


YAML = b"""
beliefs:
  - {equation: prey, term: prey, sign: positive}
edges:
  - {regulator: prey, target: predator, sign: positive, confidence: 0.7}
conserved: []
"""


def test_a_knowledge_file_is_loaded_and_saved_again(state: WorkbenchState) -> None:
    section = KnowledgeSection(state)
    assert state.load_knowledge(YAML, "k.yaml")
    assert [e.key for e in state.knowledge.edges] == [("prey", "predator")]
    assert section.edges.rows[0]["confidence"] == 0.7
    assert "1 belief, 1 edge" in section.count.object
    again = Knowledge.from_bytes(section._file().read(), "k.yaml")
    assert again == state.knowledge


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"edges:\n  - {regulator: fox, target: prey}\n", "k.yaml", "k.yaml, line 2: The regul"),
        (b"beliefs: 3", "k.yaml", "k.yaml, column 'beliefs': It must be a list"),
        (b"edges: [", "k.yaml", "k.yaml, line 1: This is not YAML"),
        (b"a,b\n", "e.csv", "e.csv, line 1: The table has no column"),
        (b"regulator,target\ngene7,gene8\n", "e.csv", "None of the 1 edge of e.csv"),
        (b"{}", "a.json", "a.json: The file has no 'answers'"),
    ],
)
def test_a_bad_file_keeps_what_was_there(
    state: WorkbenchState, content: bytes, name: str, message: str
) -> None:
    assert state.load_knowledge(YAML, "good.yaml")
    before = state.knowledge
    assert not state.load_knowledge(content, name)
    assert message in state.knowledge_message.text
    assert state.knowledge_message.level == "error"
    assert state.knowledge is before


def test_edges_are_imported_in_the_names_of_the_data(state: WorkbenchState) -> None:
    assert state.set_edge(Edge("predator", "prey", -1))
    answers = {"answers": [{"edges": [
        {"regulator": "PREY", "target": "Predator", "sign": "positive", "sentence": "They eat."},
        {"regulator": "moon", "target": "prey"},
    ]}]}  # fmt: skip
    assert state.load_knowledge(json.dumps(answers).encode(), "a.json")
    assert [e.key for e in state.knowledge.edges] == [("predator", "prey"), ("prey", "predator")]
    assert state.knowledge.edges[1].sentences == ("They eat.",)
    assert "1 set aside" in state.knowledge_message.text
    assert "moon -> prey" in state.knowledge_message.text
    assert state.load_knowledge(b"prey inhibits predator", "n.sif")
    assert state.knowledge.edges[1].sign == -1


def test_edges_are_edited_in_the_table(state: WorkbenchState) -> None:
    section = KnowledgeSection(state)
    assert section.edges.targets == ["prey", "predator"]
    section._on_edge(
        {"action": "set", "regulator": "prey", "target": "prey", "sign": 1, "confidence": 0.6}
    )
    assert state.knowledge.edges == (Edge("prey", "prey", 1, 0.6, "workbench"),)
    state.set_edge(replace(state.knowledge.edges[0], source="Lotka", sentences=("Why.",)))
    section._on_edge(
        {"action": "set", "regulator": "prey", "target": "prey", "sign": 0, "confidence": 0.5}
    )
    # An edit keeps where the edge comes from.
    assert state.knowledge.edges[0] == Edge("prey", "prey", 0, 0.5, "Lotka", ("Why.",))
    section.complete.value = True
    assert state.knowledge.complete
    section._on_edge({"action": "remove", "regulator": "prey", "target": "prey"})
    assert state.knowledge.edges == () and section.edges.rows == []


def test_totals_are_added_and_removed(state: WorkbenchState) -> None:
    section = KnowledgeSection(state)
    section.total.value = "N = prey + 2*predator = 7"
    (total,) = state.knowledge.conserved
    assert total.weights == (("prey", 1.0), ("predator", 2.0)) and total.total == 7
    assert section.totals.rows == [{"key": "N", "text": "N = prey + 2*predator = 7"}]
    assert section.total.value == ""
    for wrong, message in (
        ("prey + predator", "is no conserved total"),
        ("N = prey*predator + prey", "is a sum of states"),
        ("N = fox + prey", "'fox'"),
        ("N = prey", "needs two different states"),
        ("N = prey + predator = many", "must be a number"),
    ):
        section.total.value = wrong
        assert message in state.knowledge_message.text
        assert state.knowledge.conserved == (total,)
    section._on_total_gone({"key": "N"})
    assert state.knowledge.conserved == ()


def test_a_contradiction_in_the_table_is_told(state: WorkbenchState) -> None:
    section = KnowledgeSection(state)
    known = b'known:\n  - {equation: prey, rate: "1.0*prey"}\n'
    assert state.load_knowledge(known, "k.yaml")
    section._on_row({"term": "prey", "rule": "excluded", "sign": 0, "odds": 0})
    assert "known and excluded" in state.knowledge_message.text
    assert state.knowledge.beliefs == ()
    bounded = Belief("prey", "predator", lower=0.5)
    assert state.believe(bounded)
    section._on_row({"term": "predator", "rule": "", "sign": -1, "odds": 0})
    assert "sign is negative but the lower bound" in state.knowledge_message.text
    assert state.knowledge.beliefs == (bounded,)


def test_what_the_data_say_stands_beside_the_claims(
    state: WorkbenchState, study: Study, told: Discovery
) -> None:
    section = KnowledgeSection(state)
    state.param.update(study=study, knowledge=told.knowledge)
    state.adopt(told)
    (edge,) = section.edges.rows
    assert edge["conflict"] and "opposite sign" in edge["verdict"]
    rows = {row["term"]: row for row in section.table.rows}
    assert rows["predator^2"]["conflict"] and "overrule" in rows["predator^2"]["verdict"]
    assert rows["prey"]["verdict"] == ""
    assert "The data support about" in section.trust.object
    # Words about another fit are not shown.
    state.set_fit(starts=2)
    assert section.edges.rows[0]["verdict"] == "" and section.trust.object == ""


def test_totals_wait_for_the_next_fit_and_odds_do_not(
    state: WorkbenchState, study: Study, told: Discovery
) -> None:
    state.param.update(study=study, knowledge=told.knowledge)
    state.adopt(told)
    assert state.set_edge(Edge("predator", "predator", 0, 0.8)) and not state.stale
    assert state.add_total("N = prey + predator") and state.stale
