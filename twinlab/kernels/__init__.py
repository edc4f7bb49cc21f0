"""Numba kernels: table-driven right-hand sides, integrators, regression and selection.

Arrays in, arrays out; every kernel releases the interpreter lock and is cached on disk.
"""

from .elastic_net import elastic_net_path, standardised_path
from .flow import Drive, Tolerance, evaluate_terms
from .integrate import OK, STATUS_TEXT, integrate, integrate_draws
from .regression import Data, Initial, normal_equations, polish
from .sensitivity import trajectory_sensitivity
from .spike_slab import spike_slab_search
from .spike_slab_state import Regression

__all__ = [
    "OK",
    "STATUS_TEXT",
    "Data",
    "Drive",
    "Initial",
    "Regression",
    "Tolerance",
    "elastic_net_path",
    "evaluate_terms",
    "integrate",
    "integrate_draws",
    "normal_equations",
    "polish",
    "spike_slab_search",
    "standardised_path",
    "trajectory_sensitivity",
]
