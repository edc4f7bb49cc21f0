"""The names a library is made over, and checks of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Union, cast

from twinlab.errors import UserError
from twinlab.expressions import FUNCTIONS, known_names, shown
from twinlab.study import Study

if TYPE_CHECKING:
    from .library import Library


@dataclass(frozen=True)
class Names:
    """States (each has an equation), inputs (only drive), units, and states never measured."""

    states: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    latent: tuple[str, ...] = ()

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
    latent: tuple[str, ...] = ()
    if isinstance(source, Study):
        known = tuple(v for v in source.variables if v not in source.derived)
        units = dict(source.units)
        for name in inputs:
            if name not in known:
                raise UserError(
                    f"The study has no variable '{name}' to be an input.",
                    mend=known_names(name, known),
                )
    elif isinstance(made := source, Names) or hasattr(source, "column_label"):
        library = cast("Names", made)  # a library has the same attributes
        known, units, latent = library.states, dict(library.units), library.latent
        inputs = inputs or library.inputs
    else:
        known, units = tuple(cast("Iterable[str]", source)), {}
    chosen = (
        _listed(states, "states")
        if states is not None
        else tuple(name for name in known if name not in inputs)
    )
    check_names(chosen + inputs)
    units = {n: units[n] for n in chosen + inputs if units.get(n)}
    return Names(chosen, inputs, units, tuple(n for n in latent if n in chosen))


def with_latent(names: Names, latent: Iterable[str]) -> Names:
    """Add states that no data column measures.

    Raises
    ------
    UserError
        One of them is a state or an input already.
    """
    latent = _listed(latent, "latent")
    both = [name for name in latent if name in names.all]
    if both:
        raise UserError(
            f"latent: '{both[0]}' is measured: it is among the states or inputs.",
            mend="Take it out of the latent states.",
        )
    check_names(names.all + latent)
    return replace(names, states=names.states + latent, latent=names.latent + latent)


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
