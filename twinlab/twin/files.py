"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from twinlab.errors import UserError


def write_atomically(path: str | Path, content: bytes) -> Path:
    """Write `content` beside `path` under another name, then rename it into place.

    Whoever reads the file at any moment sees the old content or the new, never a part; missing
    folders are made.

    Raises
    ------
    UserError
        The folder cannot be made or written to.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            f"the file cannot be written ({reason}).",
            file=path.name,
            mend="Choose a folder you may write to.",
        ) from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return path


def _umask() -> int:
    """The process's file mode mask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
