"""A feature library for PySINDy that holds exactly the project's candidate terms.

Importing this module needs pysindy (the ``bench`` extra).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pysindy.feature_library.base import BaseFeatureLibrary, x_sequence_or_item
from pysindy.utils import AxesArray

from twinlab.expressions import Term


class TermLibrary(BaseFeatureLibrary):
    """Terms over states, as PySINDy features in the same order.

    Parameters
    ----------
    terms : tuple of Term
    states : tuple of str
        Names of the columns of the data.
    """

    def __init__(self, terms: tuple[Term, ...], states: tuple[str, ...]) -> None:
        super().__init__()
        self.terms = terms
        self.states = states

    @x_sequence_or_item
    def fit(self, x_full: Any, y: Any = None) -> TermLibrary:
        """Note the number of features."""
        self.n_features_in_ = len(self.states)
        self.n_output_features_ = len(self.terms)
        return self

    @x_sequence_or_item
    def transform(self, x_full: Any) -> list[AxesArray]:
        """Evaluate every term; the last axis becomes that of the features."""
        result = []
        for x in x_full:
            data = np.asarray(x)
            values = {state: data[..., i] for i, state in enumerate(self.states)}
            features = np.stack([term.evaluate(values) for term in self.terms], axis=-1)
            result.append(AxesArray(features, x.axes))
        return result

    def get_feature_names(self, input_features: Any = None) -> list[str]:
        """Text of every term."""
        return [term.text for term in self.terms]
