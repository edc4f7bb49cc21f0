"""Names in a header: roles and their aliases, units written with a name, identifiers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from twinlab.errors import UserError
from twinlab.expressions import FUNCTIONS

from .problems import listing

# Names a column may have for each role, normalised; the role's own name is the documented one.
_ALIAS_WORDS = {
    "subject": (
        "subject id subject_id subjectid subj patient patient_id patientid participant"
        " participant_id individual animal animal_id mouse mouse_id rat donor usubjid"
    ),
    "condition": "condition group arm treatment cohort experiment treatment_group",
    "time": "time t times elapsed elapsed_time timepoint time_point zeit temps tiempo",
    "time_unit": "time_unit time_units timeunit",
    "variable": "variable var analyte observable species measurand biomarker marker",
    "value": "value values val concentration conc dv observation obs result wert",
    "unit": "unit units",
    "sd": "sd std stdev std_dev stddev standard_deviation",
    "replicate": "replicate rep repl replicate_id technical_replicate",
    "flag": "flag flags qualifier censored cens blq bloq",
    "dose": "dose dose_level",
    "dose_unit": "dose_unit dose_units",
    "amount": "amount amt dose_amount",
    "amount_unit": "amount_unit amount_units",
    "target": "target compartment cmt",
    "duration": "duration dur infusion_duration",
    "rate": "rate infusion_rate",
    "interval": "interval ii dosing_interval dose_interval",
    "additional": "additional addl additional_doses",
}
ALIASES = {role: frozenset(words.split()) for role, words in _ALIAS_WORDS.items()}

_TIME_UNITS = {
    "ms": "ms msec millisecond milliseconds",
    "s": "s sec secs second seconds",
    "min": "min mins minute minutes",
    "h": "h hr hrs hour hours std stunde stunden",
    "day": "d day days tag tage",
    "week": "w wk wks week weeks",
    "month": "mo month months",
    "year": "y yr yrs year years",
}
TIME_UNITS = {word: unit for unit, words in _TIME_UNITS.items() for word in words.split()}
#: A column named after a unit alone is a time column, but for single letters.
_UNIT_COLUMNS = {
    word: unit
    for word, unit in TIME_UNITS.items()
    if len(word) > 1 and word not in ("ms", "std", "mo", "min", "tag", "tage")
}

_BRACKETS = re.compile(r"(?P<name>.*?)\s*(?:\[(?P<square>[^\[\]]*)\]|\((?P<round>[^()]*)\))")
_UNIT_LIKE = re.compile(
    r"[%‰]|.*[/^·%µμ°].*|.+ \w+[-−⁻][1-3¹²³]|a\.?u\.?|.*\b(?:per)\b.*"
    r"|[numkµμpf]?(?:g|l|m|mol|M|L|U|IU|Da|cells|copies|units?|mol/l)|(?:cm|mm|m|um)\^?[23]"
    r"|[numk]?mol|percent|fraction|counts?|cells|copies|people|individuals|IU|kg|log10.*|OD\d*|RFU|"
    r"[numµ]?[sh]|min|days?|hours?",
)
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "κ": "kappa",
    "λ": "lambda", "μ": "mu", "µ": "mu", "σ": "sigma", "τ": "tau", "ω": "omega",
}  # fmt: skip


@dataclass(frozen=True)
class Heading:
    """A column heading taken apart: name, its normalised form, and the unit written with it."""

    text: str
    name: str
    key: str
    unit: str = ""


def heading(text: str) -> Heading:
    """Take ``glucose [mg/dL]`` or ``glucose (mg/dL)`` apart.

    Square brackets always hold a unit; round ones only what looks like a unit, so that
    ``IL-6 (plasma)`` stays a name.
    """
    name, unit = text, ""
    match = _BRACKETS.fullmatch(text.strip())
    if match and match["name"]:
        inside = (match["square"] if match["square"] is not None else match["round"]).strip()
        if match["square"] is not None or looks_like_unit(inside):
            name, unit = match["name"], inside
    return Heading(text, name, normal(name), unit)


def looks_like_unit(text: str) -> bool:
    """Whether a text in round brackets is plainly a unit."""
    return bool(text) and (text.lower() in TIME_UNITS or bool(_UNIT_LIKE.fullmatch(text)))


def normal(name: str) -> str:
    """Lower case, with one underscore for every run of blanks, dots and dashes."""
    return re.sub(r"[\s._\-]+", "_", name.strip().lower()).strip("_")


def role_of(column: Heading, roles: Iterable[str]) -> str | None:
    """Role that a heading names, exactly or by an alias; None when it names none."""
    roles = tuple(roles)
    for role in roles:
        if column.key in ALIASES[role]:
            return role
    for role in roles:
        if role == "time" and time_heading(column) is not None:
            return role
        if role in ("amount", "duration") and re.fullmatch(rf"{role}_\w+", column.key):
            return role
    return None


def assign_roles(
    columns: Sequence[Heading], roles: Iterable[str], file: str, line: int
) -> dict[str, int]:
    """Give each role its column: the documented name before an alias.

    Raises
    ------
    UserError
        Two aliases compete for one role and neither is the documented name.
    """
    found: dict[str, list[int]] = {}
    for index, column in enumerate(columns):
        role = role_of(column, roles)
        if role is not None:
            found.setdefault(role, []).append(index)
    chosen = {}
    for role, places in found.items():
        exact = [i for i in places if columns[i].key == role]
        if len(exact or places) > 1:
            names = listing(columns[i].text for i in exact or places)
            raise UserError(
                f"the columns {names} can each be the {role}.",
                file=file,
                row=line,
                mend=f"Rename the right one to '{role}', and remove or rename the others.",
            )
        chosen[role] = exact[0] if exact else places[0]
    return chosen


def time_heading(column: Heading) -> str | None:
    """Unit of a time column ('' when it names none), or None for a column that is not time."""
    if column.key in ALIASES["time"]:
        return TIME_UNITS.get(column.unit.lower(), column.unit)
    match = re.fullmatch(r"(?:time|t|times|zeit)(?:_in)?_([a-z]+)", column.key)
    if match and match[1] in TIME_UNITS:
        return TIME_UNITS[match[1]]
    if column.key in _UNIT_COLUMNS and not column.unit:
        return _UNIT_COLUMNS[column.key]
    return None


def find_time(cells: Sequence[str]) -> int | None:
    """Index of the first cell that would be a time column's heading."""
    for index, cell in enumerate(cells):
        if time_heading(heading(cell)) is not None:
            return index
    return None


def identifier(name: str) -> str:
    """Name valid in the term language: ``TNF-α`` becomes ``TNF_alpha``, ``2h`` ``v_2h``."""
    text = "".join(_GREEK.get(letter, letter) for letter in name)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    text = re.sub(r"\W+", "_", text).strip("_") or "variable"
    if text[0].isdigit():
        text = f"v_{text}"
    return f"{text}_" if text in FUNCTIONS else text


def identifiers(names: Sequence[str]) -> tuple[str, ...]:
    """Identifiers of several names, made different by a number where two would be the same."""
    plain = [identifier(name) for name in names]
    # Names that need no change keep it, whatever comes before them.
    taken = {new for new, old in zip(plain, names, strict=True) if new == old}
    result = []
    for new, old in zip(plain, names, strict=True):
        unique, number = new, 2
        while unique != old and unique in taken:
            unique, number = f"{new}_{number}", number + 1
        taken.add(unique)
        result.append(unique)
    return tuple(result)
