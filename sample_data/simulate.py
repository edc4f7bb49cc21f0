"""Write the simulated sample sets, each with its truth beside it.

Run ``python sample_data/simulate.py``: it rewrites NAME.csv and NAME.truth.yaml beside itself,
byte for byte the same every time (fixed seeds; values written to six significant digits).
The equations that are simulated are the ones that are written to the truth file: there is no
second copy of them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

Equations = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class System:
    """One simulated set: what is true, and how it is measured.

    Attributes
    ----------
    equations : mapping of state to mapping of term to coefficient
        d state/dt is the sum of coefficient times term.
    initial : mapping of state to (low, high)
        Initial states are uniform between the two, drawn anew for every condition.
    noise : float
        Sd of the measurement noise as a fraction of the state's own sd over all conditions.
    end, points, conditions : float, int, int
        `points` equidistant times from 0 to `end`, in each of `conditions`.
    """

    name: str
    about: str
    equations: Equations
    initial: Mapping[str, tuple[float, float]]
    noise: float
    end: float
    points: int
    conditions: int
    seed: int


SYSTEMS = (
    System(
        name="predator_prey",
        about="Lotka-Volterra predator and prey",
        equations={
            "prey": {"prey": 1.0, "prey*predator": -0.5},
            "predator": {"predator": -1.0, "prey*predator": 0.5},
        },
        initial={"prey": (0.5, 3.0), "predator": (0.5, 3.0)},
        noise=0.10,
        end=10.0,
        points=50,
        conditions=2,
        seed=20240101,
    ),
    System(
        name="seir",
        about="SEIR epidemic in fractions of the population; the recovered are not listed",
        equations={
            "susceptible": {"susceptible*infectious": -0.8},
            "exposed": {"susceptible*infectious": 0.8, "exposed": -0.4},
            "infectious": {"exposed": 0.4, "infectious": -0.2},
        },
        initial={"susceptible": (0.7, 0.98), "exposed": (0.005, 0.03), "infectious": (0.005, 0.03)},
        noise=0.05,
        end=40.0,
        points=30,
        conditions=5,
        seed=20240102,
    ),
    System(
        name="enzyme_hill",
        about="Enzyme reaction S + E <-> C -> E + P whose product activates a gene (mRNA M,"
        " protein X) with a Hill step",
        equations={
            "S": {"S*E": -1.5, "C": 0.3},
            "E": {"S*E": -1.5, "C": 1.3},
            "C": {"S*E": 1.5, "C": -1.3},
            "P": {"C": 1.0, "P": -0.4},
            "M": {"hill(P,0.5,2)": 1.0, "M": -0.7},
            "X": {"M": 0.8, "X": -0.5},
        },
        initial={
            "S": (1.0, 2.5),
            "E": (0.4, 1.2),
            "C": (0.0, 0.2),
            "P": (0.0, 0.2),
            "M": (0.0, 0.5),
            "X": (0.0, 0.5),
        },
        noise=0.05,
        end=12.0,
        points=50,
        conditions=5,
        seed=20240103,
    ),
)

_HILL = re.compile(r"hill\((\w+),([\d.]+),([\d.]+)\)")


def term_value(term: str, values: Mapping[str, float]) -> float:
    """Value of a term: a product of states and Hill activations, the only ones used here."""
    product = 1.0
    for factor in re.split(r"\*(?![^(]*\))", term):
        hill = _HILL.fullmatch(factor)
        if hill:
            x, half, n = max(values[hill[1]], 0.0), float(hill[2]), float(hill[3])
            product *= x**n / (half**n + x**n)
        else:
            product *= values[factor]
    return product


def trajectory(equations: Equations, start: np.ndarray, time: np.ndarray) -> np.ndarray:
    """States at `time` without noise, shape (n_time, n_state)."""
    states = list(equations)

    def slope(_t: float, x: np.ndarray) -> list[float]:
        values = dict(zip(states, x, strict=True))
        return [sum(c * term_value(k, values) for k, c in equations[s].items()) for s in states]

    solution = solve_ivp(
        slope, (time[0], time[-1]), start, t_eval=time, method="DOP853", rtol=1e-10, atol=1e-12
    )
    return solution.y.T


def simulate(
    system: System, seed: int | None = None
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Draw initial states, simulate, add noise.

    Returns
    -------
    time : (n_time,) array
    sd : (n_state,) array
        Noise standard deviation of each state.
    clean, noisy : lists of (n_time, n_state) arrays, one per condition
    """
    random = np.random.default_rng(system.seed if seed is None else seed)
    low, high = np.array(list(system.initial.values())).T
    time = np.linspace(0.0, system.end, system.points)
    starts = np.round(random.uniform(low, high, (system.conditions, low.size)), 4)
    clean = [trajectory(system.equations, start, time) for start in starts]
    sd = system.noise * np.concatenate(clean).std(axis=0)
    noisy = [x + sd * random.standard_normal(x.shape) for x in clean]
    return time, sd, clean, noisy


def csv_text(system: System, time: np.ndarray, noisy: list[np.ndarray]) -> str:
    """Tidy CSV of the noisy values."""
    lines = ["subject,condition,time,variable,value"]
    for number, values in enumerate(noisy, 1):
        for column, state in enumerate(system.equations):
            lines += [
                f"s{number},c{number},{t:.6g},{state},{x:.6g}"
                for t, x in zip(time, values[:, column], strict=True)
            ]
    return "\n".join(lines) + "\n"


def truth_text(system: System, sd: np.ndarray, clean: list[np.ndarray]) -> str:
    """YAML of what is true: equations, initial states, noise, design, seed."""
    states = list(system.equations)
    lines = [f"# {system.about}. Written by simulate.py.", f"name: {system.name}", "equations:"]
    for state, terms in system.equations.items():
        inside = ", ".join(f'"{term}": {value}' for term, value in terms.items())
        lines.append(f"  {state}: {{{inside}}}")
    lines.append("initial:")
    for number, values in enumerate(clean, 1):
        inside = ", ".join(f"{s}: {x:.4f}" for s, x in zip(states, values[0], strict=True))
        lines.append(f"  s{number}: {{{inside}}}")
    lines += [
        "noise:",
        f"  fraction: {system.noise}  # of each state's sd over all conditions",
        "  sd: {" + ", ".join(f"{s}: {x:.6g}" for s, x in zip(states, sd, strict=True)) + "}",
        f"design: {{end: {system.end}, points: {system.points}, conditions: {system.conditions}}}",
        f"seed: {system.seed}",
    ]
    return "\n".join(lines) + "\n"


def main(folder: Path) -> None:
    """Write every system's two files into `folder`."""
    for system in SYSTEMS:
        time, sd, clean, noisy = simulate(system)
        (folder / f"{system.name}.csv").write_text(
            csv_text(system, time, noisy), encoding="utf-8", newline="\n"
        )
        (folder / f"{system.name}.truth.yaml").write_text(
            truth_text(system, sd, clean), encoding="utf-8", newline="\n"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
