"""How well the constants of saturating terms are found, one line a seed.

``python -m twinlab.benchmark.constants --system pk_saturable --parameter half_saturation=1.4
--noise 0.01 --conditions 8 --points 60 --seeds 20``: Michaelis-Menten elimination whose half
saturation is between the constants of the grid of candidates.

A true term counts as found when the best model has exactly one term of its form (the same role
of the same variable) in that equation, and half saturation and Hill coefficient are within the
tolerance of the true ones.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from twinlab.discovery import Discovery, discover, warm_up
from twinlab.discovery.families import template_of
from twinlab.errors import UserError
from twinlab.expressions import Term, parse_term
from twinlab.library import Library
from twinlab.study import Study

from .matching import saturates
from .scoring import support
from .systems import SYSTEMS, BenchmarkSystem

TOLERANCE = 0.05
LIBRARIES = ("default", "hill")


@dataclass(frozen=True)
class FoundConstant:
    """One Hill function of the truth and what was found of it.

    Attributes
    ----------
    state, term : str
        Of the truth.
    errors : (float, float) or None
        Relative errors of half saturation and Hill coefficient; None if the term is missing, or
        written with several atoms.
    refined : bool
        Whether the constants were fitted; else they are those of the grid.
    covered : (bool, bool)
        Whether the 90 % intervals hold the truth; a constant of the grid must be the true one.
    """

    state: str
    term: str
    errors: tuple[float, float] | None
    refined: bool = False
    covered: tuple[bool, bool] = (False, False)

    @property
    def found(self) -> bool:
        """Whether both are within the tolerance."""
        return self.errors is not None and max(map(abs, self.errors)) <= TOLERANCE


def with_parameters(system: BenchmarkSystem, texts: list[str]) -> BenchmarkSystem:
    """The system with other parameter values, given as ``name=value``.

    Raises
    ------
    UserError
        An unknown parameter, or a value that is not a number.
    """
    parameters = dict(system.parameters)
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in parameters:
            raise UserError(
                f"'{text}' is not a parameter of {system.name}.",
                mend=f"Write name=value; names: {', '.join(parameters)}.",
            )
        try:
            parameters[name] = parameters[name]._replace(value=float(value))
        except ValueError:
            raise UserError(f"The parameter {name} needs a number, not '{value}'.") from None
    return replace(system, parameters=parameters)


def make_library(system: BenchmarkSystem, study: Study, kind: str) -> Library:
    """The system's own library, or polynomials with Hill functions at quartiles of the data."""
    if kind == "default":
        return system.library()
    inputs = tuple(system.inputs)
    polynomial = Library.polynomial(study, degree=2, inputs=inputs)
    return polynomial + Library.hill(study, inputs=inputs)


def found_constants(discovery: Discovery, system: BenchmarkSystem) -> list[FoundConstant]:
    """Hold the best model's Hill functions against the true ones."""
    out = []
    for state, terms in system.equations.items():
        for text in terms:
            true = parse_term(text, system.names)
            if template_of(true) is not None:
                out += _held_against(discovery, state, true)
    return out


def _held_against(discovery: Discovery, state: str, true: Term) -> list[FoundConstant]:
    library, index = discovery.library, discovery.library.states.index(state)
    columns = [
        int(c)
        for c in discovery.best.columns
        if library.column_state(int(c)) == index
        and template_of(library.term_of(int(c))) == template_of(true)
    ]
    places = [i for i, f in enumerate(true.factors) if saturates(f)]
    if len(columns) != 1:
        return [FoundConstant(state, true.text, None) for _ in places]
    shapes = {s.factor: s for s in discovery.best.shapes if s.column == columns[0]}
    out = []
    for place in places:
        factor, aim = library.term_of(columns[0]).factors[place], true.factors[place]
        errors = (factor.constant / aim.constant - 1.0, factor.exponent / aim.exponent - 1.0)
        shape = shapes.get(place)
        covered = (abs(errors[0]) < 1e-6, abs(errors[1]) < 1e-6)
        if shape is not None:
            low, high = shape.half_saturation90
            bottom, top = shape.hill_coefficient90
            covered = (
                bool(low <= aim.constant <= high),
                bool(bottom <= aim.exponent * (1 + 1e-9) and aim.exponent <= top * (1 + 1e-9)),
            )
        out.append(FoundConstant(state, true.text, errors, shape is not None, covered))
    return out


