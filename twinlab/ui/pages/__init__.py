"""The pages: workbench and clinic."""

from .clinic import Clinic, clinic
from .workbench import Workbench, workbench

__all__ = ["Clinic", "Workbench", "clinic", "workbench"]
