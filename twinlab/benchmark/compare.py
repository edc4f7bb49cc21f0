"""TwinLab beside PySINDy on the same files, in the same run.

``python -m twinlab.benchmark.compare [--seeds N] [--json FILE] [--systems NAME ...]`` writes
simulated data sets as CSV files into a temporary folder, reads each once, gives the same study
and the same candidate terms to every method, one after the other in one process, and prints a
table.  From a checkout, the simulated sets of ``sample_data`` are held against their truth too.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from twinlab.library import Library
from twinlab.study import Study, read_study

from . import own, pysindy_peer
from .scoring import ERROR_CAP, Answer, Score, score, summarise
from .systems import SYSTEMS, BenchmarkSystem

Method = Callable[[Study, Library, int], Answer]
SAMPLE_DATA = Path(__file__).resolve().parents[2] / "sample_data"

#: Conditions, points and noise of the simulated sets of each system.
DESIGNS: Mapping[str, tuple[int, int, float]] = {
    "predator_prey": (2, 50, 0.10),
    "lotka_volterra": (2, 50, 0.10),
    "seir": (5, 30, 0.05),
    "fitzhugh_nagumo": (2, 60, 0.10),
    "enzyme_hill": (5, 50, 0.05),
}


@dataclass(frozen=True)
class Case:
    """One data file, the system behind it, and the seed every method gets."""

    group: str
    file: Path
    system: BenchmarkSystem
    seed: int


@dataclass(frozen=True)
class Row:
    """Score of one method on one case."""

    group: str
    file: str
    seed: int
    method: str
    result: Score


def write_csv(study: Study, path: Path) -> None:
    """Write a study as tidy CSV; numbers are written so that they read back unchanged."""
    lines = ["subject,condition,time,variable,value"]
    for trajectory in study.trajectories:
        for column, variable in enumerate(study.variables):
            lines += [
                f"{trajectory.subject},{trajectory.condition},{float(t)!r},{variable},{float(x)!r}"
                for t, x in zip(trajectory.time, trajectory.value[:, column], strict=True)
            ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def simulated_cases(name: str, seeds: range, folder: Path) -> Iterator[Case]:
    """Write the data sets of one system and give their cases."""
    conditions, points, noise = DESIGNS[name]
    system = SYSTEMS[name]
    group = f"{name} {conditions} x {points}, {100 * noise:g} %"
    for seed in seeds:
        path = folder / f"{name}_{seed}.csv"
        write_csv(system.simulate(conditions, points, noise, seed).study, path)
        yield Case(group, path, system, seed)


def sample_cases(folder: Path, names: list[str]) -> Iterator[Case]:
    """Cases of the sample files whose truth is that of a benchmark system."""
    for truth in sorted(folder.glob("*.truth.yaml")):
        told = yaml.safe_load(truth.read_text(encoding="utf-8"))
        system = SYSTEMS.get(told.get("name", ""))
        data = truth.with_name(truth.name.replace(".truth.yaml", ".csv"))
        if system is None or system.name not in names or not data.exists():
            continue
        system = system.with_equations(told["equations"])
        yield Case(f"sample_data/{data.name}", data, system, 0)


def methods() -> dict[str, Method]:
    """Methods to compare, by the name in the table; PySINDy where it is installed."""
    found: dict[str, Method] = {"TwinLab": own.answer}
    if pysindy_peer.installed():
        found["PySINDy default"] = pysindy_peer.answer
        found["PySINDy best"] = lambda *given: pysindy_peer.answer(*given, best=True)
    return found


def run_case(case: Case, compared: Mapping[str, Method]) -> Iterator[Row]:
    """Read the file once and let every method answer it."""
    study = read_study(case.file)
    library = case.system.library()
    for method, answer in compared.items():
        result = score(answer(study, library, case.seed), case.system, seed=case.seed)
        yield Row(case.group, case.file.name, case.seed, method, result)


def table(rows: list[Row]) -> str:
    """The table for people: one line a group and method."""
    groups = list(dict.fromkeys(row.group for row in rows))
    wide = max(len(group) for group in groups) + 2
    head = f"{'data':<{wide}}{'method':<17}{'sets':>5}{'F1':>7}{'exact':>8}{'held-out':>10}"
    lines = [head + f"{'diverged':>10}{'coverage':>10}{'seconds':>9}{'failed':>8}"]
    for group in groups:
        for method in dict.fromkeys(row.method for row in rows if row.group == group):
            scores = [r.result for r in rows if (r.group, r.method) == (group, method)]
            total = summarise(scores)
            lines.append(
                f"{group:<{wide}}{method:<17}{total.n:>5}{total.f1:>7.2f}"
                f"{100 * total.exact:>6.0f} %{total.error:>10.3f}{100 * total.diverged:>8.0f} %"
                f"{100 * total.coverage:>8.0f} %{total.seconds:>9.2f}{total.failed:>8}"
            )
    return "\n".join(lines)


LEGEND = (
    "F1: (equation, term) pairs, mean over sets.  exact: every equation's support right.\n"
    "held-out: forecast error from three unseen initial states (SciPy LSODA on the discovered\n"
    f"equations), each state in units of its sd; a divergence counts {ERROR_CAP:g}, the cap.\n"
    "coverage: true coefficients inside the nominal 90 % interval; a missing term is not covered.\n"
    "PySINDy: weak form with 30 bags; default: threshold 0.1; best: threshold, normalisation and\n"
    "test-function width by BIC on simulated trajectories (our selector; the truth is not used)."
)


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison and print the table."""
    parser = argparse.ArgumentParser(prog="python -m twinlab.benchmark.compare")
    parser.add_argument("--seeds", type=int, default=5, help="simulated sets of each system")
    parser.add_argument(
        "--systems", nargs="+", choices=sorted(DESIGNS), default=["predator_prey", "seir"]
    )
    parser.add_argument("--no-samples", action="store_true", help="leave out sample_data")
    parser.add_argument("--json", type=Path, help="write every score here")
    options = parser.parse_args(arguments)
    if options.seeds < 1:
        parser.error("--seeds must be at least 1")
    own.prepare()
    compared = methods()
    if len(compared) == 1:
        print("PySINDy is not installed (pip install 'twinlab[bench]'): TwinLab alone.")
    else:
        pysindy_peer.prepare()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        cases = [
            case
            for name in options.systems
            for case in simulated_cases(name, range(options.seeds), Path(folder))
        ]
        if not options.no_samples:
            cases += sample_cases(SAMPLE_DATA, options.systems)
        for number, case in enumerate(cases, 1):
            for row in run_case(case, compared):
                rows.append(row)
                told = row.result.failure or f"F1 {row.result.f1:.2f}, {row.result.seconds:.1f} s"
                print(f"[{number}/{len(cases)}] {row.file}: {row.method}: {told}", flush=True)
    print(f"\n{table(rows)}\n\n{LEGEND}")
    if options.json:
        text = json.dumps([asdict(row) for row in rows], indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
