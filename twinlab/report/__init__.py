"""Reports: the result as a self-contained HTML page, and as text for a terminal."""

from .page import report_html, write_report
from .summary import summary_text

__all__ = ["report_html", "summary_text", "write_report"]
