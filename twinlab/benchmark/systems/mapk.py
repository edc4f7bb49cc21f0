"""The three-layer kinase cascade with feedback."""

from __future__ import annotations

from twinlab.library import Library

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial

_RANGES = {
    "kkk": (0.4, 1.0),
    "kkkp": (0.0, 0.5),
    "kk": (1.0, 2.8),
    "kkp": (0.0, 0.6),
    "kkpp": (0.0, 1.0),
    "k": (1.0, 2.8),
    "kp": (0.0, 0.6),
    "kpp": (0.0, 1.0),
}
_HALF = (0.08, 0.1, 0.15)


def _equations(p: Parameters) -> Equations:
    """v1 to v10 are Kholodenko's rates, each a term and its coefficient."""

    def saturated(substrate: str, number: int) -> str:
        return f"mm({substrate},{p[f'half_{number}']:g})"

    feedback = f"repress(kpp,{p['half_feedback']:g},1)"
    terms = {
        1: f"{saturated('kkk', 1)}*{feedback}",
        2: saturated("kkkp", 2),
        3: f"kkkp*{saturated('kk', 3)}",
        4: f"kkkp*{saturated('kkp', 4)}",
        5: saturated("kkpp", 5),
        6: saturated("kkp", 6),
        7: f"kkpp*{saturated('k', 7)}",
        8: f"kkpp*{saturated('kp', 8)}",
        9: saturated("kpp", 9),
        10: saturated("kp", 10),
    }
    balance = {
        "kkk": (-1, 2),
        "kkkp": (1, -2),
        "kk": (-3, 6),
        "kkp": (3, 5, -4, -6),
        "kkpp": (4, -5),
        "k": (-7, 10),
        "kp": (7, 9, -8, -10),
        "kpp": (8, -9),
    }
    return {
        state: {terms[abs(v)]: (1 if v > 0 else -1) * p[f"rate_{abs(v)}"] for v in signed}
        for state, signed in balance.items()
    }


def _library(states: tuple[str, ...], inputs: tuple[str, ...]) -> Library:
    """Linear terms, Michaelis-Menten rates, and those driven by an active kinase."""
    saturated = [f"mm({state},{half})" for state in states for half in _HALF]
    driven = [
        f"{kinase}*mm({substrate},{half})"
        for kinase in ("kkkp", "kkpp", "kpp")
        for substrate in ("kkk", "kk", "kkp", "k", "kp")
        for half in _HALF
    ]
    inhibited = [
        f"mm(kkk,{half})*repress(kpp,{feedback},1)"
        for half in _HALF
        for feedback in (0.05, 0.09, 0.2)
    ]
    return polynomial(1, (*saturated, *driven, *inhibited))(states, inputs)


_RATES = {1: 1.5, 2: 0.15, 3: 1.5, 4: 1.5, 5: 0.45, 6: 0.45, 7: 1.5, 8: 1.5, 9: 0.3, 10: 0.3}
_HALVES = {1: 0.1, 2: 0.08, **dict.fromkeys(range(3, 11), 0.15)}

SYSTEMS = (
    BenchmarkSystem(
        name="mapk",
        title="MAPK cascade",
        tier=3,
        reference="Kholodenko (2000), Eur. J. Biochem. 267, 1583, table 2, feedback of strength 1;"
        " minutes, concentrations in units of 100 nM; all eight species, totals vary between"
        " conditions",
        parameters={
            **{
                f"rate_{number}": Parameter(
                    value, "1/min" if number in (3, 4, 7, 8) else "100 nM/min"
                )
                for number, value in _RATES.items()
            },
            **{f"half_{number}": Parameter(v, "100 nM") for number, v in _HALVES.items()},
            "half_feedback": Parameter(0.09, "100 nM"),
        },
        make_equations=_equations,
        initial=_RANGES,
        horizon=40.0,
        make_library=_library,
        design=Design(6, 60, 0.05),
        time_unit="min",
        units=dict.fromkeys(_RANGES, "100 nM"),
        hide=("kkp", "kp", "kkkp"),
        knockouts=("rate_2", "rate_5", "rate_9"),
    ),
)
