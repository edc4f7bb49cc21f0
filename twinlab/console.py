"""Progress on a terminal: one line that moves, or a line per stage where there is no terminal."""

from __future__ import annotations

import shutil
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
        if not self.live:
            if progress.stage != self._stage:
                self._stage = progress.stage
                print(f"{progress.fraction:4.0%} {progress.text}", file=self.stream, flush=True)
            return
        now = time.monotonic()
        if now - self._drawn < _REFRESH and progress.fraction < 1:
            return
        self._drawn = now
        done = round(BAR_WIDTH * min(max(progress.fraction, 0.0), 1.0))
        bar = "█" * done + "░" * (BAR_WIDTH - done)
        line = f"{bar} {progress.fraction:4.0%} {progress.text}"
        width = shutil.get_terminal_size().columns - 1
        self.stream.write(f"\r\x1b[K{line[:width]}")
        self.stream.flush()
