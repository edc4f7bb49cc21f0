"""A line that tells how far the numerical kernels are, and goes when they are ready."""

from __future__ import annotations

from typing import Any

import panel as pn

from ..warm import KERNELS
from ..words import escape
from .parts import html

_EVERY = 400


class WarmNotice(pn.viewable.Viewer):
    """Polls the process-wide kernels while they are being prepared."""

    def __init__(self) -> None:
        super().__init__()
        self.pane = html()
        self._poll: Any = None
        self._show()
        in_session = pn.state.curdoc is not None and pn.state.curdoc.session_context is not None
        if in_session and not KERNELS.ready:
            self._poll = pn.state.add_periodic_callback(self._show, period=_EVERY)

    def __panel__(self) -> pn.pane.HTML:
        return self.pane

    def _show(self) -> None:
        words = KERNELS.words
        content = f"<p class='caption' role='status'>{escape(words)}</p>" if words else ""
        self.pane.param.update(object=content, visible=bool(words))
        if not words and self._poll is not None:
            self._poll.stop()
            self._poll = None
