"""What the user allows on the right-hand sides, and the library that follows from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from twinlab.config import StudyConfig
from twinlab.errors import UserError
from twinlab.library import Library, library_from_config
from twinlab.study import Study
from twinlab.study.dosing import arriving_doses

#: More columns than this make a fit take minutes and a page hard to read.
MAX_COLUMNS = 2000
#: What a compartment is called that doses go into and nobody measured.
DEPOT = "depot"


@dataclass(frozen=True)
class LibraryChoice:
    """Settings of section 2 of the workbench.

    Attributes
    ----------
    degree : int
        Total degree of the polynomial; 0 leaves only the families and the own terms.
    interactions : bool
        Whether the polynomial has products of different states.
    hill, michaelis_menten : tuple of str
        Variables whose saturating terms are allowed.
    own : tuple of str
        Terms the user wrote, in the term language.
    off : frozenset of str
        Canonical texts of terms switched off.
    latent : tuple of str
        States that were never measured.
    inputs : tuple of str
        Variables that drive and have no equation.
    given : mapping or None
        The ``library`` section of a configuration file, which holds until the degree, the
        products or a family is changed.
    """

    degree: int = 2
    interactions: bool = True
    hill: tuple[str, ...] = ()
    michaelis_menten: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    off: frozenset[str] = frozenset()
    latent: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    given: Mapping[str, Any] | None = None

    @classmethod
    def suited(cls, study: Study) -> LibraryChoice:
        """What a study begins with.

        Where doses cannot go into what was measured (an amount beside one concentration), they go
        into a depot that never was.
        """
        names = study.variables
        dosed = len(names) == 1 and DEPOT not in names and any(t.doses for t in study.trajectories)
        homeless = dosed and arriving_doses(study, names).homeless
        return cls(latent=(DEPOT,)) if homeless else cls()

    @classmethod
    def configured(cls, config: StudyConfig) -> LibraryChoice:
        """What a configuration file asks for; the families are named where it names states."""
        section = config.library

        def family(key: str) -> tuple[str, ...]:
            parts = section.get(key) or ()
            parts = [parts] if isinstance(parts, Mapping) else parts
            found = [part.get("states") or () for part in parts]
            return tuple(dict.fromkeys(name for names in found for name in names))

        return cls(
            degree=int(section.get("polynomial") or 0),
            interactions=section.get("interactions") is not False,
            hill=family("hill"),
            michaelis_menten=family("michaelis_menten"),
            latent=config.latent,
            inputs=config.inputs,
            given=section,
        )

    def of(self, variables: Collection[str]) -> LibraryChoice:
        """The same for some of the variables."""
        return replace(
            self,
            hill=tuple(v for v in self.hill if v in variables),
            michaelis_menten=tuple(v for v in self.michaelis_menten if v in variables),
            inputs=tuple(v for v in self.inputs if v in variables),
        )

    def changed(self, changes: Mapping[str, Any]) -> LibraryChoice:
        """The same with changes; what only the configuration could say goes with the first."""
        if self.given is None or not {"degree", "interactions", "hill", "michaelis_menten"} & set(
            changes
        ):
            return replace(self, **changes)
        terms = [t for t in self.given.get("terms") or () if t not in self.own]
        return replace(self, given=None, own=(*terms, *self.own), **changes)

    def offered(self, study: Study) -> Library:
        """The library with every term that may be switched on or off.

        Raises
        ------
        UserError
            Nothing is chosen, an own term is wrong, or there are too many columns.
        """
        aside = (*self.inputs, *study.derived)
        states = [name for name in study.variables if name not in aside]
        names = Library.polynomial(study, 0, states=states, inputs=self.inputs, latent=self.latent)
        parts = []
        if self.given is not None:
            parts.append(
                library_from_config(
                    study, self.given, states=states, inputs=self.inputs, latent=self.latent
                )
            )
        elif self.degree:
            parts.append(
                Library.polynomial(names, degree=self.degree, interactions=self.interactions)
            )
        if self.hill and self.given is None:
            parts.append(Library.hill(names, list(self.hill), "auto", study=study))
        if self.michaelis_menten and self.given is None:
            parts.append(
                Library.michaelis_menten(names, list(self.michaelis_menten), "auto", study=study)
            )
        if self.own:
            parts.append(Library.user_terms(names, list(self.own)))
        if not parts:
            raise UserError(
                "No candidate terms are chosen.", mend="Choose a degree, a family or write a term."
            )
        library = parts[0]
        for part in parts[1:]:
            library = library + part
        if len(library.columns) > MAX_COLUMNS:
            raise UserError(
                f"These choices make {len(library.columns)} columns; {MAX_COLUMNS} is the most.",
                mend="Lower the degree or leave out a family.",
            )
        return library

    def allowed(self, offered: Library) -> Library:
        """The offered library without the terms that are switched off."""
        if not self.off:
            return offered
        keep = [
            c
            for c, column in enumerate(offered.columns)
            if offered.terms[column.term].text not in self.off
        ]
        if not keep:
            raise UserError(
                "Every candidate term is switched off.", mend="Switch at least one term on."
            )
        return offered.restrict(keep)
