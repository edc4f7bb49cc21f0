"""The sample data that come with TwinLab: where they are and what they are called."""

from __future__ import annotations

from pathlib import Path

import twinlab

_PACKAGE = Path(twinlab.__file__).parent
#: The sample that opens first.
FIRST = "lynx_hare"


def sample_folder() -> Path | None:
    """The folder of the samples: inside an installed package, beside it in a checkout."""
    for folder in (_PACKAGE / "sample_data", _PACKAGE.parent / "sample_data"):
        if folder.is_dir():
            return folder
    return None


def samples() -> dict[str, Path]:
    """Title and file of every sample, the one that opens first in front."""
    folder = sample_folder()
    if folder is None:
        return {}
    files = [
        path
        for path in sorted((*folder.glob("*.csv"), *folder.glob("*/*.csv")))
        if not path.stem.endswith("doses")
    ]
    files.sort(key=lambda path: path.stem != FIRST)
    return {_title(path): path for path in files}


def _title(path: Path) -> str:
    name = path.parent.name if path.stem == "data" else path.stem
    return name.replace("_", " ").capitalize()
