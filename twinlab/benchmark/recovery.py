"""How often a system is recovered from simulated data, one line a seed.

``python -m twinlab.benchmark.recovery --system predator_prey --conditions 2 --points 50
--noise 0.1 --seeds 20``.  A true coefficient counts as covered when the best model holds its term
and the term's 90 % interval holds the coefficient: a missing term is not covered.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from twinlab.errors import UserError

from .scoring import Answer, Score, score, summarise
from .systems import SYSTEMS

METHODS = ("twinlab", "pysindy", "pysindy-best")


@dataclass(frozen=True)
class Cell:
    """One cell of a benchmark: which data, which method, with which settings."""

    system: str
    conditions: int
    points: int
    noise: float
    method: str = "twinlab"
    settings: tuple[str, ...] = ()


def run_seed(cell: Cell, seed: int) -> Score:
    """Simulate the data of one seed, let the method answer, and score the answer."""
    system = SYSTEMS[cell.system]
    study = system.simulate(cell.conditions, cell.points, cell.noise, seed).study
    library = system.library()
    answer: Answer
    if cell.method == "twinlab":
        from . import own

        answer = own.answer(study, library, seed, own.parse_settings(list(cell.settings)))
    else:
        from . import pysindy_peer

        answer = pysindy_peer.answer(study, library, seed, best=cell.method == "pysindy-best")
    return score(answer, system, seed=seed)


def prepare(method: str) -> None:
    """Load what the method needs, so that the first seed is not charged with it."""
    if method == "twinlab":
        from . import own

        own.prepare()
    else:
        from . import pysindy_peer

        pysindy_peer.prepare()


def run_cell(cell: Cell, seeds: range, jobs: int = 1) -> Iterator[tuple[int, Score]]:
    """Scores seed by seed, in order; `jobs` processes."""
    if jobs == 1:
        prepare(cell.method)
        for seed in seeds:
            yield seed, run_seed(cell, seed)
        return
    with ProcessPoolExecutor(jobs, initializer=prepare, initargs=(cell.method,)) as pool:
        yield from zip(seeds, pool.map(run_seed, [cell] * len(seeds), seeds), strict=True)


def line(seed: int, result: Score) -> str:
    """One line for people about one seed."""
    if result.failure:
        return f"seed {seed:3d}  FAILED after {result.seconds:.1f} s: {result.failure}"
    parts = [
        f"seed {seed:3d}",
        "exact" if result.exact else "wrong",
        f"F1 {result.f1:.2f}",
        f"cover {result.covered}/{result.n_true}",
        f"held-out {result.error:.3f}" + (f" ({result.diverged} div)" if result.diverged else ""),
        f"truth rank {result.truth_rank} p {result.truth_probability:.2f}"
        if result.truth_rank
        else "truth not ranked",
        *(
            f"{k} {v:.2f}" if isinstance(v, float) else f"{k} {v}"
            for k, v in result.remarks.items()
        ),
        f"{result.seconds:.1f} s",
    ]
    for word, terms in (("missing", result.missing), ("extra", result.extra)):
        if terms:
            shown = ", ".join(f"{state}:{term}" for state, term in terms[:6])
            parts.append(f"{word} {shown}{' ...' if len(terms) > 6 else ''}")
    return "  ".join(parts)


def closing(scores: list[Score]) -> str:
    """The summary over seeds.

    The coefficients of one data set miss together, so that the standard error of the coverage is
    taken between seeds.
    """
    total = summarise(scores)
    exact = sum(s.exact for s in scores)
    covered, n_true = sum(s.covered for s in scores), sum(s.n_true for s in scores)
    spread = statistics.stdev(s.covered / s.n_true for s in scores) if total.n > 1 else math.nan
    return "\n".join(
        (
            f"exact {exact} of {total.n}",
            f"mean F1 {total.f1:.3f}",
            f"90 % intervals cover {covered} of {n_true} true coefficients: "
            f"{100 * total.coverage:.1f} % (s.e. {100 * spread / math.sqrt(total.n):.1f})",
            f"held-out NRMSE {total.error:.4f} (diverged {100 * total.diverged:.0f} %)",
            f"median {total.seconds:.2f} s a seed; failed {total.failed}",
        )
    )


def main(arguments: list[str] | None = None) -> int:
    """Run one cell and print it; 2 for wrong input."""
    parser = argparse.ArgumentParser(prog="python -m twinlab.benchmark.recovery")
    parser.add_argument("--system", choices=sorted(SYSTEMS), default="predator_prey")
    parser.add_argument("--conditions", type=int, default=2)
    parser.add_argument("--points", type=int, default=50)
    parser.add_argument("--noise", type=float, default=0.1, help="fraction of each state's sd")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--method", choices=METHODS, default="twinlab")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a fit setting; repeatable"
    )
    parser.add_argument("--json", type=Path, help="write every score here")
    options = parser.parse_args(arguments)
    cell = Cell(
        options.system,
        options.conditions,
        options.points,
        options.noise,
        options.method,
        tuple(options.set),
    )
    if min(options.seeds, options.conditions, options.jobs) < 1 or options.points < 4:
        parser.error("seeds, conditions and jobs must be at least 1, points at least 4")
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    scores: list[Score] = []
    try:
        if cell.method == "twinlab":
            from .own import parse_settings

            parse_settings(options.set)
        for seed, result in run_cell(cell, seeds, options.jobs):
            scores.append(result)
            print(line(seed, result), flush=True)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print(closing(scores))
    if options.json:
        rows = [{"seed": seed, **asdict(s)} for seed, s in zip(seeds, scores, strict=True)]
        text = json.dumps({"cell": asdict(cell), "scores": rows}, indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