def run(
    system: BenchmarkSystem, design: tuple[int, int, float], kind: str, seeds: range
) -> Iterator[tuple[int, Discovery, float]]:
    """Discoveries and their seconds, seed by seed."""
    warm_up()
    for seed in seeds:
        study = system.simulate(*design, seed).study
        began = time.perf_counter()
        discovery = discover(study, make_library(system, study, kind), seed=seed)
        yield seed, discovery, time.perf_counter() - began


def exact(discovery: Discovery, system: BenchmarkSystem) -> bool:
    """Whether the best model has the true terms, constants within the benchmark's tolerance."""
    library, names = discovery.library, system.names
    true = support(system.equations, names)
    terms: dict[str, dict[str, float]] = {}
    for c, w in zip(discovery.best.columns, discovery.best.coefficients, strict=True):
        state = library.states[library.column_state(int(c))]
        terms.setdefault(state, {})[library.term_of(int(c)).text] = float(w)
    return support(terms, names, true) == true


def line(seed: int, found: list[FoundConstant], is_exact: bool, seconds: float) -> str:
    """One line for people about one seed."""
    parts = [f"seed {seed:3d}", "exact" if is_exact else "wrong"]
    for one in found:
        if one.errors is None:
            parts.append(f"{one.state}: {one.term} not found")
            continue
        how = "refined" if one.refined else "of the grid"
        inside = ", ".join("in" if c else "out" for c in one.covered)
        parts.append(
            f"{one.state}: K {100 * one.errors[0]:+.1f} %, n {100 * one.errors[1]:+.1f} %"
            f" ({how}; {inside})"
        )
    return "  ".join([*parts, f"{seconds:.1f} s"])


def main(arguments: list[str] | None = None) -> int:
    """Run one cell and print it; 2 for wrong input."""
    parser = argparse.ArgumentParser(prog="python -m twinlab.benchmark.constants")
    parser.add_argument("--system", choices=sorted(SYSTEMS), default="pk_saturable")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--library", choices=LIBRARIES, default="default")
    parser.add_argument("--conditions", type=int, default=8)
    parser.add_argument("--points", type=int, default=60)
    parser.add_argument("--noise", type=float, default=0.01, help="fraction of each state's sd")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if min(options.seeds, options.conditions) < 1 or options.points < 4:
        parser.error("seeds and conditions must be at least 1, points at least 4")
    design = (options.conditions, options.points, options.noise)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    found, n_exact, everywhere = [], 0, 0
    try:
        system = with_parameters(SYSTEMS[options.system], options.parameter)
        for seed, discovery, seconds in run(system, design, options.library, seeds):
            own, is_exact = found_constants(discovery, system), exact(discovery, system)
            if not own:
                parser.error(f"{options.system} has no Hill function")
            print(line(seed, own, is_exact, seconds), flush=True)
            found += own
            n_exact += is_exact
            everywhere += all(one.found for one in own)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print(closing(found, everywhere, n_exact, len(seeds)))
    return 0


def closing(found: list[FoundConstant], everywhere: int, n_exact: int, n_seeds: int) -> str:
    """The summary over seeds."""
    refined = [one for one in found if one.refined]
    halves, hills = (sum(one.covered[i] for one in refined) for i in (0, 1))
    return "\n".join(
        (
            f"K and n within {100 * TOLERANCE:.0f} % in {everywhere} of {n_seeds} seeds"
            f" ({sum(one.found for one in found)} of {len(found)} terms)",
            f"refined {len(refined)} of {len(found)} terms; 90 % intervals hold K in {halves}, "
            f"n in {hills} of them",
            f"exact support {n_exact} of {n_seeds}",
        )
    )


if __name__ == "__main__":
    raise SystemExit(main())
