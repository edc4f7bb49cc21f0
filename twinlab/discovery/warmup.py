"""Compile or load every kernel beforehand, so that the first fit does not wait."""

from __future__ import annotations

import threading

import numpy as np

from twinlab.kernels.regression import damped_step
from twinlab.study import Study

from .interactive import reconsider
from .pipeline import discover
from .progress import Progress, ProgressCallback
from .result import Settings

_lock = threading.Lock()
_done = threading.Event()


def warm_up(progress: ProgressCallback | None = None) -> None:
    """Run a tiny fit once per process, which compiles (first start) or loads all kernels.

    Compilation takes some tens of seconds on a new machine and is kept on disk; loading takes
    about a second.  Safe to call from several threads: later callers wait.

    Parameters
    ----------
    progress : callable, optional
        Told of the stages.
    """
    with _lock:
        if _done.is_set():
            return

        def tell(event: Progress) -> None:
            if progress is not None:
                text = "Preparing the numerical kernels (compiled once, on the first start)"
                progress(Progress("warm-up", text, event.fraction))

        time = np.linspace(0.0, 4.0, 12)
        value = np.stack([np.exp(-0.5 * time), 1.0 - np.exp(-0.5 * time)], axis=1)
        value += 0.01 * np.cos(17.0 * value)
        study = Study.from_arrays("warm-up", ["a", "b"], [time], [value])
        settings = Settings(starts=1, mcmc_steps=200, draws=40, neighbours=1)
        reconsider(discover(study, settings=settings, progress=tell))
        # Called from Python only where a leading model has a saturating term.
        one, block = np.ones((1, 1)), np.ones((1, 1, 1))
        damped_step(one, one[0], block, one, 0.0 * block, 1e-3)
        _done.set()


def is_warm() -> bool:
    """Whether `warm_up` has finished in this process."""
    return _done.is_set()
