"""Coefficients that vary: rows, exports, figures and their section of the report."""

import csv
import json

import numpy as np
import pytest

from tests.discovery.test_variation import prey_and_predators
from twinlab.discovery import Settings, discover, discovery_mapping, dumps, local_coefficients
from twinlab.errors import UserError
from twinlab.library import Library
from twinlab.report import export, report_html
from twinlab.report.variation import strip_figure, variation_rows
from twinlab.twin import Twin


def fitted(factors, conditions, **settings):
    study = prey_and_predators(4, factors, conditions, n=20)
    library = Library.user_terms(study, ["prey", "predator", "prey*predator"])
    quick = Settings(draws=40, starts=2, mcmc_steps=2000, noise="constant", **settings)
    return discover(study, library, settings=quick)


@pytest.fixture(scope="module")
def by_subject():
    """Growth of the prey differs between six subjects, more so between two conditions."""
    rng = np.random.default_rng(2)
    factors = np.ones((6, 4))
    factors[:, 0] = np.exp(0.25 * rng.standard_normal(6)) * np.repeat([1.0, 1.6], 3)
    return fitted(factors, ["fed"] * 3 + ["starved"] * 3, vary="subject")


@pytest.fixture(scope="module")
def by_condition():
    """One rate is another one in the last of three conditions."""
    factors = np.ones((3, 4))
    factors[2, 2] = 1.7
    return fitted(factors, ["a", "b", "c"])


def test_rows_tell_population_spread_and_what_explains_it(by_subject):
    [item] = [c for c in local_coefficients(by_subject) if c.label == "d prey/dt: prey"]
    assert item.by == "subject" and item.names == by_subject.study.labels
    place = by_subject.best.columns.tolist().index(item.column)
    assert item.value == by_subject.best.coefficients[place]
    own = item.value * by_subject.best.local.factor[:, place]
    np.testing.assert_allclose(item.own, own)
    assert (item.own90[:, 0] < item.own).all() and (item.own < item.own90[:, 1]).all()
    row = variation_rows((item,))[0]
    assert row.by == "subject" and row.spread.endswith("%)") and row.probability.endswith("%")


def test_a_condition_has_one_entry(by_condition):
    [item] = local_coefficients(by_condition)
    assert (item.by, item.names) == ("condition", ("a", "b", "c"))
    assert item.own[0] == item.own[1] and item.own[2] / item.own[0] == pytest.approx(1.7, rel=0.15)
    assert item.term is None and item.explained[0].startswith("c: ")
    assert variation_rows((item,))[0].spread == "–"
    mapping = json.loads(dumps(discovery_mapping(by_condition)))["variation"]
    assert set(mapping["trajectories"][item.label]) == {"a", "b", "c"}


def test_csv_of_own_coefficients(by_subject, by_condition, tmp_path):
    path = export(Twin(by_subject), "coefficients", tmp_path / "own.csv")
    lines = list(csv.DictReader(path.read_text().splitlines()))
    found = local_coefficients(by_subject)
    assert len(lines) == sum(c.own.size for c in found)
    assert [line["name"] for line in lines[:6]] == list(by_subject.study.labels)
    assert float(lines[0]["q05"]) < float(lines[0]["coefficient"]) < float(lines[0]["q95"])
    assert {line["condition"] for line in lines} == {"fed", "starved"}
    plain = fitted(np.ones((2, 4)), ["", ""], vary="nothing")
    assert local_coefficients(plain) == ()
    with pytest.raises(UserError, match="No coefficient of this model varies"):
        export(Twin(plain), "coefficients", tmp_path / "none.csv")


def test_strips_are_sorted_and_coloured_by_condition(by_subject):
    item = local_coefficients(by_subject)[0]
    plot = strip_figure(item)
    sources = [r.data_source.data for r in plot.renderers if hasattr(r.glyph, "marker")]
    assert [set(s["condition"]) for s in sources] == [{"fed"}, {"starved"}]
    place = np.concatenate([s["place"] for s in sources])
    own = np.concatenate([s["own"] for s in sources])
    assert (np.diff(own[np.argsort(place)]) >= 0).all()
    assert len({r.glyph.line_color for r in plot.renderers if hasattr(r.glyph, "marker")}) == 2


def test_the_report_has_a_section_of_what_varies(by_subject):
    page = report_html(by_subject)
    section = page.split('<section id="varies">')[1].split("</section>")[0]
    assert "d prey/dt: prey" in section and 'class="plot"' in section
    assert "Subject 3" in page and 'href="#varies"' in page
