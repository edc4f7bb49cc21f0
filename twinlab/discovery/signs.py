"""Signs that coefficients are likely to have because quantities are never negative."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twinlab.library import Library
from twinlab.study import Study

Array = NDArray[np.float64]


def sign_log_odds(library: Library, nonnegative: NDArray[np.bool_], odds: float) -> Array:
    """Prior log-odds of positive coefficients where quantities are never negative.

    A flow out of an amount must cease when nothing is left (essential nonnegativity; Haddad,
    Chellaboina and Hui 2010, Nonnegative and Compartmental Dynamical Systems, definition 2.6): a
    sign that would drive an amount below zero is unlikely, though not impossible, beforehand.

    Parameters
    ----------
    library : Library
    nonnegative : (n_state,) bool array
        States whose data hold no negative value.
    odds : float
        Log-odds of the harmless sign, nats.

    Returns
    -------
    (n_column,) array
        Zero where either sign is harmless, or both do harm.
    """
    out = np.zeros(len(library.columns))
    for c, column in enumerate(library.columns):
        term = library.terms[column.term]
        harm = {
            np.sign(value) * sign
            for e, value in column.stoichiometry
            if nonnegative[e] and (sign := term.sign_without(library.states[e])) != 0
        }
        if len(harm) == 1:
            out[c] = odds * harm.pop()
    return out


def nonnegative_names(study: Study) -> set[str]:
    """Variables without a negative value."""
    least = np.nanmin([np.nanmin(t.value, axis=0, initial=np.inf) for t in study.trajectories], 0)
    return {name for name, value in zip(study.variables, least, strict=True) if value >= 0}
