"""How long a person waits: first provisional fit, full posterior, answers to a moved slider.

Run as ``python -m twinlab.benchmark.latency``.  After a warm-up, for each system: the time to the
first picture of a fit (still nudged toward the data), to the first model that runs free, to the
full posterior; then `reconsider` at prior odds and slab widths drawn at random, as a slider asks
for them, with the bands of the subject that is looked at, and how long those of all the others take
after that.  Beside them PySINDy's time on the same data in the same run (weak form, 30 bags), and
the times that the research prototype was published with (on another machine: no ratio is made).
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from twinlab.discovery import Discovery, Progress, discover, reconsider, warm_up

from .cells import BenchmarkCase, Cell, make_case
from .pysindy_peer import default_answer, prepare
from .side_by_side import machine, version


@dataclass(frozen=True)
class Goal:
    """A benchmark system, its aims in seconds (NaN: none) and the prototype's published time."""

    system: str
    first: float
    full: float
    prototype: str


GOALS = (
    Goal("lotka_volterra", 0.3, 2.0, "2-9 s"),
    Goal("seir", np.nan, 2.0, "2-9 s"),
    Goal("enzyme_hill", 1.5, 8.0, "8-18 s"),
    Goal("glv20", np.nan, 10.0, "15-20 s"),
)
T0_AIM = 0.080
T0_PROTOTYPE = "60-90 ms"


@dataclass(frozen=True)
class Waits:
    """Seconds from the call to each event; NaN where it did not happen."""

    picture: float
    free: float
    full: float
    cpu: float
    discovery: Discovery


def wait_for(case: BenchmarkCase, pool: ThreadPoolExecutor | None = None) -> Waits:
    """Run one discovery and note when things are to be seen."""
    seen: dict[str, float] = {}
    began, used = time.perf_counter(), time.process_time()

    def note(event: Progress) -> None:
        if event.snapshot is not None:
            at = time.perf_counter() - began
            seen.setdefault("picture", at)
            if event.snapshot.kappa == 0.0:
                seen.setdefault("free", at)

    discovery = discover(
        case.study, case.library, case.knowledge, seed=case.cell.seed, progress=note, executor=pool
    )
    full, cpu = time.perf_counter() - began, time.process_time() - used
    return Waits(seen.get("picture", np.nan), seen.get("free", np.nan), full, cpu, discovery)


def slider_times(
    discovery: Discovery, n: int, pool: ThreadPoolExecutor, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Wall and processor seconds of `n` moves, and wall seconds of all other subjects' bands."""
    rng = np.random.default_rng(seed)
    wall, cpu, others = np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        odds, width = rng.uniform(-3, 3), 10 ** rng.uniform(0.5, 1.5)
        began, used = time.perf_counter(), time.process_time()
        moved = reconsider(discovery, prior_log_odds=odds, slab_width=width, executor=pool)
        moved.bands[0]
        wall[i], cpu[i] = time.perf_counter() - began, time.process_time() - used
        began = time.perf_counter()
        moved.bands[1:]
        others[i] = time.perf_counter() - began
    return wall, cpu, others


def report(goal: Goal, sliders: int, repeats: int, pool: ThreadPoolExecutor) -> str:
    """Table of one system; of several discoveries the fastest."""
    case = make_case(Cell(goal.system))
    waits = min((wait_for(case) for _ in range(repeats)), key=lambda waits: waits.full)
    library = case.library
    lines = [
        f"{goal.system}: {len(library.states)} states, {len(library.columns)} columns,"
        f" {case.cell.conditions} x {case.cell.points} points"
    ]
    for name, seconds, aim in (
        ("first picture of a fit", waits.picture, np.nan),
        ("first free-running model", waits.free, goal.first),
        ("full posterior", waits.full, goal.full),
        ("full posterior, processor", waits.cpu, np.nan),
    ):
        wanted = "" if np.isnan(aim) else f"   aim {aim:g} s"
        told = f"   prototype {goal.prototype}" if name == "full posterior" else ""
        lines.append(f"  {name:<28}{seconds:>9.3f} s{wanted}{told}")
    if sliders:
        wall, cpu, others = slider_times(waits.discovery, sliders, pool)
        for name, spent in (("wall", wall), ("processor", cpu), ("other bands", others)):
            middle, late = np.quantile(spent, (0.5, 0.95))
            aims = f"   aim {1e3 * T0_AIM:g} ms at p95, prototype {T0_PROTOTYPE}"
            label = f"slider, {name}, p50 / p95"
            lines.append(
                f"  {label:<28}{1e3 * middle:>6.0f} / {1e3 * late:.0f} ms"
                + (aims if name == "wall" else "")
            )
    if version("pysindy") is not None:
        answered = default_answer(case.study, case.library, case.knowledge, case.cell.seed, 600.0)
        words = f"({answered.failure})" if answered.failure else ""
        ratio = answered.seconds / waits.full
        lines.append(f"  {'PySINDy, one threshold':<28}{answered.seconds:>9.3f} s"
                     f"   {ratio:.2f} times the full posterior {words}")  # fmt: skip
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m twinlab.benchmark.latency")
    parser.add_argument("--systems", nargs="+", choices=[goal.system for goal in GOALS])
    parser.add_argument("--sliders", type=int, default=60, help="calls of reconsider")
    parser.add_argument("--repeats", type=int, default=2, help="discoveries, the fastest is kept")
    options = parser.parse_args(arguments)
    print(machine(("pysindy",)))
    warm_up()
    prepare()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for goal in GOALS:
            if options.systems is None or goal.system in options.systems:
                print("\n" + report(goal, options.sliders, options.repeats, pool), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
