"""The report: what it says, what it hides, and that it needs nothing from outside."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from twinlab.discovery import Discovery, discovery_mapping
from twinlab.discovery.result import FitWarning
from twinlab.errors import UserError
from twinlab.knowledge import Belief, Knowledge
from twinlab.report import report_html, write_report
from twinlab.report.figures import residual_figures, trajectory_data, trajectory_figures
from twinlab.report.summary import summary_text
from twinlab.study import Note
from twinlab.twin import Twin

from ..handmade import never_measured, small_discovery

SECTIONS = (
    "summary",
    "model",
    "alternatives",
    "inclusion",
    "lacking",
    "trajectories",
    "check",
    "residuals",
    "data",
    "allowed",
    "path",
    "method",
)


class Page(HTMLParser):
    """Attributes, ids, visible text and embedded scripts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.tags: list[str] = []
        self.text = ""
        self.style = ""
        self.scripts: dict[str, str] = {}
        self._inside: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.links += [v or "" for k, v in attrs if k in ("src", "href", "action", "srcset")]
        self.style += values.get("style") or ""
        self.ids.add(values.get("id") or "")
        if tag in ("script", "style"):
            self._inside.append((tag, values.get("id") or ""))

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1][0] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.text += " " + data
        elif self._inside[-1][0] == "style":
            self.style += data
        else:
            key = self._inside[-1][1]
            self.scripts[key] = self.scripts.get(key, "") + data

    @property
    def words(self) -> str:
        """Visible text with single spaces."""
        return re.sub(r"\s+", " ", self.text)


@pytest.fixture(scope="module")
def discovery() -> Discovery:
    return small_discovery()


@pytest.fixture(scope="module")
def page(discovery: Discovery) -> Page:
    return Page(report_html(discovery))


# ---------------------------------------------------------------------------- self-contained


def test_nothing_points_outside(page: Page) -> None:
    assert all(link.startswith("#") for link in page.links)
    assert "url(" not in page.style and "@import" not in page.style
    assert not {"link", "iframe", "img", "object", "embed", "base"} & set(page.tags)


def test_a_policy_forbids_fetching(discovery: Discovery) -> None:
    assert "default-src 'none'" in report_html(discovery)


def test_the_result_is_embedded_whole(page: Page, discovery: Discovery) -> None:
    embedded = json.loads(page.scripts["discovery"])
    expected = discovery_mapping(discovery)
    assert embedded["models"][0]["equations"] == expected["models"][0]["equations"]
    assert embedded["inclusion"] == expected["inclusion"]
    assert embedded.keys() == expected.keys()


def test_hostile_texts_stay_texts() -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>$$x$$"
    made = small_discovery(subjects=(evil, "bert"), name=evil)
    made = replace(
        made,
        warnings=(FitWarning("x", f"look: {evil}"),),
        knowledge=Knowledge((Belief("prey", "prey", required=True, source=evil),)),
        study=replace(made.study, units={"prey": evil}, time_unit=evil),
    )
    html = report_html(made, show_ids=True)
    page, plain = Page(html), Page(report_html(small_discovery(), show_ids=True))
    assert "<img src=x" not in re.sub(r"<script.*?</script>", "", html, flags=re.S)
    assert "img" not in page.tags
    assert page.tags.count("script") == plain.tags.count("script")
    assert json.loads(page.scripts["discovery"])["study"]["name"] == evil


# ------------------------------------------------------------------------------- what it says


def test_every_section_is_there_and_linked(page: Page) -> None:
    assert set(SECTIONS) <= page.ids
    assert set(page.links) == {f"#{name}" for name in SECTIONS}


def test_it_says_what_was_found(page: Page) -> None:
    assert "The fit converged." in page.words
    assert "99 measured values of prey and predator in 2 subjects" in page.words
    assert "searched 12 candidate terms" in page.words
    assert "4 of 12" in page.words
    assert "0.967 to 1.033" in page.words  # the interval of prey's growth
    assert "whatever else of the models compared is in the equations" in page.words
    assert page.tags.count("math") == 2
    assert "adds d prey/dt: 1" in page.words
    assert "leaves out d prey/dt: prey" in page.words


def test_it_says_what_was_allowed(page: Page) -> None:
    assert "predators starve alone" in page.words
    assert "negative" in page.words
    assert "polynomial 12 candidate terms" in page.words


def test_it_says_how_to_repeat_it(page: Page) -> None:
    assert "Seed 0" in page.words
    assert f"numpy {np.__version__}" in page.words
    assert "Posterior draws behind the bands 120" in page.words


def test_a_misfit_withholds_inclusion(discovery: Discovery) -> None:
    page = Page(report_html(replace(discovery, chi2_per_point=2.4)))
    assert "Inclusion probabilities are withheld" in page.words
    assert "2.40, more than 1.5" in page.words
    assert "Beyond the dashed line" not in page.words
    assert "probability of" not in page.words


