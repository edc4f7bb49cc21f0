"""Answers with equations of hidden states: units, what they are held against, who is told."""

from dataclasses import replace

import numpy as np
import pytest

from twinlab.benchmark.adapters import find_method
from twinlab.benchmark.cells import Cell, make_case
from twinlab.benchmark.hidden import in_true_units, names_hidden
from twinlab.benchmark.metrics import judge
from twinlab.benchmark.scoring import Answer

UNIT = -4.0  # of the hidden state, in the true one's


@pytest.fixture(scope="module")
def case():
    return make_case(Cell("seir", conditions=3, points=12, hidden=1))


@pytest.fixture(scope="module")
def told(case):
    """The truth with the exposed counted in another unit, upside down."""
    equations = {s: dict(row) for s, row in case.full_truth.items()}
    equations["exposed"] = {
        t: v / (1.0 if t == "exposed" else UNIT) for t, v in equations["exposed"].items()
    }
    equations["infectious"]["exposed"] *= UNIT
    rows = [(s, t, v) for s, row in equations.items() for t, v in row.items()]
    intervals = {(s, t): (v - 0.1 * abs(v), v + 0.1 * abs(v)) for s, t, v in rows}
    hidden = {"exposed": tuple(x[:, 0] / UNIT for x in case.hidden_states)}
    return Answer(equations, intervals, hidden=hidden, seconds=1.0)


def test_hidden_states_are_brought_to_the_true_units(case, told):
    back = in_true_units(told, case)
    for state, row in case.full_truth.items():
        for term, value in row.items():
            assert back.equations[state][term] == pytest.approx(value)
            low, high = back.intervals[state, term]
            assert low < value < high


def test_an_answer_with_hidden_equations_is_held_against_all_of_them(case, told):
    assert names_hidden(told, case)
    got = judge(told, case)
    n_true = sum(map(len, case.full_truth.values()))
    assert got["exact"] and got["n_true"] == n_true and got["covered90"] == n_true
    assert got["coefficient_error"] == pytest.approx(0.0, abs=1e-9)
    assert got["hidden_correlation"] == pytest.approx(1.0)
    wrong = replace(
        told, equations=told.equations | {"exposed": {**told.equations["exposed"], "1": 0.1}}
    )
    assert not judge(wrong, case)["exact"]


def test_an_answer_about_what_was_measured_is_judged_as_before(case):
    seen = Answer({s: dict(row) for s, row in case.truth.items()}, seconds=1.0)
    assert not names_hidden(seen, case)
    got = judge(seen, case)
    assert got["exact"] and got["n_true"] == sum(map(len, case.truth.values()))


def test_only_a_method_with_latent_states_is_told_their_names(case, monkeypatch):
    given = {}

    def listen(study, library, knowledge, seed, budget):
        given["library"] = library
        return Answer({}, seconds=0.0)

    for name, latent in (("twinlab", True), ("lasso", False)):
        one = find_method(name)
        monkeypatch.setattr(type(one), "load", lambda self: listen)
        one(case, 10.0)
        assert one.latent is latent
        assert given["library"].latent == (case.hidden if latent else ())
        assert np.isin("exposed", given["library"].states) == latent
