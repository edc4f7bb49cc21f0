"""The names a library is made over, and checks of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Union, cast

from twinlab.errors import UserError
from twinlab.expressions import FUNCTIONS, known_names, shown
from twinlab.study import Study

if TYPE_CHECKING:
    from .library import Library


@dataclass(frozen=True)
class Names:
    """States (each has an equation), inputs (only drive), and units where they are known."""

    states: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)

    @property
    def all(self) -> tuple[str, ...]:
        """States, then inputs: the order of variables in every table."""
        return self.states + self.inputs


#: What a library can be made over: a study, another library, or plain names.
NameSource = Union[Study, "Library", Names, Iterable[str]]


def resolve(
    source: NameSource,
    states: Iterable[str] | None = None,
    inputs: Iterable[str] = (),
) -> Names:
    """Find states and inputs: those given, else every name of `source` that is not an input.

    Raises
    ------
    UserError
        A name that the study does not have, a repeated one, or one the term language reserves.
    """
    inputs = _listed(inputs, "inputs")
    if isinstance(source, str):
        raise UserError(
            f"A list of names is needed, not the text '{source}'.", mend=f"Write ['{source}']."
        )
    if isinstance(source, Study):
        known, units = source.variables, dict(source.units)
        for name in inputs:
            if name not in known:
                raise UserError(
                    f"The study has no variable '{name}' to be an input.",
                    mend=known_names(name, known),
                )
    elif isinstance(made := source, Names) or hasattr(source, "column_label"):
        library = cast("Names", made)  # a library has the same three attributes
        known, units = library.states, dict(library.units)
        inputs = inputs or library.inputs
    else:
        known, units = tuple(cast("Iterable[str]", source)), {}
    chosen = (
        _listed(states, "states")
        if states is not None
        else tuple(name for name in known if name not in inputs)
    )
    check_names(chosen + inputs)
    return Names(chosen, inputs, {n: units[n] for n in chosen + inputs if units.get(n)})


def _listed(names: Iterable[str], what: str) -> tuple[str, ...]:
    if isinstance(names, str):
        raise UserError(f"{what} must be a list of names, not the text '{names}'.")
    return tuple(names)


def check_names(names: tuple[str, ...]) -> None:
    """Refuse names that a term could not use."""
    for i, name in enumerate(names):
        if not isinstance(name, str) or not name.isidentifier():
            raise UserError(
                f"{shown(name)} cannot name a variable.",
                mend="Use letters, digits and _, not beginning with a digit.",
            )
        if name in FUNCTIONS:
            raise UserError(
                f"The name '{name}' is a function of the term language.",
                mend=f"Rename the variable, for example to {name}_.",
            )
        if name in names[:i]:
            raise UserError(f"The name '{name}' appears twice among states and inputs.")


def check_known(wanted: Iterable[str], names: tuple[str, ...], what: str) -> tuple[str, ...]:
    """Return `wanted` as a tuple, refusing names that are not in `names`."""
    wanted = _listed(wanted, what)
    for name in wanted:
        if name not in names:
            text = name if isinstance(name, str) else shown(name)
            raise UserError(
                f"{what}: there is no variable '{text}'.", mend=known_names(text, names)
            )
    return wanted
