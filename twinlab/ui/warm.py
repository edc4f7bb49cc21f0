"""Preparing the numerical kernels once per process, in the background, with progress shown."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import param

from twinlab.discovery import CancelToken, Progress, warm_up
from twinlab.errors import Cancelled

_LOG = logging.getLogger(__name__)


class Kernels(param.Parameterized):
    """Whether the kernels are ready; read by polling, for it is shared by every session."""

    ready = param.Boolean(default=False)
    fraction = param.Number(default=0.0, bounds=(0, 1))
    text = param.String(default="")

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, unless it has begun; returns at once."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="twinlab-warm", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        def progress(event: Progress) -> None:
            self.fraction, self.text = min(1.0, max(0.0, event.fraction)), event.text

        try:
            warm_up(progress)
        except Exception:  # a fit compiles what it needs by itself; it only starts later
            _LOG.exception("the kernels could not be prepared beforehand")
        self.fraction, self.ready = 1.0, True

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until they are ready; False after `timeout` seconds."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self.ready

    def wait_or_cancel(
        self, progress: Callable[[Progress], None], cancel: CancelToken, every: float = 0.2
    ) -> None:
        """Wait in a fit's worker until they are ready, telling how far they are.

        Raises
        ------
        Cancelled
            The fit was stopped meanwhile.
        """
        while self._thread is not None and not self.wait(every):
            if cancel.cancelled:
                raise Cancelled
            progress(Progress("warm", f"Preparing the numerical kernels, {self.fraction:.0%}", 0.0))

    @property
    def words(self) -> str:
        """What to tell the user; empty once they are ready."""
        if self.ready:
            return ""
        return (
            "Preparing the numerical kernels (first start only): "
            f"{100 * self.fraction:.0f} %. A fit can be started and will begin when they are ready."
        )


KERNELS = Kernels()
