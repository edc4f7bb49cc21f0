"""The shell: the mends of the page, the server's refusals, the samples, numbers in words."""

from __future__ import annotations

import socket
from typing import Any

import panel as pn
import panel_material_ui as pmui
import pytest
from panel.reactive import Syncable

from twinlab.errors import UserError
from twinlab.ui import serve, words
from twinlab.ui.page import DEBOUNCE, prepare_panel, quicken_events, release_busy
from twinlab.ui.samples import FIRST, samples
from twinlab.ui.tokens import DARK, LIGHT


def busy_watchers() -> int:
    return len(pn.state._param__private.watchers.get("busy", {}).get("value", []))


def test_a_page_is_unbound_from_the_process_wide_busy_state() -> None:
    before = busy_watchers()
    page = pmui.Page(title="a page")
    assert busy_watchers() == before + 1, "the page binds itself: if not, the mend can go"
    assert release_busy(page) == 1
    assert busy_watchers() == before
    assert release_busy(page) == 0


def test_events_are_quickened_for_known_versions_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Syncable, "_debounce", 50)
    assert not quicken_events("2.0.0")
    assert Syncable._debounce == 50
    assert quicken_events(pn.__version__)
    assert Syncable._debounce == DEBOUNCE


def test_a_taken_port_is_told_in_words() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=f"Port {port} .* is taken"):
            serve(port=port, open_browser=False)


def test_a_foreign_address_is_told_in_words() -> None:
    with pytest.raises(UserError, match="cannot be used"):
        serve(port=0, address="203.0.113.7", open_browser=False)


def test_the_first_sample_comes_first() -> None:
    files = list(samples().values())
    assert files and files[0].stem == FIRST
    assert not any("doses" in file.stem for file in files)


def test_no_page_asks_for_anything_outside() -> None:
    prepare_panel()
    from pathlib import Path

    import twinlab.ui

    folder = Path(twinlab.ui.__file__).parent
    for path in [*folder.rglob("*.js"), *folder.rglob("*.html")]:
        text = path.read_text("utf-8")
        assert "http://" not in text and "https://" not in text, path.name
        assert "import " not in text, f"{path.name} loads something"


def contrast(one: str, two: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    a, b = sorted((luminance(one), luminance(two)))
    return (b + 0.05) / (a + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["text", "muted", "accent", "good", "warning", "error"])
@pytest.mark.parametrize("ground", ["surface", "page"])
def test_text_can_be_read(colours: Any, name: str, ground: str) -> None:
    """WCAG 2.2, contrast of text: at least 4.5."""
    assert contrast(getattr(colours, name), getattr(colours, ground)) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_the_button_can_be_read(colours: Any) -> None:
    assert contrast(colours.accent, colours.on_accent) >= 4.5


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.0, "0"), (-0.02481, "−0.0248"), (123456.0, "1.23×10⁵"), (12.0, "12.0"),
        (float("nan"), "–"), (1e-7, "1.00×10⁻⁷"), (999.9, "1000"),
    ],
)  # fmt: skip
def test_numbers_in_words(value: float, told: str) -> None:
    assert words.number(value) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.0, "0 %"), (0.004, "< 1 %"), (0.5, "50 %"), (0.9999, "> 99 %"), (1.0, "100 %")],
)
def test_probabilities_in_words(value: float, told: str) -> None:
    assert words.percent(value) == told


def test_terms_in_words() -> None:
    assert words.pretty_term("hare^2*lynx") == "hare²·lynx"
    assert words.shorten("abcdefgh", 5) == "abcd…"
    assert words.escape("<b>'x'") == "&lt;b&gt;&#x27;x&#x27;"
