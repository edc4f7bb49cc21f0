"""The ``library`` section of a study's YAML file to a `Library`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from twinlab.errors import ExpressionError, UserError
from twinlab.expressions import shown, suggestion
from twinlab.study import Study

from .library import Library
from .names import check_known, resolve, with_latent

KEYS = (
    "polynomial",
    "interactions",
    "mass_action",
    "hill",
    "michaelis_menten",
    "terms",
    "reactions",
)
HILL_KEYS = ("states", "half_saturation", "coefficient", "role")
MENTEN_KEYS = ("states", "half_saturation")


def library_from_config(
    study: Study,
    mapping: Mapping[str, Any],
    *,
    states: Iterable[str] | None = None,
    inputs: Iterable[str] = (),
    latent: Iterable[str] = (),
) -> Library:
    """Make the library that a mapping asks for.

    Parameters
    ----------
    study : Study
    mapping : mapping
        ``polynomial`` (degree), ``interactions`` and ``mass_action`` (true or false), ``hill``
        and ``michaelis_menten`` (a mapping or a list of mappings), ``terms`` and ``reactions``
        (lists of texts).
    states : iterable of str, optional
        Measured states; by default every variable that is not an input.
    inputs : iterable of str
        Variables that drive but have no equation.
    latent : iterable of str
        States that were never measured.

    Raises
    ------
    UserError
        The message begins with the key, as in ``library.hill: ...``.
    """
    if not isinstance(mapping, Mapping):
        raise UserError(
            "library: this must hold keys of its own.", mend=f"Keys: {', '.join(KEYS)}."
        )
    with _key("library"):
        _check_keys(mapping, KEYS)
    names = resolve(study, states, inputs)
    check_known(names.states, study.variables, "states")
    names = with_latent(names, latent)
    library = Library(names.states, names.inputs, units=names.units, latent=names.latent)
    for key, make in _makers(study, mapping, library).items():
        if mapping.get(key) is not None:
            with _key(f"library.{key}"):
                library = library + make()
    if not library.columns:
        raise UserError("library: it holds no terms.", mend="Write for example polynomial: 2.")
    return library


def _makers(
    study: Study, mapping: Mapping[str, Any], names: Library
) -> dict[str, Callable[[], Library]]:
    """What each key makes, in the order libraries are added."""
    interactions = _flag(mapping, "interactions", True)
    mass_action = _flag(mapping, "mass_action", False)
    return {
        "polynomial": lambda: Library.polynomial(names, mapping["polynomial"], interactions),
        "mass_action": lambda: (
            Library.mass_action(names) if mass_action else replace(names, terms=(), columns=())
        ),
        "hill": lambda: _sum(
            names,
            [
                Library.hill(names, study=study, **part)
                for part in _parts(mapping["hill"], HILL_KEYS)
            ],
        ),
        "michaelis_menten": lambda: _sum(
            names,
            [
                Library.michaelis_menten(names, study=study, **part)
                for part in _parts(mapping["michaelis_menten"], MENTEN_KEYS)
            ],
        ),
        "terms": lambda: Library.user_terms(names, _texts(mapping["terms"])),
        "reactions": lambda: Library.reactions(names, _texts(mapping["reactions"])),
    }


def _sum(names: Library, parts: Sequence[Library]) -> Library:
    total = replace(names, terms=(), columns=())
    for part in parts:
        total = total + part
    return total


@contextmanager
def _key(key: str) -> Iterator[None]:
    """Put the key in front of what is wrong."""
    try:
        yield
    except ExpressionError as error:
        raise ExpressionError(
            f"{key}: {error.problem}", error.text, error.position, mend=error.mend
        ) from error
    except UserError as error:
        raise UserError(f"{key}: {error.problem}", mend=error.mend) from error


def _check_keys(mapping: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in mapping:
        if key not in known:
            nearest = suggestion(str(key), known)
            hint = f"Did you mean '{nearest}'? " if nearest else ""
            raise UserError(
                f"the key '{key}' is not known.", mend=f"{hint}Keys: {', '.join(known)}."
            )


def _flag(mapping: Mapping[str, Any], key: str, default: bool) -> bool:
    value = mapping.get(key, default)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise UserError(f"library.{key}: this must be true or false, not {shown(value)}.")
    return value


def _parts(value: object, known: Sequence[str]) -> list[dict[str, Any]]:
    """One mapping or a list of them, keys checked and names brought into lists."""
    parts = []
    for part in value if isinstance(value, list) else [value]:
        if not isinstance(part, Mapping):
            raise UserError(
                f"this must hold keys of its own, not {shown(part)}.",
                mend="Write for example {states: [x], half_saturation: auto}.",
            )
        _check_keys(part, known)
        made = {str(key): item for key, item in part.items() if item is not None}
        if isinstance(made.get("states"), str):
            made["states"] = [made["states"]]
        if not isinstance(made.get("states", []), list):
            raise UserError(f"states must be a list of names, not {shown(made['states'])}.")
        parts.append(made)
    return parts


def _texts(value: object) -> list[str]:
    """A text or a list of texts; YAML reads the term 1 as a number, which is meant."""
    listed = value if isinstance(value, list) else [value]
    texts = []
    for item in listed:
        if isinstance(item, int | float) and not isinstance(item, bool):
            item = str(item)
        if not isinstance(item, str):
            raise UserError(
                f"this must be a list of texts; {shown(item)} is none.", mend="Quote it."
            )
        texts.append(item)
    return texts
