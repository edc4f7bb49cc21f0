"""Compilation of the kernels, and of what is kept of it between runs.

Numba looks at the file of a kernel before it loads the machine code it has kept, but not at those
of the kernels which that one calls: after an update the old code of a caller would run on, or fail
to load.  So what was compiled from other sources than today's is thrown away.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from numba import njit

from twinlab.expressions import kinds

#: Beside the kept code: of which sources it is.
STAMP = "twinlab-kernels.stamp"


@cache
def sources_digest() -> str:
    """Digest of all that the kernels are compiled from."""
    digest = sha256()
    for path in (Path(kinds.__file__), *sorted(Path(__file__).parent.glob("*.py"))):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def discard_stale(folder: Path) -> None:
    """Throw away machine code in a folder that other sources were compiled to.

    Parameters
    ----------
    folder : Path
        Where numba keeps it.  One that cannot be written to is left as it is.
    """
    stamp = folder / STAMP
    try:
        if stamp.is_file() and stamp.read_text(encoding="ascii") == sources_digest():
            return
        for kept in (*folder.glob("*.nbi"), *folder.glob("*.nbc")):
            kept.unlink(missing_ok=True)
        ready = folder / f"{STAMP}.{os.getpid()}"
        ready.write_text(sources_digest(), encoding="ascii")
        ready.replace(stamp)
    except (OSError, UnicodeError):
        return


_discard_once = cache(discard_stale)


def _compiler(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    compile_later = njit(cache=True, nogil=True, error_model="numpy", **options)

    def decorate(function: Callable[..., Any]) -> Any:
        kernel = compile_later(function)
        _discard_once(Path(kernel.stats.cache_path))
        return kernel

    return decorate


jit = _compiler()
#: For what only other kernels call: no entry from Python is compiled.
jit_internal = _compiler(no_cpython_wrapper=True, no_cfunc_wrapper=True)
#: For what is called at every stage of every step: passing the tables (some hundred numbers that
#: describe their arrays) to a function costs more than evaluating a small model.
jit_inline = _compiler(inline="always")
