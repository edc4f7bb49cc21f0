"""Progress on a terminal: one line that moves, or a line per stage where there is no terminal."""

from __future__ import annotations

import shutil
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from twinlab.discovery import Progress

BAR_WIDTH = 24
_REFRESH = 0.05  # seconds; a terminal over a network need not see every event


class ProgressLine:
    """Show progress events; call it with each one, and use it as a context manager.

    Parameters
    ----------
    stream : text stream
        Usually standard error, so that results can be piped.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.live = stream.isatty()
        self._stage = ""
        self._drawn = 0.0
        self._done = 0.0
        self._lock = threading.Lock()  # events come from worker threads, not always in order

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.live:
            self.stream.write("\r\x1b[K")
            self.stream.flush()

    def __call__(self, progress: Progress) -> None:
        with self._lock:
            self._show(progress)

    def _show(self, progress: Progress) -> None:
        self._done = min(max(self._done, progress.fraction), 1.0)
        if not self.live:
            if progress.stage != self._stage:
                self._stage = progress.stage
                print(f"{self._done:4.0%} {progress.text}", file=self.stream, flush=True)
            return
        now = time.monotonic()
        if now - self._drawn < _REFRESH and progress.fraction < 1:
            return
        self._drawn = now
        done = round(BAR_WIDTH * self._done)
        bar = "█" * done + "░" * (BAR_WIDTH - done)
        line = f"{bar} {self._done:4.0%} {progress.text}"
        width = shutil.get_terminal_size().columns - 1
        self.stream.write(f"\r\x1b[K{line[:width]}")
        self.stream.flush()
