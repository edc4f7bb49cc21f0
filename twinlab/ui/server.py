"""One server for both pages, on the loopback interface unless told otherwise."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import panel as pn

from twinlab.errors import UserError

from .page import prepare_panel
from .pages import clinic, workbench
from .panels.data import MAX_UPLOAD
from .warm import KERNELS

_INDEX = Path(__file__).parent / "index.html"
#: A message holds one upload chunk, base64 and all; the reader's limit with room for both.
_MESSAGE_SIZE = 2 * MAX_UPLOAD


def _check_port(port: int, address: str) -> None:
    """Say in words that a port is taken, before anything starts."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                problem = f"Port {port} of {address} is taken."
            elif error.errno in (errno.EACCES, errno.EPERM):
                problem = f"Port {port} may not be used without special rights."
            else:
                problem = f"Address {address} cannot be used ({error.strerror})."
            raise UserError(problem, mend="Choose another with --port.") from error


def serve(
    port: int = 5006,
    address: str = "127.0.0.1",
    *,
    open_browser: bool = True,
    allow_origins: Sequence[str] = (),
    threaded: bool = False,
    verbose: bool = True,
    keep_seconds: float = 15.0,
) -> Any:
    """Serve the workbench at /workbench and the clinic at /clinic; / is their index.

    Parameters
    ----------
    port : int
        0 takes any free one.
    address : str
        Interface to listen on.
    open_browser : bool
        Whether to open the index in a browser.
    allow_origins : sequence of str
        Further ``host:port`` a browser may come from; the address itself is always one.
    threaded : bool
        Serve in a thread of its own and return it, instead of serving until interrupted.
    verbose : bool
        Whether to print where the pages are.
    keep_seconds : float
        How long the session of a closed page is kept, should it come back.

    Raises
    ------
    UserError
        The port is taken, or the address is not this machine's.
    """
    _check_port(port, address)
    prepare_panel()
    KERNELS.start()
    origins = [f"{name}:{port}" for name in dict.fromkeys((address, "localhost", "127.0.0.1"))]
    if verbose:
        print(
            f"TwinLab: http://{address}:{port}/workbench and http://{address}:{port}/clinic",
            flush=True,
        )
    return pn.serve(
        {"workbench": workbench, "clinic": clinic},
        port=port,
        address=address,
        websocket_origin=[*origins, *allow_origins],
        websocket_max_message_size=_MESSAGE_SIZE,
        unused_session_lifetime_milliseconds=round(1000 * keep_seconds),
        check_unused_sessions_milliseconds=round(1000 * keep_seconds),
        index=str(_INDEX),
        title={"workbench": "TwinLab workbench", "clinic": "TwinLab clinic"},
        show=open_browser,
        threaded=threaded,
        verbose=False,
    )
