"""What a user does, in a real browser."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.handmade import small_discovery
from twinlab.study import Dose

from .conftest import Served, Tab

pytestmark = pytest.mark.browser

#: The drop area for data; another takes knowledge.
DATA_FILE = "input[type=file][accept^='.csv']"


def wait_for(done: Callable[[], bool], seconds: float, what: str, page: Page) -> float:
    """Wait until `done`, serving the browser meanwhile; seconds it took."""
    start = time.monotonic()
    while not done():
        assert time.monotonic() - start < seconds, f"not within {seconds} s: {what}"
        page.wait_for_timeout(5)
    return time.monotonic() - start


def press_fit(page: Page, session: Any, seconds: float = 90) -> None:
    """Press Fit and wait for the result."""
    page.get_by_role("button", name="Fit", exact=True).click()
    wait_for(lambda: session.state.status == "running", 10, "the fit starts", page)
    wait_for(lambda: session.state.status != "running", seconds, "the fit ends", page)
    assert session.state.status == "done", session.state.fit_message.text


def drawn(page: Page, source: str, column: str) -> int:
    """How many values the newest source of this name holds in the browser."""
    script = """([name, column]) => {
      let newest = 0, count = -1
      for (const doc of Bokeh.documents)
        for (const model of doc.all_models) {
          const number = Number(model.id.slice(1))
          if (model.type === "ColumnDataSource" && model.name === name && number > newest) {
            newest = number
            count = model.data[column] ? model.data[column].length : 0
          }
        }
      return count
    }"""
    return int(page.evaluate(script, [source, column]))


@pytest.mark.parametrize("route", ["workbench", "clinic"])
def test_a_page_opens_clean_and_asks_nobody_outside(tab: Tab, served: Served, route: str) -> None:
    start = time.monotonic()
    tab.page.goto(f"{served.url}/{route}")
    tab.page.locator("canvas").first.wait_for()
    button = "Fit" if route == "workbench" else "Make the twin"
    tab.page.get_by_role("button", name=button, exact=True).wait_for()
    print(f"{route}: first plot after {time.monotonic() - start:.1f} s")
    tab.page.wait_for_load_state("networkidle")
    assert drawn(tab.page, "observed", "time") > 10, "the first sample is drawn at once"
    assert tab.outside == []
    assert tab.complaints == []


def test_a_late_browser_asks_nobody_outside_either(tab: Tab, served: Served) -> None:
    """Its session has expired before it connects; the new one must be as local as the first."""

    def delay(route: Any) -> None:
        time.sleep(7.0)
        route.continue_()

    tab.page.route("**/bokeh.min.js*", delay)
    before = len(served.sessions)
    tab.page.goto(f"{served.url}/clinic")
    tab.page.locator("canvas").first.wait_for()
    tab.page.wait_for_load_state("networkidle")
    assert len(served.sessions) == before + 2, "the websocket made a session of its own"
    assert tab.outside == []


def test_every_route_answers(served: Served) -> None:
    for route in ("", "/workbench", "/clinic"):
        with urllib.request.urlopen(served.url + route) as answer:
            text = answer.read().decode()
        assert answer.status == 200 and "TwinLab" in text
    with urllib.request.urlopen(served.url) as answer:
        index = answer.read().decode()
    assert "http" not in index and 'href="workbench"' in index and 'href="clinic"' in index


def test_upload_fit_slider_and_report(
    workbench: Any, tab: Tab, good_file: Path, tmp_path: Path, chromium: Browser
) -> None:
    page, session = workbench
    page.locator(DATA_FILE).set_input_files(str(good_file))
    wait_for(lambda: session.state.states == ["gut", "blood"], 10, "the file is read", page)
    assert drawn(page, "fit", "time") == 0
    press_fit(page, session)
    page.get_by_text("Fitted:").wait_for()
    count = len(session.state.discovery.bands[0].time)
    wait_for(lambda: drawn(page, "fit", "mean_0") == count, 5, "the trajectory is drawn", page)
    assert session.state.discovery.r_squared.min() > 0.9

    before = np.array(session.trajectories.plot.fit.data["q95_0"])
    slider = page.get_by_role("slider").first
    slider.focus()
    spent = []
    for _ in range(5):
        moves, cpu = session.state.moves, time.process_time()
        slider.press("ArrowLeft")
        end = time.monotonic() + 5
        # Asleep, not through the driver: only the server is to spend CPU time here.
        while session.state.moves == moves and time.monotonic() < end:
            time.sleep(0.005)
        time.sleep(0.1)
        spent.append(time.process_time() - cpu)
        assert session.state.moves > moves, "the slider answers"
    print("server CPU of a move, ms:", [round(1000 * s) for s in spent])
    assert session.state.prior_log_odds < 0
    assert np.median(spent) < 0.150
    assert np.any(session.trajectories.plot.fit.data["q95_0"] != before), "the bands moved"

    with page.expect_download() as download:
        page.get_by_role("button", name="Export report").click()
    report = tmp_path / download.value.suggested_filename
    download.value.save_as(report)
    assert tab.complaints == [] and tab.outside == []
    opens_offline(chromium, report)


def opens_offline(chromium: Browser, report: Path) -> None:
    """The report shows its plots with no network, and asks for nothing."""
    context = chromium.new_context(offline=True)
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(report.as_uri())
    page.locator(".bk-Figure").first.wait_for(timeout=20_000)
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert complaints == []
    context.close()


def test_stop_stops_within_a_second(workbench: Any) -> None:
    page, session = workbench
    state = session.state
    sample = session.data.sample
    page.get_by_role("combobox", name="Sample data").click()
    page.get_by_role("menuitem", name="Enzyme hill").click()
    wait_for(lambda: sample.value == "Enzyme hill", 10, "the sample is chosen", page)
    wait_for(lambda: state.status == "ready" and len(state.states) > 2, 10, "it is read", page)
    page.get_by_role("button", name="Fit", exact=True).click()
    wait_for(lambda: state.progress is not None, 60, "the fit is under way", page)
    job = state._runner.job
    page.get_by_role("button", name="Stop", exact=True).click()
    wait_for(lambda: state.status == "cancelled", 1.0, "the page says so", page)
    taken = wait_for(job.future.done, 1.0, "the worker has stopped", page)
    print(f"worker stopped {taken:.2f} s after the page")
    page.get_by_text("Stopped.").wait_for(timeout=1000)
    assert state.can_fit


def test_a_bad_file_tells_why_and_leaves_the_data(workbench: Any, tmp_path: Path) -> None:
    page, session = workbench
    bad = tmp_path / "bad.csv"
    bad.write_text("time,hare\n0,1\n1,many\n2,3\n")
    before, points = session.state.study, drawn(page, "observed", "time")
    page.locator(DATA_FILE).set_input_files(str(bad))
    page.get_by_role("alert").wait_for()
    words = page.get_by_role("alert").inner_text()
    assert "bad.csv" in words and "line 3" in words and "many" in words
    assert session.state.study is before and drawn(page, "observed", "time") == points


def test_a_bad_term_shows_its_caret(workbench: Any) -> None:
    page, session = workbench
    box = page.get_by_label("Own term, then Enter")
    box.fill("hare*wolf")
    box.press("Enter")
    page.get_by_role("alert").wait_for()
    assert "^" in page.get_by_role("alert").inner_text()
    box.fill("hare^2*lynx")
    box.press("Enter")
    wait_for(lambda: "hare^2*lynx" in session.state.choice.own, 5, "the term is added", page)
    page.get_by_role("alert").wait_for(state="detached")


def test_the_theme_reaches_the_plots(workbench: Any) -> None:
    page, session = workbench
    light = session.trajectories.plot._glyphs[0]["mean"].glyph.line_color
    page.get_by_role("button", name="Toggle theme").click()
    glyph = session.trajectories.plot._glyphs[0]["mean"].glyph
    wait_for(lambda: glyph.line_color != light, 5, "the series are recoloured", page)
    label = page.get_by_text("The edges are complete")
    wait_for(lambda: shade(label) > 150, 5, "the label of a switch is light on dark", page)


def shade(text: Any) -> float:
    """Mean of the red, green and blue, 0 to 255, in which a text is drawn."""
    colour = text.evaluate("node => getComputedStyle(node).color")
    return float(np.mean([float(part) for part in re.findall(r"[\d.]+", colour)[:3]]))


def test_the_clinic_makes_a_twin(tab: Tab, served: Served) -> None:
    page = tab.page
    page.goto(f"{served.url}/clinic")
    page.get_by_role("button", name="Make the twin").click()
    page.get_by_text("What the twin says").wait_for()
    session = served.newest()
    assert drawn(page, "fit", "mean_0") == len(session.state.discovery.bands[0].time)
    page.get_by_text("Not for decisions about the treatment").wait_for()
    assert tab.complaints == [] and tab.outside == []


def test_closed_sessions_are_let_go(chromium: Browser, served: Served) -> None:
    for _ in range(3):
        context = chromium.new_context()
        page = context.new_page()
        page.goto(f"{served.url}/workbench")
        page.locator("canvas").first.wait_for(timeout=60_000)
        context.close()
    opened = len(served.sessions)
    assert opened >= 3
    end = time.monotonic() + 12
    while served.live() > 1 and time.monotonic() < end:
        time.sleep(0.5)
    assert served.live() <= 1, f"{served.live()} of {opened} sessions are still alive"


def test_the_clinic_answers_for_other_doses(tab: Tab, served: Served) -> None:
    page = tab.page
    page.goto(f"{served.url}/clinic")
    page.locator("canvas").first.wait_for()
    page.get_by_text("Press “Make the twin”.").wait_for()
    session = served.newest()
    given = tuple(Dose(t, 2.0, "prey", unit="heads") for t in (1.0, 3.0))
    found = small_discovery(doses={"anna": given, "bert": given})

    def show() -> None:
        session.state.study = found.study
        session.state.adopt(found)

    session.state.later(show)
    page.get_by_text("What if the doses were different?").wait_for()
    page.locator("input[type=range]").first.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    page.get_by_text("Twice the doses: predicted peak of prey").wait_for()
    page.get_by_text("Beyond the data.").wait_for()
    wait_for(lambda: drawn(page, "asked", "low_0") > 100, 10, "the band is drawn", page)
    page.get_by_role("button", name="Back to the doses given").click()
    wait_for(lambda: drawn(page, "asked", "time") == 0, 10, "it goes", page)
    assert tab.complaints == []
