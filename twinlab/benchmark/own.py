"""The project's own method as a benchmark sees it: through the public result only."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from twinlab.discovery import Settings, discover, discovery_mapping, warm_up
from twinlab.errors import UserError
from twinlab.library import Library
from twinlab.study import Study

from .scoring import Answer
from .systems import Equations


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
