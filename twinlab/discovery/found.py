"""What a search has found, and what it can be asked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .continuation import Outcome
from .frame import Frame
from .latent_search import Gauge
from .result import Gram
from .search import Start, Weighed
from .switching import Begun
from .variation import Varied
from .varying import Variation

Array = NDArray[np.float64]

#: Nats deviations must promise for the search among models without any to be cut short.
PLAIN_IS_HOPELESS = 25.0


@dataclass(frozen=True)
class Found:
    """Models by descending evidence, and how they were come by.

    Of the models in which something is off in single conditions, `begun`, None says that they were
    not looked for, `plainly_off` that they leave one fit for all behind.
    """

    frame: Frame
    starts: list[Start]
    outcomes: list[Outcome]
    weighed: list[Weighed]
    gram: Gram
    noise_evidence: dict[str, float]
    in_pieces: bool = False
    variation: Variation | None = None
    gauges: tuple[Gauge, ...] = ()
    leaders: tuple[Weighed, ...] = ()
    apart: Varied | None = None
    begun: tuple[Begun, ...] | None = None
    plainly_off: bool = False

    @property
    def plainly_apart(self) -> bool:
        """Whether a model whose coefficients deviated from the start leaves all others behind."""
        ahead = self.weighed[0].evidence + PLAIN_IS_HOPELESS
        return self.apart is not None and self.apart.evidence > ahead


def with_noise(start: Start, sd: Array) -> Start:
    """A start whose noise is at least `sd` (n_observable,)."""
    smooth = start.frame.smooth
    wider = replace(smooth, sd=np.maximum(smooth.sd, sd))
    return replace(start, frame=replace(start.frame, smooth=wider))


def stuck(outcomes: list[Outcome], n_state: int) -> bool:
    """Whether no start reached a free-running model with as many terms as states."""
    return not any(o.kappa == 0.0 and len(o.fit.columns) >= n_state for o in outcomes)
