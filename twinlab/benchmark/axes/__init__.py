"""The axes of the benchmark: one module for each knob that is turned."""

from .candidates import case_library, observed_part
from .conditions import Condition, condition
from .noise import noise_sd, noisy
from .prior import prior_knowledge
from .sampling import CENSORED_SHARE, MISSING_SHARE, sample_times, with_missing
from .streams import stream
from .truth import drawn_truth

__all__ = [
    "CENSORED_SHARE",
    "MISSING_SHARE",
    "Condition",
    "case_library",
    "condition",
    "drawn_truth",
    "noise_sd",
    "noisy",
    "observed_part",
    "prior_knowledge",
    "sample_times",
    "stream",
    "with_missing",
]
