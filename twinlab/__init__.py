"""TwinLab: from biomedical time series to sparse mechanistic ODE models with honest uncertainty.

The front door is lazy: ``import twinlab`` costs milliseconds, and numerical packages load when
a name that needs them is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinlab.discovery import Discovery, Settings, discover, reconsider
    from twinlab.errors import Cancelled, ExpressionError, UserError
    from twinlab.knowledge import Belief, Knowledge
    from twinlab.library import Library
    from twinlab.report import export, report_html, write_report
    from twinlab.study import Study, read_study
    from twinlab.twin import Simulation, Twin, Validation, validate

__version__ = "0.1.0"

_HOME = {
    "Belief": "knowledge",
    "Cancelled": "errors",
    "Discovery": "discovery",
    "ExpressionError": "errors",
    "Knowledge": "knowledge",
    "Library": "library",
    "Settings": "discovery",
    "Simulation": "twin",
    "Study": "study",
    "Twin": "twin",
    "UserError": "errors",
    "Validation": "twin",
    "discover": "discovery",
    "export": "report",
    "read_study": "study",
    "reconsider": "discovery",
    "report_html": "report",
    "validate": "twin",
    "write_report": "report",
}

__all__ = [
    "Belief",
    "Cancelled",
    "Discovery",
    "ExpressionError",
    "Knowledge",
    "Library",
    "Settings",
    "Simulation",
    "Study",
    "Twin",
    "UserError",
    "Validation",
    "__version__",
    "discover",
    "export",
    "read_study",
    "reconsider",
    "report_html",
    "validate",
    "write_report",
]


def __getattr__(name: str) -> Any:
    """Import the floor a public name lives on, when the name is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'twinlab' has no attribute '{name}'")
    value = getattr(import_module(f"twinlab.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
