"""What the user allows on the right-hand sides, and the library that follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from twinlab.errors import UserError
from twinlab.library import Library
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
    """

    degree: int = 2
    interactions: bool = True
    hill: tuple[str, ...] = ()
    michaelis_menten: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    off: frozenset[str] = frozenset()
    latent: tuple[str, ...] = ()

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

    def offered(self, study: Study) -> Library:
        """The library with every term that may be switched on or off.

        Raises
        ------
        UserError
            Nothing is chosen, an own term is wrong, or there are too many columns.
        """
        names = Library.polynomial(study, degree=0, latent=self.latent)
        parts = []
        if self.degree:
            parts.append(
                Library.polynomial(names, degree=self.degree, interactions=self.interactions)
            )
        if self.hill:
            parts.append(Library.hill(names, list(self.hill), "auto", study=study))
        if self.michaelis_menten:
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
