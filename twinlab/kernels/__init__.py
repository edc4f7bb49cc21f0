"""Numba kernels: table-driven right-hand sides, integrators, regression and selection.

Arrays in, arrays out; every kernel releases the interpreter lock and is cached on disk.
"""

from .design import Data
from .drive import Drive, eventless_drive, linear_pieces, no_drive
from .elastic_net import elastic_net_path, standardised_path
from .elastic_net_rows import elastic_net_path_rows
from .flow import Tolerance, evaluate_terms
from .integrate import OK, STATUS_TEXT, integrate, integrate_draws
from .lanes import integrate_lanes
from .lifted import piece_equations
from .likelihood import STUDENT_FREEDOM, excess_cost
from .local import Local, local_coefficients, nothing_local
from .regression import Initial, normal_equations, polish
from .sensitivity import trajectory_sensitivity
from .spike_slab import spike_slab_search
from .spike_slab_state import Regression

__all__ = [
    "OK",
    "STATUS_TEXT",
    "STUDENT_FREEDOM",
    "Data",
    "Drive",
    "Initial",
    "Local",
    "Regression",
    "Tolerance",
    "elastic_net_path",
    "elastic_net_path_rows",
    "evaluate_terms",
    "eventless_drive",
    "excess_cost",
    "integrate",
    "integrate_draws",
    "integrate_lanes",
    "linear_pieces",
    "local_coefficients",
    "no_drive",
    "normal_equations",
    "nothing_local",
    "piece_equations",
    "polish",
    "spike_slab_search",
    "standardised_path",
    "trajectory_sensitivity",
]
