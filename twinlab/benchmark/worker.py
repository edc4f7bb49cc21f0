"""A process that measures what it is told to: ``python -m twinlab.benchmark.worker``.

Requests come as JSON lines on standard input, events and rows go as JSON lines to standard
output; what a method prints goes to standard error.  When its input ends, it ends at once.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Mapping
from typing import Any

from .measure import measure


def main() -> None:
    """Serve requests until the input ends."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            requests.put(line)
        os._exit(0)  # the parent has gone: nobody wants the answer any more

    def tell(event: Mapping[str, Any]) -> None:
        out.write(json.dumps(event) + "\n")
        out.flush()

    threading.Thread(target=listen, daemon=True).start()
    while True:
        request = json.loads(requests.get())
        try:
            tell({"event": "row", "row": measure(request, tell)})
        except Exception as error:  # the bench itself is at fault: said, and the bench goes on
            words = " ".join(f"{type(error).__name__}: {error}".split())
            traceback.print_exc()
            tell({"event": "fault", "failure": words})


if __name__ == "__main__":
    main()
