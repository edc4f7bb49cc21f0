"""Bytes of a data file: size, kind and encoding are checked before anything is read as a table."""

from __future__ import annotations

import difflib
import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path

from twinlab.errors import UserError

MAX_BYTES = 64 * 1024 * 1024  #: larger files are refused before they are read
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".tab", ".dat")

_SAVE_AS_CSV = "Save the sheet as CSV (in Excel: File, Save as, 'CSV UTF-8') and read that file."
_LATER = {
    ".xlsx": ("an Excel workbook", _SAVE_AS_CSV),
    ".xls": ("an Excel workbook", _SAVE_AS_CSV),
    ".xlsm": ("an Excel workbook", _SAVE_AS_CSV),
    ".ods": ("a spreadsheet", _SAVE_AS_CSV),
    ".parquet": ("a Parquet file", "Write it as CSV, for example with pandas' to_csv."),
    ".sas7bdat": ("a SAS data set", "Export it as CSV."),
    ".rds": ("an R data file", "Write it as CSV with R's write.csv."),
    ".json": ("a JSON file", "Write the measurements as CSV."),
    ".yaml": ("a YAML file", "Name the data file; a YAML of settings is given with --config."),
    ".yml": ("a YAML file", "Name the data file; a YAML of settings is given with --config."),
}
_MAGIC = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PAR1", "a Parquet file"),
    (b"\x89HDF", "an HDF5 file"),
)
_TIDY_HELP = "A table has one header line and columns separated by commas, semicolons or tabs."


@dataclass(frozen=True)
class Source:
    """A text file that passed the checks on size, kind and encoding."""

    file: str
    text: str
    sha256: str
    size: int


def read_source(path: str | Path) -> Source:
    """Read a file from disk.

    Raises
    ------
    UserError
        No such file, a directory, too large, or what `check_bytes` refuses.
    """
    path = Path(path)
    name = path.name or str(path)
    try:
        status = path.stat()
    except FileNotFoundError:
        raise UserError("there is no such file.", file=name, mend=_similar(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"cannot be opened ({reason}).", file=name) from None
    if stat.S_ISDIR(status.st_mode):
        raise UserError("is a folder, not a file.", file=name, mend="Name a data file inside it.")
    if not stat.S_ISREG(status.st_mode):
        raise UserError("is not a regular file.", file=name, mend="Save the data to a file first.")
    _check_size(status.st_size, name)
    _check_suffix(name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"cannot be read ({error.strerror}).", file=name, mend="Check its permissions."
        ) from None
    return check_bytes(data, name)


def check_bytes(data: bytes, filename: str) -> Source:
    """Check size, kind and encoding of a file's bytes and decode them.

    Raises
    ------
    UserError
        Too large, empty, not text, not UTF-8.
    """
    name = Path(filename).name or filename
    _check_size(len(data), name)
    _check_suffix(name)
    if not data.strip(b"\xef\xbb\xbf \t\r\n"):
        raise UserError("the file is empty.", file=name, mend="Export the data again.")
    _check_kind(data, name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec drops a byte order mark before it counts.
        start = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        row = data.count(b"\n", 0, start) + 1
        raise UserError(
            f"byte 0x{data[start]:02X} is not UTF-8 text.",
            file=name,
            row=row,
            mend="Save the file as UTF-8 (in Excel: 'CSV UTF-8'; in an editor: encoding UTF-8).",
        ) from None
    return Source(name, text, hashlib.sha256(data).hexdigest(), len(data))


def _check_size(size: int, name: str) -> None:
    if size > MAX_BYTES:
        raise UserError(
            f"the file has {size / 2**20:,.0f} MB; the limit is {MAX_BYTES // 2**20} MB.",
            file=name,
            mend="Keep the variables and times that matter, or split it by subject.",
        )


def _check_suffix(name: str) -> None:
    later = _LATER.get(Path(name).suffix.lower())
    if later:
        raise UserError(
            f"is {later[0]}, which this version does not read.", file=name, mend=later[1]
        )


def _check_kind(data: bytes, name: str) -> None:
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            raise UserError(f"is not a table but {kind}.", file=name, mend=_TIDY_HELP)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UserError(
            "is UTF-16 text.", file=name, mend="Save it as UTF-8 (in Excel: 'CSV UTF-8')."
        )
    if b"\0" in data[:65536]:
        raise UserError("is not a table but a binary file.", file=name, mend=_TIDY_HELP)
    first = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    for sign, kind in ((b"{", "JSON"), (b"[", "JSON"), (b"<", "HTML or XML")):
        if first == sign:
            raise UserError(f"is not a table but looks like {kind}.", file=name, mend=_TIDY_HELP)


def _similar(path: Path) -> str:
    try:
        names = [p.name for p in path.parent.iterdir() if p.suffix.lower() in TABLE_SUFFIXES]
    except OSError:
        return "Check the name and the folder."
    near = difflib.get_close_matches(path.name, names, 1)
    return f"Did you mean '{near[0]}'?" if near else "Check the name and the folder."
