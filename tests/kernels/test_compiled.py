"""Machine code of other sources than today's is thrown away."""

from __future__ import annotations

from pathlib import Path

from twinlab.kernels import polish
from twinlab.kernels.compiled import STAMP, discard_stale, sources_digest


def kept(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {STAMP}


def filled(folder: Path) -> None:
    for name in ("polish-1.py311.nbi", "polish-1.py311.1.nbc", "polish.cpython-311.pyc"):
        (folder / name).write_bytes(b"old")


def test_code_of_other_sources_goes_and_what_python_keeps_stays(tmp_path):
    filled(tmp_path)
    discard_stale(tmp_path)
    assert kept(tmp_path) == {"polish.cpython-311.pyc"}
    assert (tmp_path / STAMP).read_text(encoding="ascii") == sources_digest()


def test_code_of_these_sources_stays(tmp_path):
    discard_stale(tmp_path)
    filled(tmp_path)
    discard_stale(tmp_path)
    assert len(kept(tmp_path)) == 3
    (tmp_path / STAMP).write_text("another", encoding="ascii")
    discard_stale(tmp_path)
    assert kept(tmp_path) == {"polish.cpython-311.pyc"}


def test_a_folder_that_is_not_there_is_no_error(tmp_path):
    discard_stale(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_kernels_are_kept_where_the_stamp_is():
    folder = Path(polish.stats.cache_path)
    assert (folder / STAMP).read_text(encoding="ascii") == sources_digest()
