"""Inputs over time: a standard course, and random ones like it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .base import Profile

Array = NDArray[np.float64]


def wave(base: float, amplitude: float, period: float) -> Profile:
    """Sine about `base`; at random base and amplitude change by up to 40 %, and the phase."""

    def profile(time: Array, rng: np.random.Generator | None) -> Array:
        of_base, of_amplitude = rng.uniform(0.6, 1.4, 2) if rng is not None else (1.0, 1.0)
        phase = rng.uniform(0.0, 2.0 * np.pi) if rng is not None else 0.0
        angle = 2.0 * np.pi * time / period + phase
        # the sine never takes the input below zero
        height = min(amplitude * of_amplitude, base * of_base)
        return base * of_base + height * np.sin(angle)

    return profile


def pulse(base: float, height: float, peak: float) -> Profile:
    """Rise from `base` to a peak and slow return (gamma shape); at random height and peak time.

    ``base + height (t/peak) exp(1 - t/peak)``; at random the height changes by up to 50 %, the
    time of the peak by up to 40 %.
    """

    def profile(time: Array, rng: np.random.Generator | None) -> Array:
        of_height = rng.uniform(0.5, 1.5) if rng is not None else 1.0
        scaled = time / (peak * (rng.uniform(0.6, 1.4) if rng is not None else 1.0))
        return base + of_height * height * scaled * np.exp(1.0 - scaled)

    return profile
