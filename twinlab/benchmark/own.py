"""The project's own method as a benchmark sees it: through the public result only."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinlab.discovery import (
    QUANTILES,
    Discovery,
    Settings,
    discover,
    discovery_mapping,
    warm_up,
    withheld,
)
from twinlab.discovery.bands import DRAW_TOLERANCE, make_lots, simulate
from twinlab.discovery.draws import QUANTILE_METHOD, central_interval
from twinlab.errors import UserError
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study

from .scoring import Answer, Forecaster, PosteriorSample
from .systems import Equations

Array = NDArray[np.float64]


def prepare() -> None:
    """Compile or load every kernel, so that no run is charged with it."""
    warm_up()


def parse_settings(pairs: list[str]) -> Settings:
    """Settings from ``name=value`` texts; the rest keep their defaults.

    Raises
    ------
    UserError
        An unknown setting, or a value that is not of its type.
    """
    defaults = Settings()
    known = {f.name: getattr(defaults, f.name) for f in fields(Settings)}
    changed: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or name not in known:
            raise UserError(
                f"'{pair}' is not a setting.", mend=f"Write name=value; names: {', '.join(known)}."
            )
        kind = float if known[name] is None else type(known[name])
        try:
            changed[name] = kind(text)
        except ValueError:
            raise UserError(f"The setting {name} needs a {kind.__name__}, not '{text}'.") from None
    return Settings(**changed)


def answer(study: Study, library: Library, seed: int, settings: Settings | None = None) -> Answer:
    """Run `discover` on a study; a failure becomes an answer that says so."""
    start = time.perf_counter()
    try:
        discovery = discover(study, library, settings=settings or Settings(), seed=seed)
        mapping = discovery_mapping(discovery)
    except Exception as error:  # a crash is an outcome of a benchmark, not its end
        seconds = time.perf_counter() - start
        return Answer({}, seconds=seconds, failure=f"{type(error).__name__}: {error}")
    return answer_from_mapping(mapping, time.perf_counter() - start)


def bench_answer(
    study: Study, library: Library, knowledge: Knowledge, seed: int, budget: float
) -> Answer:
    """Run `discover` with its defaults and say all that the benchmark can judge."""
    start = time.perf_counter()
    discovery = discover(study, library, knowledge, seed=seed)
    seconds = time.perf_counter() - start
    told = answer_from_mapping(discovery_mapping(discovery), seconds)
    if told.failure:
        return told
    return replace(
        told,
        intervals50=_half_intervals(discovery),
        inclusion=_inclusion(discovery),
        forecaster=forecaster(discovery),
        posterior=posterior_sample(discovery),
        named=contradicted(discovery),
        **_of_hidden(discovery),
    )


def _of_hidden(discovery: Discovery) -> dict[str, Any]:
    """Courses of the latent states, and forecasts, which need more than the equations then."""
    library = discovery.library
    if not library.latent:
        return {}

    def simulator(start: Array, time: Array, _inputs: Array) -> Array | None:
        good = _forecast(discovery, start, time)
        return np.median(good, axis=0) if len(good) else None

    places = {name: library.states.index(name) for name in library.latent}
    hidden = {name: tuple(f[:, e] for f in discovery.fitted) for name, e in places.items()}
    return {"hidden": hidden, "simulator": simulator}


def _measured(discovery: Discovery) -> list[int]:
    """Places of the states that are in the data."""
    library = discovery.library
    return [e for e, name in enumerate(library.states) if name not in library.latent]


def contradicted(discovery: Discovery) -> frozenset[tuple[str, str]]:
    """Edges of the knowledge that the data overrule or find with the other sign."""
    labels = {
        v.label
        for v in discovery.prior_verdicts
        if v.kind == "edge" and (v.opposite or v.verdict == "overruled")
    }
    return frozenset(e.key for e in discovery.knowledge.edges if e.label in labels)


def _key(discovery: Discovery, column: int) -> tuple[str, str] | None:
    """State and term of a plain column; None for a reaction."""
    library = discovery.library
    state = library.column_state(column)
    if state < 0:
        return None
    return library.states[state], library.terms[library.columns[column].term].text


def _inclusion(discovery: Discovery) -> dict[tuple[str, str], float] | None:
    """Inclusion probability of every (state, term).

    None where the product withholds them, and where columns are reactions.
    """
    if withheld(discovery) is not None:
        return None
    keys = [_key(discovery, c) for c in range(len(discovery.library.columns))]
    if None in keys:
        return None
    return {k: float(p) for k, p in zip(keys, discovery.inclusion, strict=True) if k is not None}


def _half_intervals(discovery: Discovery) -> dict[tuple[str, str], tuple[float, float]]:
    """50 % intervals of the best model's coefficients, from the draws that hold each."""
    intervals = {}
    for column in discovery.best.columns:
        key = _key(discovery, int(column))
        draws = discovery.posterior.coefficients[:, column]
        draws = draws[draws != 0.0]
        if key is not None and draws.size:
            low, high = central_interval(draws, 0.5)
            intervals[key] = (float(low), float(high))
    return intervals


