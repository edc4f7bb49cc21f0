"""What a measured variable measures: a state on some scale, a sum of states, a ratio of sums.

Expressions are parsed with the term language's parser and never evaluated.  Where a variable is one
state on another scale its values are brought to the state's own; sums and ratios of states stay
what they are and become observables of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twinlab.errors import ExpressionError, UserError
from twinlab.expressions import FUNCTIONS, format_number
from twinlab.expressions.parser import parse_tree
from twinlab.expressions.tree import Chain, Name, Negate, Node, Number

from .study import Note, Study, Trajectory

#: Coefficients of states by name; that of the empty name is the constant.
Linear = dict[str, float]

_LOGARITHM = re.compile(r"\s*(log10|log|ln)\s*\((.*)\)\s*")
_NAME = re.compile(r"[^\W\d]\w*")
ACCEPTED = "Write a sum of states with numbers, a ratio of two such sums, or log10(state)."


@dataclass(frozen=True)
class Observed:
    """An expression as ``numerator/denominator``, both linear in the states, or its logarithm.

    Attributes
    ----------
    numerator, denominator : mapping of state to float
        The constant has the empty name.
    base : float
        Base of the logarithm; 0 for none.
    """

    numerator: Linear
    denominator: Linear
    base: float = 0.0

    @property
    def states(self) -> tuple[str, ...]:
        """States the expression holds, in order of appearance."""
        return tuple(dict.fromkeys(n for n in (*self.numerator, *self.denominator) if n))

    @property
    def affine(self) -> tuple[float, float] | None:
        """Scale and offset where the expression is one state on another scale."""
        if len(self.states) != 1 or set(self.denominator) - {""}:
            return None
        below = self.denominator[""]
        return self.numerator[self.states[0]] / below, self.numerator.get("", 0.0) / below


def parse_observed(text: str) -> Observed:
    """Parse the expression of a measured variable.

    Raises
    ------
    ExpressionError
        It is no sum of states, no ratio of two sums and no logarithm of a state.
    """
    if not isinstance(text, str):
        raise UserError("An observed expression must be text.", mend='Write it as "S + E".')
    found = _LOGARITHM.fullmatch(text)
    if found:
        inner = _parse(found[2])
        affine = inner.affine
        if affine is None or affine[1] != 0.0 or affine[0] <= 0.0:
            raise ExpressionError(
                "Only the logarithm of one state, times a positive number, can be observed.",
                text, 0, mend="Write log10(state).",
            )  # fmt: skip
        return replace(inner, base=10.0 if found[1] == "log10" else float(np.e))
    out = _parse(text)
    if not out.states:
        raise ExpressionError("The expression holds no state.", text, 0, mend=ACCEPTED)
    return out


def _parse(text: str) -> Observed:
    names = tuple(dict.fromkeys(n for n in _NAME.findall(text) if n not in FUNCTIONS))
    node, text = parse_tree(text, names)
    numerator, denominator = _fraction(node, text)
    return Observed(_tidy(numerator), _tidy(denominator))


def _tidy(form: Linear) -> Linear:
    return {name: value for name, value in form.items() if value != 0.0}


def _fraction(node: Node, text: str) -> tuple[Linear, Linear]:
    if isinstance(node, Number):
        return {"": node.value}, {"": 1.0}
    if isinstance(node, Name):
        return {node.name: 1.0}, {"": 1.0}
    if isinstance(node, Negate):
        above, below = _fraction(node.operand, text)
        return _times(above, {"": -1.0}, node, text), below
    if not isinstance(node, Chain):
        raise _refused(node, text)
    above, below = _fraction(node.first, text)
    for step in node.steps:
        other, under = _fraction(step.operand, text)
        if step.operator == "/":
            other, under = under, other
        if step.operator in "*/":
            above = _times(above, other, node, text)
            below = _times(below, under, node, text)
            if not _tidy(below):
                raise ExpressionError("This divides by zero.", text, step.position)
            continue
        sign = {"": -1.0 if step.operator == "-" else 1.0}
        other = _times(other, sign, node, text)
        if _tidy(below) == _tidy(under):
            above = _plus(above, other)
        else:
            above = _plus(_times(above, under, node, text), _times(other, below, node, text))
            below = _times(below, under, node, text)
    return above, below


def _plus(a: Linear, b: Linear) -> Linear:
    return {name: a.get(name, 0.0) + b.get(name, 0.0) for name in (*a, *b)}


def _times(a: Linear, b: Linear, node: Any, text: str) -> Linear:
    """Product of two linear forms of which one is a number."""
    if set(_tidy(b)) - {""}:
        a, b = b, a
    if set(_tidy(b)) - {""}:
        raise _refused(node, text)
    return {name: value * b.get("", 0.0) for name, value in a.items()}


def _refused(node: Any, text: str) -> ExpressionError:
    return ExpressionError(
        "An observed expression cannot hold this: it is no sum of states and no ratio of sums.",
        text,
        getattr(node, "position", 0),
        mend=ACCEPTED,
    )


def observe(study: Study, observed: Mapping[str, str]) -> Study:
    """Say what measured variables measure.

    A variable that is one state on another scale (``2.5*A + 0.1``, ``log10(virus)``) becomes that
    state; of a logarithm the noise is log-normal.  Sums and ratios are kept in ``Study.derived``.

    Parameters
    ----------
    study : Study
    observed : mapping of variable to expression in states

    Raises
    ------
    UserError
        A variable that the data do not have, a state measured twice on transformed scales, or an
        expression that cannot be taken.
    """
    for name, text in observed.items():
        study = _observe(study, name, text)
    return study


def _observe(study: Study, name: str, text: str) -> Study:
    if name not in study.variables:
        raise UserError(
            f"observed: the data have no variable '{name}'.",
            mend=f"They have {', '.join(study.variables)}.",
        )
    form = parse_observed(text)
    affine = form.affine
    if affine is not None:
        state = form.states[0]
        free = state == name or state not in study.variables
        if free and (form.base or affine[0] > 0.0):
            return _as_state(study, name, state, text, form.base, affine)
        if form.base:
            raise UserError(
                f"observed: {name} is {text}, but {state} is measured by another variable too.",
                mend="Keep one of the two.",
            )
    if name in form.states:
        raise UserError(
            f"observed: {name} = {text} defines the variable by itself.",
            mend="Give the measured variable another name than the states.",
        )
    return replace(study, derived={**study.derived, name: text})


def _as_state(
    study: Study, name: str, state: str, text: str, base: float, affine: tuple[float, float]
) -> Study:
    """Bring the values of one variable to the scale of the state it measures."""
    scale, offset = affine
    place = study.variables.index(name)

    def changed(t: Trajectory) -> Trajectory:
        value, sd, spread = t.value.copy(), t.sd.copy(), t.spread.copy()
        y = value[:, place]
        if base:
            y = np.exp(y * np.log(base))
            factor = np.log(base) * y / scale
        else:
            factor = np.full(y.shape, 1.0 / scale)
        value[:, place] = (y - offset) / scale
        sd[:, place] *= factor
        spread[:, place] = np.nan_to_num(spread[:, place] * factor**2)
        return replace(t, value=value, sd=sd, spread=spread)

    variables = tuple(state if v == name else v for v in study.variables)
    units = {k: u for k, u in study.units.items() if k != name}
    if text.strip() == state and name in study.units:
        units[state] = study.units[name]
    told = ""
    if base:
        told = f"{name} is read as {text}: its noise is log-normal on the scale of {state}."
    elif (scale, offset) != (1.0, 0.0):
        told = f"{name} is read as {text}: values of {state} are ({name} - " + (
            f"{format_number(offset)})/{format_number(scale)}."
        )
    return replace(
        study,
        variables=variables,
        trajectories=tuple(changed(t) for t in study.trajectories),
        units=units,
        logarithmic=(*study.logarithmic, state) if base else study.logarithmic,
        notes=(*study.notes, Note("note", told)) if told else study.notes,
    )
