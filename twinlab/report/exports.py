"""One door to what a twin can be written as for other programs."""

from __future__ import annotations

from pathlib import Path

from twinlab.discovery import discovery_mapping, dumps
from twinlab.errors import UserError
from twinlab.twin import Twin, write_atomically

from .python_export import write_python
from .variation import variation_csv

#: What a twin can be written as.
KINDS = ("python", "json", "coefficients")


def export(twin: Twin, kind: str, path: str | Path) -> Path:
    """Write a twin for other programs.

    Parameters
    ----------
    twin : Twin
    kind : str
        'python': a program of the twin's model that repeats its simulations, doses and inputs
        included (`write_python`); 'json': the whole discovery, as ``discovery.json``;
        'coefficients': a CSV of each subject's own coefficients, where some vary.
    path : path-like
        The file holds the ids of the subjects.

    Raises
    ------
    UserError
        An unknown kind, a file that cannot be written, or a model that cannot be put so.
    """
    if kind == "python":
        return write_python(twin, path)
    if kind == "json":
        return write_atomically(path, dumps(discovery_mapping(twin.discovery)).encode())
    if kind == "coefficients":
        return write_atomically(path, variation_csv(twin.discovery).encode())
    raise UserError(
        f"A twin cannot be written as '{kind}'.", mend=f"Choose one of {', '.join(KINDS)}."
    )