def forecaster(discovery: Discovery) -> Forecaster:
    """Bands from known initial states: posterior draws of the coefficients, simulated."""

    def quantiles(start: Array, time: Array, inputs: Array) -> Array:
        good = _forecast(discovery, start, time)
        if not len(good):
            return np.full((len(QUANTILES), len(time), len(start)), np.nan)
        return np.quantile(good, QUANTILES, axis=0, method=QUANTILE_METHOD)

    return quantiles


def _forecast(discovery: Discovery, start: Array, time: Array) -> Array:
    """Draws (n_good, n_time, n_state) from a known initial state; those that diverge are lost.

    Latent states begin at their mean over the trajectories of the data.
    """
    draws, seen = discovery.posterior, _measured(discovery)
    initial = draws.initial.mean(axis=1)[:, : len(discovery.library.states)]
    initial[:, seen] = np.asarray(start, float)
    x, status = simulate(
        discovery.problem,
        0,
        time,
        make_lots(discovery.problem, draws.coefficients, draws.constants),
        initial,
        relative=DRAW_TOLERANCE,
    )
    return x[status == 0][:, :, seen]


def posterior_sample(discovery: Discovery) -> PosteriorSample:
    """Draws of the plain columns' coefficients and of trajectories."""
    draws, problem = discovery.posterior, discovery.problem
    keys = [_key(discovery, c) for c in range(len(discovery.library.columns))]
    coefficients = {
        key: draws.coefficients[:, c]
        for c, key in enumerate(keys)
        if key is not None and draws.coefficients[:, c].any()
    }
    place = {t.subject: r for r, t in enumerate(problem.study.trajectories)}

    def fitted(condition: int, time: Array) -> Array | None:
        r = place.get(f"s{condition + 1}")
        if r is None or time[0] != problem.origin[r]:
            return None
        x, status = simulate(
            problem,
            r,
            time,
            make_lots(problem, draws.coefficients, draws.constants),
            draws.initial[:, r],
            relative=DRAW_TOLERANCE,
        )
        return x[status == 0][:, :, _measured(discovery)]

    def forecast(start: Array, time: Array, _inputs: Array) -> Array:
        return _forecast(discovery, start, time)

    return PosteriorSample(coefficients, fitted, forecast)


def answer_from_mapping(mapping: Mapping[str, Any], seconds: float) -> Answer:
    """Read the best model, its 90 % intervals and the alternatives from a ``discovery.json``."""
    models = mapping["models"]
    if not models:
        return Answer({}, seconds=seconds, failure="no model")
    best = models[0]["equations"]
    intervals = {
        (state, entry["term"]): (float(entry["interval90"][0]), float(entry["interval90"][1]))
        for state, entries in best.items()
        for entry in entries
    }
    return Answer(
        equations=_equations(best),
        intervals=intervals,
        seconds=seconds,
        alternatives=tuple((float(m["probability"]), _equations(m["equations"])) for m in models),
        remarks={
            "status": str(mapping.get("status", "")),
            "chi2": float(mapping.get("chi2_per_point", float("nan"))),
        },
    )


def _equations(listed: Mapping[str, list[Mapping[str, Any]]]) -> Equations:
    return {s: {e["term"]: float(e["coefficient"]) for e in rows} for s, rows in listed.items()}
