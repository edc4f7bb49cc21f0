"""Reports: the result as a self-contained HTML page, and as text for a terminal."""

from .page import report_html, write_report
from .summary import summary_text
from .validation_page import validation_html, write_validation

__all__ = [
    "report_html",
    "summary_text",
    "validation_html",
    "write_report",
    "write_validation",
]
