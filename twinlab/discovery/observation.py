"""How measured variables depend on the states: the numeric side of ``Study.derived``."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.library import Library
from twinlab.study import Study
from twinlab.study.observed import parse_observed

Array = NDArray[np.float64]

#: A state follows from the observables where this much of it lies in what they determine.
DETERMINED = 0.999


@dataclass(frozen=True)
class Observation:
    """Observables: every state itself, then ratios ``(N x + n)/(D x + d)`` of states.

    Attributes
    ----------
    names : tuple of str
        Of the derived observables.
    numerator, denominator : (n_derived, n_state + 1) arrays
        Coefficients of the states, then the constant.
    in_log : (n_state + n_derived,) bool array
        Measured on the log scale.
    unmeasured : tuple of str
        States that no data column measures by itself.
    """

    names: tuple[str, ...]
    numerator: Array
    denominator: Array
    in_log: NDArray[np.bool_]
    unmeasured: tuple[str, ...]

    def observe(self, x: Array) -> Array:
        """Observables (..., n_state + n_derived) of states (..., n_state)."""
        if not self.names:
            return x
        above = x @ self.numerator[:, :-1].T + self.numerator[:, -1]
        below = x @ self.denominator[:, :-1].T + self.denominator[:, -1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.concatenate([x, above / below], axis=-1)

    def extended(self, names: tuple[str, ...], weights: Array) -> Observation:
        """With weighted sums of states (n_new, n_state) behind."""
        above = np.column_stack([weights, np.zeros(len(names))])
        below = np.zeros_like(above)
        below[:, -1] = 1.0
        return replace(
            self,
            names=(*self.names, *names),
            numerator=np.ascontiguousarray(np.concatenate([self.numerator, above])),
            denominator=np.ascontiguousarray(np.concatenate([self.denominator, below])),
            in_log=np.append(self.in_log, np.zeros(len(names), bool)),
        )

    def on_scale(self, y: Array) -> Array:
        """Observables (..., n_observable) on the scale on which they were measured."""
        if not self.in_log.any():
            return y
        return np.where(self.in_log, np.log(np.maximum(y, 1e-300)), y)

    def linear_part(self, x: Array) -> Array:
        """What a change of the states (..., n_state) adds to each observable.

        Ratios, to which nothing is simply added, are left at zero.
        """
        if not self.names:
            return x
        plain = ~self.denominator[:, :-1].any(axis=1)
        below = np.where(plain, self.denominator[:, -1], 1.0)
        slope = np.where(plain, self.numerator[:, :-1].T / below, 0.0)
        return np.concatenate([x, x @ slope], axis=-1)

    def solve(self, y: Array, unseen: NDArray[np.int64]) -> tuple[NDArray[np.bool_], Array]:
        """States that follow from the others and the derived observables, by least squares.

        ``(N - y D) x = y d - n`` is linear in the states.

        Parameters
        ----------
        y : (..., n_state + n_derived) array
            Observables; the columns of unseen states are not read.
        unseen : (n_unseen,) int array

        Returns
        -------
        found : (n_unseen,) bool array
            Which unseen states follow everywhere.
        states : (..., n_state) array
        """
        n_state = self.numerator.shape[1] - 1
        states = y[..., :n_state].copy()
        if not self.names:
            return np.zeros(unseen.size, bool), states
        derived = y[..., n_state:]
        rows = self.numerator[:, :-1] - derived[..., None] * self.denominator[:, :-1]
        right = derived * self.denominator[:, -1] - self.numerator[:, -1]
        known = np.setdiff1d(np.arange(n_state), unseen)
        right = right - np.einsum("...qs,...s->...q", rows[..., known], states[..., known])
        matrix = rows[..., unseen]
        inverse = np.linalg.pinv(matrix)
        states[..., unseen] = np.einsum("...uq,...q->...u", inverse, right)
        share = np.einsum("...uq,...qu->...u", inverse, matrix).reshape(-1, unseen.size)
        return np.median(share, axis=0) > DETERMINED, states


def make_observation(study: Study, library: Library) -> Observation:
    """Observables of a study in terms of a library's states.

    Raises
    ------
    UserError
        A state that is neither measured nor latent nor in an observed expression, a latent state
        that has data, an expression or an initial value of an unknown state.
    """
    names = tuple(n for n in study.derived if n in study.variables)
    forms = [parse_observed(study.derived[n]) for n in names]
    for name, form in zip(names, forms, strict=True):
        for state in form.states:
            if state not in library.states:
                raise UserError(
                    f"{name} is observed as {study.derived[name]}, but '{state}' is no state.",
                    mend=f"States are {', '.join(library.states)}.",
                )
    for name in study.initial:
        if name not in library.states:
            raise UserError(
                f"There is an initial value for '{name}', which is no state.",
                mend=f"States are {', '.join(library.states)}.",
            )
    indirect = {state for form in forms for state in form.states}
    measured = {name for name in study.variables if study.has_values(name)}
    for name in library.latent:
        if name in measured:
            raise UserError(
                f"{name} is declared latent (never measured), but the data hold values of it.",
                mend="Take it out of the latent states, or leave the variable out.",
            )
    allowed = {*measured, *library.latent, *indirect}
    missing = [n for n in library.states if n not in allowed]
    missing += [n for n in library.inputs if n not in study.variables]
    if missing:
        raise UserError(
            f"The library uses {', '.join(missing)}, which the data do not hold.",
            mend=f"The data hold {', '.join(study.variables)}; a state never measured is declared "
            "latent.",
        )
    if not any(n in measured for n in (*library.states, *names)):
        raise UserError("No state is measured.", mend="Name a measured state.")
    place = {state: e for e, state in enumerate(library.states)} | {"": len(library.states)}
    numerator, denominator = np.zeros((2, len(names), len(place)))
    for q, form in enumerate(forms):
        for state, value in form.numerator.items():
            numerator[q, place[state]] = value
        for state, value in form.denominator.items():
            denominator[q, place[state]] = value
    columns = (*library.states, *names)
    return Observation(
        names,
        np.ascontiguousarray(numerator),
        np.ascontiguousarray(denominator),
        np.array([n in study.logarithmic for n in columns], bool),
        tuple(n for n in library.states if n not in measured),
    )
