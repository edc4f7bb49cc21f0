"""The search from guesses at hidden states: small models first, then around the best of them.

Followed with all candidates from the smooth on, as where everything is measured, a wrong guess
finds many terms that make up for it, and the right one does not stand out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor

import numpy as np

from .continuation import Climb, Outcome, Tick
from .noise import make_noise
from .search import Start, Weighed, weigh
from .steps import Fit, Point, polish_point

#: Iterations of small models at each nudging rate, and between estimates of their noise when they
#: run free.
NUDGED_ITERATIONS, FREE_ITERATIONS = 6, (8, 4)
#: Small models that are drawn along at the first rate, and at the second, at most: the best of all
#: and the best of those.
FIRST_KEPT, SECOND_KEPT = 40, 24
#: Guesses around whose best model the search goes on: at most so many, so many nats below the best.
MOST_LEADING, PROMISING = 4, 80.0
#: Models of guesses that are weighed on: those within so many nats of the best.
LEADING = 30.0


def run_guesses(
    starts: list[Start],
    noise_model: str,
    seed: int,
    tick: Callable[[int], Tick],
    executor: Executor,
) -> tuple[list[Outcome], list[Weighed]]:
    """Draw the small models of every guess along and let them go; search around the best.

    Returns
    -------
    outcomes : list of Outcome
        Of the guesses that led to the best models.
    weighed : list of Weighed
        Those models.
    """
    common = starts[0].common or starts[0].frame
    noises = [
        make_noise(common.problem, noise_model, start.frame.smooth.sd, start.frame.smooth.at_data)
        for start in starts
    ]

    def drawn(track: tuple[int, Point], share: float) -> tuple[int, Fit] | None:
        i, point = track
        frame, rates = starts[i].frame, starts[i].kappas
        rate = rates[int(share * len(rates))]
        tick(i)("Sparse models of a guess", rate, None, None)
        fit = polish_point(frame, point, noises[i], rate, NUDGED_ITERATIONS)
        return (i, fit) if fit is not None else None

    def released(track: tuple[int, Fit]) -> tuple[int, Weighed] | None:
        i, point = track
        tick(i)("Sparse models of a guess", 0.0, None, None)
        model = weigh(common, point, noises[i], FREE_ITERATIONS)
        return (i, model) if model is not None and np.isfinite(model.evidence) else None

    def climb(track: tuple[int, Weighed]) -> Outcome | None:
        i, model = track
        climb = Climb(starts[i].frame, model.noise, seed + i, tick(i), starts[i].coefficients)
        climb.stand(model.fit)
        climb.run_free()
        return climb.outcome()

    small = [(i, point) for i, start in enumerate(starts) for point in start.sparse]
    first = _best(executor.map(lambda track: drawn(track, 0.0), small), FIRST_KEPT)
    second = _best(executor.map(lambda track: drawn(track, 0.5), first), SECOND_KEPT)
    free = [found for found in executor.map(released, second) if found is not None]
    free.sort(key=lambda found: found[1].evidence)
    best = sorted(dict(free).items(), key=lambda found: -found[1].evidence)
    promising = [f for f in best[:MOST_LEADING] if f[1].evidence > best[0][1].evidence - PROMISING]
    outcomes = [o for o in executor.map(climb, promising) if o is not None]
    weighed = list(executor.map(lambda o: weigh(common, o.fit, o.noise), outcomes))
    good = [
        (m, o)
        for m, o in zip(weighed, outcomes, strict=True)
        if m is not None and np.isfinite(m.evidence)
    ]
    if not good:
        return outcomes, [model for _, model in promising]
    highest = max(m.evidence for m, _ in good)
    good = [(m, o) for m, o in good if m.evidence > highest - LEADING]
    return [o for _, o in good], [m for m, _ in good]


def _best(tracks: Iterable[tuple[int, Fit] | None], most: int) -> list[tuple[int, Fit]]:
    """The models that stay nearest to the data; those that could not be fitted are left out."""
    return sorted((t for t in tracks if t is not None), key=lambda track: track[1].cost)[:most]