@pytest.mark.parametrize(
    ("status", "words"),
    [("failed", "The fit did not converge."), ("provisional", "The fit is provisional")],
)
def test_the_status_is_told_in_words(discovery: Discovery, status: str, words: str) -> None:
    assert words in Page(report_html(replace(discovery, status=status))).words


# ------------------------------------------------------------------------------ what it hides


def test_subjects_are_numbered() -> None:
    made = small_discovery(subjects=("quentin", "zebedee"))
    note = Note("note", "subject 'zebedee': a gap, as in quentin.")
    html = report_html(replace(made, study=replace(made.study, notes=(note,))))
    assert "quentin" not in html and "zebedee" not in html
    page = Page(html)
    assert "Subject 1 has few points" in page.words
    assert "Subject 2: a gap, as in Subject 1." in page.words
    assert set(json.loads(page.scripts["discovery"])["trajectories"]) == {"Subject 1", "Subject 2"}


def test_ids_are_shown_when_asked_for(discovery: Discovery) -> None:
    page = Page(report_html(discovery, show_ids=True))
    assert "anna" in page.words and "Subject 1" not in page.words


def test_numeric_ids_do_not_eat_other_numbers() -> None:
    made = small_discovery(subjects=("1", "25"))
    warning = FitWarning("x", "In 25 of 100 draws, subject 25 and '1' fail at time 1.")
    words = Page(report_html(replace(made, warnings=(warning,)))).words
    assert "In 25 of 100 draws, Subject 2 and Subject 1 fail at time 1." in words


# -------------------------------------------------------------------------------- many subjects


def test_many_subjects_share_one_set_of_plots() -> None:
    made = small_discovery(subjects=tuple(f"patient {i}" for i in range(30)))
    html = report_html(made)
    page = Page(html)
    chosen = json.loads(page.scripts["subject-data"])
    assert len(chosen) == 30
    assert len(chosen[0]["bands"]["time"]) == made.bands[0].time.size
    assert chosen[0]["points"]["value_1"][3] is None  # the missing value
    assert page.tags.count("option") == 30
    assert len(html) < 3_000_000


# --------------------------------------------------------------------------------------- files


def test_a_twin_or_a_discovery_is_written(discovery: Discovery, tmp_path: Path) -> None:
    one = write_report(discovery, tmp_path / "a.html")
    other = write_report(Twin(discovery), tmp_path / "b.html")
    assert Page(one.read_text("utf-8")).words == Page(other.read_text("utf-8")).words


def test_a_folder_that_cannot_be_made_is_explained(discovery: Discovery, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_report(discovery, tmp_path / "file" / "x.html")


def test_noise_comparison_and_censored_values_are_shown() -> None:
    made = small_discovery()
    plain = Page(report_html(made))
    assert "noise-models" not in plain.ids and "below this limit" not in plain.text
    censored = np.zeros(made.problem.value.shape, bool)
    censored[4, 1] = True
    shown = replace(
        made,
        problem=replace(made.problem, censored=censored),
        diagnostics={"noise_evidence": {"constant": 1.0, "student": -9.5}},
    )
    page = Page(report_html(shown))
    assert "noise-models" in page.ids and "Constant, Student t" in page.text
    assert "−10.5" in page.text and "below this limit" in page.text
    _, points = trajectory_data(shown, 0)
    limit = np.float32(made.problem.value[4, 1])
    assert np.isnan(points["value_1"][4]) and points["limit_1"][4] == limit
    assert np.isfinite(points["limit_1"]).sum() == 1 and "limit_0" not in points
    n_glyphs = [len(trajectory_figures(d, 0)[1].renderers) for d in (made, shown)]
    assert n_glyphs[1] == n_glyphs[0] + 1


def test_a_state_never_measured_is_marked_and_has_no_residuals(discovery: Discovery) -> None:
    hidden = never_measured(discovery)
    titles = [plot.title.text if plot.title else "" for plot in trajectory_figures(hidden, 0)]
    assert [bool(t) for t in titles] == [False, True] and "predator: never measured" in titles[1]
    assert len(residual_figures(discovery)) == 2
    (left,) = residual_figures(hidden)
    assert left.yaxis[0].axis_label.startswith("prey")
    page = Page(report_html(hidden))
    assert "R² of prey" in page.text and "R² of predator" not in page.text
    assert "predator was never measured and has none" in page.text
    # Models differ in what holds its scale: intervals are not over all of them.
    assert "Given this model, each coefficient lies in its interval" in page.words
    assert "R2 prey" in summary_text(hidden) and "R2 predator" not in summary_text(hidden)
