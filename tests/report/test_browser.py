"""The report in Chromium, offline: it draws, it is quiet, and its controls work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from twinlab.report import write_report

from ..handmade import small_discovery

pytestmark = pytest.mark.browser


class Visit:
    """One page open offline, with everything it said and asked for."""

    def __init__(self, browser: Any, path: Path) -> None:
        self.trouble: list[str] = []
        self.requests: list[str] = []
        context = browser.new_context(offline=True, accept_downloads=True)
        self.page = context.new_page()
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_function("Bokeh.documents.length > 0 && Bokeh.documents[0].is_idle")

    def _listen(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.trouble.append(message.text)

    def outside(self) -> list[str]:
        """Requests that left the file."""
        return [url for url in self.requests if not url.startswith(("file:", "blob:", "data:"))]


def test_it_draws_offline_and_quietly(chromium: Any, tmp_path: Path) -> None:
    visit = Visit(chromium, write_report(small_discovery(), tmp_path / "report.html"))
    # Bokeh's inner frames hold the data: a collapsed one draws nothing.
    sizes = visit.page.evaluate(
        "Bokeh.index.roots.filter((view) => view.model.type == 'Figure')"
        ".map((view) => [view.frame_view.bbox.width, view.frame_view.bbox.height])"
    )
    assert len(sizes) == 2 * 2 + 2 + 2 + 1  # trajectories, predictive checks, residuals, path
    assert min(width for width, _ in sizes) > 200
    assert min(height for _, height in sizes) > 80
    assert visit.page.locator("math").first.bounding_box()["width"] > 50
    assert not visit.trouble
    assert not visit.outside()


def test_another_subject_can_be_chosen(chromium: Any, tmp_path: Path) -> None:
    made = small_discovery(subjects=tuple(f"patient {i}" for i in range(20)))
    visit = Visit(chromium, write_report(made, tmp_path / "report.html"))
    read = "Bokeh.documents[0].get_model_by_name('points').data.value_0[0]"
    first = visit.page.evaluate(read)
    visit.page.click("#next")
    second = visit.page.evaluate(read)
    assert first == pytest.approx(made.problem.value[0, 0], rel=1e-4)
    assert second == pytest.approx(made.problem.value[25, 0], rel=1e-4)
    visit.page.select_option("#subject", label="Subject 1")
    assert visit.page.evaluate(read) == pytest.approx(first, rel=1e-4)
    visit.page.click("#previous")
    assert visit.page.locator("#subject").input_value() == "19"
    assert not visit.trouble


def test_the_embedded_result_can_be_saved(chromium: Any, tmp_path: Path) -> None:
    visit = Visit(chromium, write_report(small_discovery(), tmp_path / "report.html"))
    with visit.page.expect_download() as download:
        visit.page.click("#save-json")
    saved = Path(download.value.path()).read_text("utf-8")
    assert saved == visit.page.locator("#discovery").text_content()
    assert not visit.trouble
