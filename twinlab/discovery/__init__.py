"""Discovery: sparse ODE models with their uncertainty, from a study, a library and knowledge."""

from .export import discovery_mapping, dumps
from .interactive import PointModel, choose_columns, reconsider
from .library_criticism import LARGEST_CHI2, NOT_IN_LIBRARY, withheld
from .local_coefficients import LocalCoefficient, local_coefficients
from .noise import NOISE_WORDS
from .pipeline import discover
from .progress import CancelToken, Progress, Snapshot
from .result import (
    QUANTILES,
    Band,
    Discovery,
    FitWarning,
    Path,
    Posterior,
    Proposal,
    RankedModel,
    Settings,
)
from .verdict import PriorVerdict
from .warmup import is_warm, warm_up

__all__ = [
    "LARGEST_CHI2",
    "NOISE_WORDS",
    "NOT_IN_LIBRARY",
    "QUANTILES",
    "Band",
    "CancelToken",
    "Discovery",
    "FitWarning",
    "LocalCoefficient",
    "Path",
    "PointModel",
    "Posterior",
    "PriorVerdict",
    "Progress",
    "Proposal",
    "RankedModel",
    "Settings",
    "Snapshot",
    "choose_columns",
    "discover",
    "discovery_mapping",
    "dumps",
    "is_warm",
    "local_coefficients",
    "reconsider",
    "warm_up",
    "withheld",
]
