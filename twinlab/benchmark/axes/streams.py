"""Random numbers that depend on their purpose alone, so that data sets match along an axis."""

from __future__ import annotations

import zlib

import numpy as np


def stream(purpose: str, system: str, seed: int, *numbers: int) -> np.random.Generator:
    """Make the generator of one purpose; what ran before does not matter.

    Parameters
    ----------
    purpose, system : str
    seed : int
    *numbers : int
        Such as the number of a condition.
    """
    words = [zlib.crc32(text.encode()) for text in (purpose, system)]
    return np.random.default_rng([*words, seed, *numbers])
