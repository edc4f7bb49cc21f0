"""Prior against data: what the data say alone, and that wrong knowledge sinks no fit."""

import numpy as np
import pytest

from twinlab.discovery import Settings, discover, discovery_mapping, reconsider
from twinlab.discovery.model_prior import size_prior
from twinlab.knowledge import Belief, Edge, Knowledge
from twinlab.knowledge.edges import any_probability
from twinlab.library import Library
from twinlab.report.page import report_html

from .conftest import predator_prey, true_columns

FAST = Settings(starts=1, noise="constant", draws=20)


@pytest.fixture(scope="module")
def data():
    study = predator_prey(n=30)
    return study, Library.polynomial(study, 2)


@pytest.fixture(scope="module")
def told(data):
    """Two right edges, one of the wrong sign, one that is not there, one that is denied."""
    edges = (
        Edge("predator", "prey", -1, 0.9, "Lotka", ("Prey are eaten.",)),
        Edge("prey", "predator", -1, 0.9),
        Edge("prey", "prey", 0, 0.1),
    )
    beliefs = (Belief("predator", "prey^2", log_odds=3.0), Belief("prey", "1", log_odds=-2.0))
    return discover(*data, Knowledge(beliefs, edges=edges), settings=FAST, seed=3)


def by_label(discovery):
    return {v.label: v for v in discovery.prior_verdicts}


def test_wrong_claims_do_not_sink_the_fit_and_are_named(data, told):
    assert set(told.best.columns) == set(true_columns(data[1]))
    found = by_label(told)
    assert found["predator -| prey"].verdict == "confirmed"
    assert not found["predator -| prey"].conflict
    assert found["prey -| predator"].opposite and found["prey -| predator"].conflict
    assert found["prey -> prey"].verdict == "overruled" and found["prey -> prey"].data > 3
    wrong = found["d predator/dt: prey^2"]
    assert wrong.verdict == "overruled" and wrong.data < -1 and wrong.probability < 0.5
    assert "The data overrule d predator/dt: prey^2" in wrong.text
    assert not found["d prey/dt: 1"].conflict
    # Conflicts come first, and are said where every reader looks.
    flags = [v.conflict for v in told.prior_verdicts]
    assert flags == sorted(flags, reverse=True) and flags[0]
    text = next(w.text for w in told.warnings if w.code == "prior_conflict")
    assert "prey -| predator with the opposite sign" in text
    rows = {row["label"]: row for row in discovery_mapping(told)["prior"]}
    assert rows["predator -| prey"]["sentences"] == ["Prey are eaten."]
    assert rows["d predator/dt: prey^2"]["conflict"] is True
    page = report_html(told)
    assert "The data support about" in page
    assert "Prior against data" in page and "Prey are eaten." in page


def test_the_factor_of_the_data_is_that_of_the_models_weighed(data, told):
    """By hand: evidence of models with and without the term, its own odds and its prior out."""
    verdict = by_label(told)["d predator/dt: prey^2"]
    column = data[1].find("predator", "prey^2")
    has = np.array([column in m.columns for m in told.models])
    assert has.any() and not has.all()
    evidence = np.array([m.evidence for m in told.models])
    with_, without = (np.logaddexp.reduce(evidence[side]) for side in (has, ~has))
    prior = told.problem.prior
    sizes = size_prior(prior, 5)
    # What the edges say of the column, as far as the data bear them out.
    trusted = prior.trusting(told.reliability.mean)
    odds = trusted.search_odds[column] + sizes[5] - sizes[4]
    assert verdict.evidence_with == pytest.approx(with_ - 3.0)
    assert verdict.prior == pytest.approx(odds)
    assert verdict.data == pytest.approx(with_ - without - odds)
    assert verdict.posterior == pytest.approx(with_ - without)
    assert any_probability(np.array([odds])) == pytest.approx(1 / (1 + np.exp(-odds)))


def test_the_reliability_of_edges_is_that_of_the_models(data, told):
    """By hand from the models' probabilities; right edges earn more trust than wrong ones."""
    table, problem = told.problem.prior.table, told.problem
    by_hand = np.zeros(5)
    for model in told.models:
        signs, odds = np.sign(model.coefficients), problem.sign_log_odds[model.columns]
        levels = np.exp(table.log_levels(model.columns, signs, odds))
        by_hand += model.probability * levels / levels.sum()
    np.testing.assert_allclose(told.reliability.posterior, by_hand, atol=1e-6)
    assert discovery_mapping(told)["edge_reliability"]["posterior"] == list(
        told.reliability.posterior
    )
    pairs = ("predator", "prey", -1), ("prey", "prey", 0), ("prey", "predator", 1)
    means = []
    for confidence in (0.95, 0.02):
        edges = tuple(Edge(*pair, confidence) for pair in pairs)
        again = reconsider(told, knowledge=Knowledge(edges=edges))
        means.append(again.reliability.mean)
    assert means[0] > 0.6 and means[1] < 0.35
    assert reconsider(told, knowledge=Knowledge()).reliability is None


def test_what_edges_say_of_each_other_is_in_their_odds(told):
    for verdict in told.prior_verdicts:
        if verdict.kind == "edge":
            assert verdict.posterior == pytest.approx(verdict.prior + verdict.data)
            assert np.isfinite(verdict.prior)


def test_certainties_that_are_wrong_are_named_though_they_stand(data):
    study, library = data
    beliefs = (
        Belief("prey", "prey^2", required=True),
        Belief("predator", "predator", excluded=True),
        Belief("prey", "prey", lower=0.2, upper=0.6),
        Belief("prey", "predator*prey", required=True),
    )
    discovery = discover(study, library, Knowledge(beliefs), settings=FAST, seed=3)
    columns = set(discovery.best.columns.tolist())
    assert library.find("prey", "prey^2") in columns
    assert library.find("predator", "predator") not in columns
    found = {(v.kind, v.label): v for v in discovery.prior_verdicts}
    assert found["required", "d prey/dt: prey^2"].verdict == "refused"
    assert found["excluded", "d predator/dt: predator"].verdict == "refused"
    assert found["required", "d prey/dt: predator*prey"].verdict == "confirmed"
    bounds = found["sign", "d prey/dt: prey"]
    assert bounds.verdict == "refused" and bounds.wanted == pytest.approx(1.0, abs=0.1)
    assert "which its sign or bounds forbid" in bounds.text
    # A certainty is written as null: JSON knows no infinity.
    rows = discovery_mapping(discovery)["prior"]
    assert any(row["prior_log_odds"] is None for row in rows)


def test_a_complete_table_is_told_what_it_lacks(data):
    knowledge = Knowledge(edges=(Edge("predator", "prey", -1, 0.9),), complete=True)
    discovery = discover(*data, knowledge, settings=FAST, seed=3)
    assert set(discovery.best.columns) == set(true_columns(data[1]))
    verdict = by_label(discovery)["prey -> predator"]
    assert verdict.kind == "missing edge" and verdict.verdict == "overruled" and verdict.conflict


def test_a_moved_slider_keeps_what_was_said_about_other_claims(told):
    moved = told.knowledge.with_belief(Belief("prey", "1", log_odds=1.0))
    again = reconsider(told, knowledge=moved)
    assert set(by_label(told)) - set(by_label(again)) == {"d prey/dt: 1"}


def test_without_knowledge_nothing_is_judged(found):
    assert found.prior_verdicts == ()
