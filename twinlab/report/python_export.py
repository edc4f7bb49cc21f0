"""A model as a Python program of its own: NumPy and SciPy, nothing of this package."""

from __future__ import annotations

import json
import keyword
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.expressions import Term
from twinlab.expressions.kinds import HILL_ACTIVATION, HILL_REPRESSION, POWER
from twinlab.expressions.printing import FUNCTION_NAMES
from twinlab.twin import Twin, write_atomically

Array = NDArray[np.float64]

_PROGRAM = '''\
"""{title}

Written by TwinLab {version}. Needs NumPy and SciPy; `simulate(trajectory, time)` gives the states.
{remarks}
"""

import numpy as np
from scipy.integrate import solve_ivp

STATES = {states}
INPUTS = {inputs}

# Of each trajectory: the state at its first time, its coefficients, and its stretches from dose to
# dose: when a stretch begins, what is added to the states then, the rates of infusions while it
# lasts, and the inputs, as cubic polynomials of the time since each knot (highest power first).
TRAJECTORIES = {table}


def hill(x, half_saturation, n):
    """Saturating activation: x^n/(K^n + x^n)."""
    x = max(x, 1e-12 * half_saturation)
    return 1 / (1 + (half_saturation / x) ** n)


def repress(x, half_saturation, n):
    """Saturating repression: K^n/(K^n + x^n)."""
    return 1 - hill(x, half_saturation, n)


def derivative(_x, _u, _c):
    """Rates of change of the states, without infusions."""
{unpack}
    return [
{rates}
    ]


def inputs_at(stretch, t):
    """Inputs at a time within a stretch."""
    piece = max(int(np.searchsorted(stretch["knots"], t, side="right")) - 1, 0)
    return np.polyval(stretch["inputs"][piece], max(t - stretch["knots"][piece], 0.0))


def simulate(trajectory, time):
    """States (n_time, n_state) at increasing times; at the time of a dose, before it."""
    own = TRAJECTORIES[trajectory]
    stretches, c = own["stretches"], own["coefficients"]
    time, x = np.asarray(time, float), np.array(own["initial"])
    out = np.empty((time.size, x.size))
    at = stretches[0]["begin"]
    if time[0] < at:
        raise ValueError(f"the trajectory begins at {{at}}")
    for n, stretch in enumerate(stretches):
        if n:
            x = x + stretch["jump"]
        last = n == len(stretches) - 1
        end = max(time[-1], at) if last else stretches[n + 1]["begin"]
        rows = (time > at) & (time <= end)
        if n == 0:
            out[time == at] = x
        if end > at:
            solution = _between(stretch, x, c, at, end, time[rows])
            out[rows], x = solution[:-1], solution[-1]
        at = end
        if at >= time[-1]:
            break
    return out


def _between(stretch, x, c, begin, end, time):
    """States at times of one stretch, and at its end; pieces of inputs one by one."""
    knots = [k for k in stretch["knots"] if begin < k < end] if INPUTS else []
    edges = [begin, *knots, end]
    out = []
    for left, right in zip(edges[:-1], edges[1:]):
        rows = time[(time > left) & (time <= right)]

        def slope(t, x):
            u = inputs_at(stretch, min(max(t, left), right)) if INPUTS else ()
            return np.add(derivative(x, u, c), stretch["rate"])

        solution = solve_ivp(
            slope, (left, right), x, t_eval=[*rows, *([] if right in rows else [right])],
            method="LSODA", rtol=1e-9, atol={atol},
        )
        if not solution.success:
            raise RuntimeError(solution.message)
        out.append(solution.y.T[: len(rows)])
        x = solution.y[:, -1]
    return np.concatenate([*out, x[None]])


if __name__ == "__main__":
    for name, own in TRAJECTORIES.items():
        time = np.linspace(own["stretches"][0]["begin"], own["end"], 11)
        print(name)
        print(np.column_stack([time, simulate(name, time)]))
'''


def write_python(twin: Twin, path: str | Path) -> Path:
    """Write the twin's model as a program that repeats its simulations, doses and inputs included.

    Parameters
    ----------
    twin : Twin
        Its `Twin.model`: of the model average the most probable one.
    path : path-like
        The file holds the ids of the subjects.

    Raises
    ------
    UserError
        The file cannot be written, or a name is no name in Python.
    """
    return write_atomically(path, python_text(twin).encode())


