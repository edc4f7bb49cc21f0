"""Discovery: sparse ODE models with their uncertainty, from a study, a library and knowledge."""

from .criticism import LARGEST_CHI2
from .export import discovery_mapping, dumps
from .interactive import PointModel, choose_columns, reconsider
from .noise import NOISE_WORDS
from .pipeline import CancelToken, discover
from .result import (
    QUANTILES,
    Band,
    Discovery,
    FitWarning,
    Path,
    Posterior,
    Progress,
    RankedModel,
    Settings,
    Snapshot,
)
from .warmup import is_warm, warm_up

__all__ = [
    "LARGEST_CHI2",
    "NOISE_WORDS",
    "QUANTILES",
    "Band",
    "CancelToken",
    "Discovery",
    "FitWarning",
    "Path",
    "PointModel",
    "Posterior",
    "Progress",
    "RankedModel",
    "Settings",
    "Snapshot",
    "choose_columns",
    "discover",
    "discovery_mapping",
    "dumps",
    "is_warm",
    "reconsider",
    "warm_up",
]
