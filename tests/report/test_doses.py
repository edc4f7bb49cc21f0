"""Doses as the report, the summary and ``discovery.json`` tell them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.handmade import small_discovery
from twinlab.discovery import Discovery, discovery_mapping
from twinlab.discovery.dose_words import courses, dosing_sentences
from twinlab.report import report_html, summary_text
from twinlab.report.doses import dose_marks, dose_table
from twinlab.report.figures import trajectory_figures
from twinlab.study import Dose, Dosing

GIVEN = {
    "anna": (*(Dose(t, 2.0, "prey") for t in (0, 2, 4)), Dose(5, 1.0, "prey")),
    "bert": (Dose(1, 3.0, "prey", 1.5, "heads"),),
}  # fmt: skip


@pytest.fixture(scope="module")
def dosed() -> Discovery:
    return small_discovery(doses=GIVEN)


def test_doses_are_written_as_they_were_given_and_as_they_arrive(dosed: Discovery) -> None:
    study = dosed.study.with_dosing(Dosing("prey", lag=0.5, bioavailability=0.8))
    told = discovery_mapping(replace(dosed, study=study))["doses"]
    assert told["target_assumed"] is None and told["left_out"] == 0
    assert [row["time"] for row in told["subjects"]["anna"]] == [0, 2, 4, 5]
    infusion = told["subjects"]["bert"][0]
    assert infusion == {
        "time": 1, "amount": 3.0, "unit": "heads", "duration": 1.5, "target": "prey", "lag": 0.5,
        "bioavailability": 0.8, "divided_by": None, "arriving_amount": pytest.approx(2.4),
    }  # fmt: skip
    assert any("0.5 week later and arrive to 80 %" in text for text in dosing_sentences(
        replace(dosed, study=study)))  # fmt: skip
    assert discovery_mapping(small_discovery())["doses"] == {}


def test_doses_at_one_interval_are_one_row(dosed: Discovery) -> None:
    rows = dose_table(dosed)
    assert [(r.subject, r.time, r.repeats, r.amount) for r in rows] == [
        ("anna", "0", "3 times, every 2", "2"),
        ("anna", "5", "once", "1"),
        ("bert", "1", "once", "3 heads"),
    ]
    assert rows[2].duration == "over 1.5" and rows[2].target == "prey"


def test_unequal_gaps_are_not_put_together() -> None:
    given = tuple(Dose(t, 1.0, "prey") for t in (0.0, 1.0, 2.5, 4.0))
    found = small_discovery(doses={"anna": given})
    from twinlab.discovery.dose_words import arrivals_of

    assert [(c.first.given.time, c.count) for c in courses(arrivals_of(found).rows[0])] == [
        (0.0, 2), (2.5, 2),
    ]  # fmt: skip


def test_the_report_tells_doses_under_pseudonyms(dosed: Discovery) -> None:
    page = report_html(dosed)
    table = page[page.index('id="doses"') : page.index('id="allowed"')]
    assert "3 times, every 2" in table and "Subject 1" in table
    embedded = page[page.index('id="discovery">') :]
    embedded = embedded[: embedded.index("</script>")]
    assert "Subject 2" in embedded and "bert" not in embedded and "bert" not in table
    assert ">bert<" in report_html(dosed, show_ids=True)
    assert 'id="doses"' not in report_html(small_discovery())


def test_marks_stand_where_doses_arrive(dosed: Discovery) -> None:
    marks = dose_marks(dosed, 1)
    np.testing.assert_allclose([marks["time"], marks["end"]], [[1.0], [2.5]])
    plot = trajectory_figures(dosed, 0)[0]
    assert [r.glyph.__class__.__name__ for r in plot.renderers if "time" in r.data_source.data
            and "amount" in r.data_source.data] == ["VStrip", "VSpan"]  # fmt: skip
    assert len(trajectory_figures(small_discovery(), 0)[0].renderers) == len(plot.renderers) - 2


def test_an_assumed_target_is_said(dosed: Discovery) -> None:
    nowhere = small_discovery(doses={"anna": (Dose(1, 2.0),)})
    assert dosing_sentences(nowhere) == []
    assert discovery_mapping(nowhere)["doses"]["left_out"] == 1
    found = replace(nowhere, library=replace(nowhere.library, latent=("predator",)))
    told = dosing_sentences(found)
    assert len(told) == 1 and "into predator, the one state that was never measured" in told[0]
    assert f"Note: {told[0]}" in summary_text(found) and told[0] in report_html(found)
    assert discovery_mapping(found)["doses"]["target_assumed"] == "predator"
