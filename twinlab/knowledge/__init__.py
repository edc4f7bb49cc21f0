"""What is believed before seeing data: required, excluded, sign, bounds, inclusion odds."""

from .belief import MACHINE, MACHINE_CAP, Belief
from .knowledge import Knowledge
from .prior import ColumnPrior, complexity_cost

__all__ = ["MACHINE", "MACHINE_CAP", "Belief", "ColumnPrior", "Knowledge", "complexity_cost"]
