"""A server of this process, shared by the browser tests."""

from __future__ import annotations

import gc
import socket
import time
import urllib.request
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

LONG = 90_000


@dataclass
class Served:
    """The running server and the sessions it has made."""

    url: str
    sessions: list[weakref.ref[Any]] = field(default_factory=list)

    def newest(self) -> Any:
        """The session opened last."""
        return self.sessions[-1]()

    def live(self) -> int:
        """How many sessions are still held by anything."""
        gc.collect()
        return sum(ref() is not None for ref in self.sessions)


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """Both pages, served by a thread of this process."""
    from twinlab.ui import serve
    from twinlab.ui.pages import Clinic, Workbench
    from twinlab.ui.warm import KERNELS

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    out = Served(f"http://127.0.0.1:{port}")
    patch = pytest.MonkeyPatch()
    for kind in (Workbench, Clinic):

        def remember(self: Any, make: Callable[[Any], None] = kind.__init__) -> None:
            make(self)
            out.sessions.append(weakref.ref(self))

        patch.setattr(kind, "__init__", remember)
    thread = serve(port, open_browser=False, threaded=True, verbose=False, keep_seconds=3.0)
    for _ in range(200):
        try:
            urllib.request.urlopen(out.url, timeout=1)
            break
        except OSError:
            time.sleep(0.05)
    assert KERNELS.wait(300), "the kernels were not prepared"
    yield out
    thread.stop()
    patch.undo()


@dataclass
class Tab:
    """A page with what it complained about and whom it asked."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


@pytest.fixture
def tab(chromium: Browser, served: Served) -> Iterator[Tab]:
    """A fresh page that remembers its console and its requests."""
    context = chromium.new_context(viewport={"width": 1440, "height": 1000})
    out = Tab(context.new_page())
    out.page.set_default_timeout(LONG)

    def on_console(message: Any) -> None:
        if message.type in ("error", "warning"):
            out.complaints.append(message.text)

    def on_request(request: Any) -> None:
        if not request.url.startswith((served.url, "data:", "blob:")):
            out.outside.append(request.url)

    out.page.on("console", on_console)
    out.page.on("pageerror", lambda error: out.complaints.append(str(error)))
    out.page.on("request", on_request)
    yield out
    context.close()


@pytest.fixture
def workbench(tab: Tab, served: Served) -> Any:
    """An open workbench: (page, its session on the server)."""
    tab.page.goto(f"{served.url}/workbench")
    tab.page.locator("canvas").first.wait_for()
    tab.page.get_by_text("Press Fit.", exact=True).wait_for()
    return tab.page, served.newest()


@pytest.fixture(scope="session")
def good_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wide CSV file of a decay into a second pool."""
    rng = np.random.default_rng(5)
    time_ = np.linspace(0.0, 6.0, 40)
    first = 5.0 * np.exp(-0.7 * time_)
    second = 5.0 * 0.7 / (0.7 - 0.3) * (np.exp(-0.3 * time_) - np.exp(-0.7 * time_))
    values = np.column_stack([first, second]) + 0.05 * rng.standard_normal((40, 2))
    rows = [f"{t:.3f},{a:.4f},{b:.4f}" for t, (a, b) in zip(time_, values, strict=True)]
    path = tmp_path_factory.mktemp("data") / "two_pools.csv"
    path.write_text("time,gut,blood\n" + "\n".join(rows) + "\n")
    return path
