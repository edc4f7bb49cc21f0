"""Reports: the result as a self-contained HTML page, and as text for a terminal."""

from .exports import export
from .page import report_html, write_report
from .python_export import python_text, write_python
from .summary import summary_text
from .validation_page import validation_html, write_validation

__all__ = [
    "export",
    "python_text",
    "report_html",
    "summary_text",
    "validation_html",
    "write_python",
    "write_report",
    "write_validation",
]
