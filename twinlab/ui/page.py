"""The shell both apps share, and the mends it needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import panel as pn
import panel_material_ui as pmui
from packaging.version import Version
from panel.io.resources import LOCAL_DIST
from panel.reactive import Syncable

from .theme import page_css, theme_config
from .tokens import SIDEBAR_WIDTH

#: Milliseconds Panel waits for further changes of a widget; its own 50 are felt on a slider.
DEBOUNCE = 15
_TRIED_WITH = (Version("1.9"), Version("1.10"))


@cache
def prepare_panel() -> None:
    """Set up Panel once per process."""
    pn.extension(design=None, notifications=False)
    quicken_events()


def quicken_events(version: str | None = None) -> bool:
    """Shorten Panel's wait for further events; only for versions this was tried with."""
    tried = _TRIED_WITH[0] <= Version(version or pn.__version__) < _TRIED_WITH[1]
    if tried and hasattr(Syncable, "_debounce"):
        Syncable._debounce = DEBOUNCE
    return tried


def release_busy(page: Any) -> int:
    """Undo the page's binding to the process-wide busy state, which keeps every session alive.

    Returns
    -------
    int
        How many watchers were removed.
    """
    private = page._param__private
    bound = [pair for pair in private.ref_watchers if pair[1].inst is pn.state]
    for pair in bound:
        pn.state.param.unwatch(pair[1])
        private.ref_watchers.remove(pair)
        # Otherwise the next reference set on the page would bind this one again.
        for name in pair[0]:
            private.refs.pop(name, None)
    return len(bound)


class LocalPage(pmui.Page):
    """A page whose style sheets come from this server, also when a slow browser is late.

    Panel tells a document where its style sheets are while it renders the HTML.  A session made
    anew by the websocket, because the first one expired meanwhile, is never told, and would ask
    Panel's public server for them.
    """

    def server_doc(self, doc: Any = None, *args: Any, **options: Any) -> Any:
        """The document of a session, with every style sheet local."""
        document = doc if doc is not None else pn.state.curdoc
        if document is not None:
            base = f"{pn.state.rel_path}/" if pn.state.rel_path else ""
            document.template_variables["dist_url"] = f"{base}{LOCAL_DIST}"
        return super().server_doc(doc, *args, **options)


def make_page(
    title: str,
    *,
    main: list[Any],
    sidebar: list[Any] | None = None,
    header: list[Any] | None = None,
    on_dark: Callable[[bool], None] | None = None,
) -> Any:
    """A page with TwinLab's theme.

    Parameters
    ----------
    title : str
    main, sidebar, header : lists of viewables
    on_dark : callable, optional
        Told whether the dark theme is on, whenever that changes.
    """
    page = LocalPage(
        title=title,
        main=main,
        sidebar=sidebar or [],
        header=header or [],
        sidebar_width=SIDEBAR_WIDTH,
        sidebar_variant="auto",
        busy_indicator=None,
        theme_config=theme_config(),
        stylesheets=[page_css()],
        meta_description="TwinLab discovers mechanistic models from biomedical time series.",
        site_url="./",
    )
    release_busy(page)
    if on_dark is not None:
        page.param.watch(lambda event: on_dark(bool(event.new)), "dark_theme")
    return page


def session_schedule() -> Callable[[Callable[[], None]], None]:
    """A scheduler of the current session, safe to call from any thread.

    Outside a session (a test, a notebook) it runs things at once.  Work that arrives after the
    session has ended is dropped.
    """
    doc = pn.state.curdoc
    if doc is None or doc.session_context is None:
        return lambda work: work()

    def schedule(work: Callable[[], None]) -> None:
        context = doc.session_context
        if context is None or getattr(context, "destroyed", False):
            return

        def run() -> None:
            if not pn.state.loaded:
                # Before the browser is ready, Panel and Bokeh would send their halves apart.
                pn.state.onload(lambda: doc.add_next_tick_callback(run))
                return
            # One hold around all of it: everything an answer changes goes out, and is painted,
            # at once and in order.
            doc.hold("combine")
            try:
                work()
            finally:
                doc.unhold()

        doc.add_next_tick_callback(run)

    return schedule


def on_session_end(callback: Callable[[], None]) -> None:
    """Call a method of an imported object when the session ends."""
    if pn.state.curdoc is not None and pn.state.curdoc.session_context is not None:
        pn.state.on_session_destroyed(lambda context: callback())