def python_text(twin: Twin) -> str:
    """The program that `write_python` writes.

    Raises
    ------
    UserError
        A state or input has a name that Python keeps for itself.
    """
    import twinlab

    discovery = twin.discovery
    library = discovery.library
    _check_names((*library.states, *library.inputs))
    study = discovery.problem.study
    table = {label: _trajectory(twin, r) for r, label in enumerate(study.labels)}
    unpack = [f"    {', '.join(library.states)}, = _x"]
    if library.inputs:
        unpack.append(f"    {', '.join(library.inputs)}, = _u")
    scale = float(np.min(discovery.problem.scale))
    return _PROGRAM.format(
        title=f"Model {twin.rank or 1} of {_plain(study.name)}, by rank of probability.",
        version=twinlab.__version__,
        remarks="\n".join(_remarks(twin)),
        states=repr(tuple(library.states)),
        inputs=repr(tuple(library.inputs)),
        table=json.dumps(table, indent=1, ensure_ascii=True).replace("Infinity", "float('inf')"),
        unpack="\n".join(unpack),
        rates="\n".join(f"        {rate}," for rate in _rates(twin)),
        atol=f"{1e-9 * scale:.3g}",
    )


def _check_names(names: tuple[str, ...]) -> None:
    for name in names:
        if keyword.iskeyword(name):
            raise UserError(
                f"'{name}' is a word of Python itself.", mend="Give the variable another name."
            )
        if name in ("np", "hill", "repress", "_x", "_u", "_c"):
            raise UserError(
                f"'{name}' is a name the program itself uses.",
                mend="Give the variable another name.",
            )


def _plain(text: str) -> str:
    """Text that cannot end the docstring it stands in."""
    return text.replace("\\", "/").replace('"', "'").replace("\n", " ")


def _remarks(twin: Twin) -> list[str]:
    library = twin.discovery.library
    out = []
    if library.latent:
        out.append(f"Never measured: {', '.join(library.latent)}.")
    problem = twin.discovery.problem
    derived = [name for name in problem.observation.names if name in problem.study.derived]
    if derived:
        names = ", ".join(derived)
        out.append(f"Of states alone; what is measured of them ({names}) is not in this file.")
    return out


def _trajectory(twin: Twin, r: int) -> dict[str, Any]:
    problem, model = twin.discovery.problem, twin.model
    schedule = problem.schedule
    stretches = []
    for row in range(int(schedule.first[r]), int(schedule.first[r + 1])):
        real = np.isfinite(schedule.knot[row])
        stretch: dict[str, Any] = {
            "begin": float(schedule.begin[row]),
            "jump": schedule.jump[row].tolist(),
            "rate": schedule.rate[row].tolist(),
        }
        if problem.library.inputs:
            stretch["knots"] = schedule.knot[row][real].tolist()
            stretch["inputs"] = schedule.inputs[row][real].tolist()
        stretches.append(stretch)
    return {
        "initial": model.initial[r].tolist(),
        "coefficients": model.of(r).tolist(),
        "end": float(problem.times(r)[-1]),
        "stretches": stretches,
    }


def _rates(twin: Twin) -> list[str]:
    library = twin.discovery.library
    parts: list[list[str]] = [[] for _ in library.states]
    for place, index in enumerate(twin.model.columns):
        column = library.columns[int(index)]
        for state, factor in column.stoichiometry:
            share = "" if factor == 1 else f"{factor!r} * "
            parts[state].append(f"{share}_c[{place}] * {_term(library.terms[column.term])}")
    return [" + ".join(part) or "0.0" for part in parts]


def _term(term: Term) -> str:
    factors = [] if term.scale == 1 else [repr(float(term.scale))]
    for factor in term.factors:
        name = factor.variable
        if factor.kind == POWER:
            factors.append(name if factor.exponent == 1 else f"{name}**{factor.exponent!r}")
        elif factor.kind in (HILL_ACTIVATION, HILL_REPRESSION):
            kind = "hill" if factor.kind == HILL_ACTIVATION else "repress"
            factors.append(f"{kind}({name}, {factor.constant!r}, {factor.exponent!r})")
        else:
            function = f"np.{FUNCTION_NAMES[factor.kind]}"
            factors.append(f"{function}({factor.constant!r} * {name})")
    return " * ".join(factors) or "1.0"
