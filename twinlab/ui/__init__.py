"""The interface: workbench and clinic pages, and the server that shows them."""

from .pages import clinic, workbench
from .server import serve

__all__ = ["clinic", "serve", "workbench"]
