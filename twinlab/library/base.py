"""The data of a library and everything that can be asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from twinlab.errors import UserError
from twinlab.expressions import Term, TermTable, known_names, parse_term, term_table

from .column import Column, Entries
from .names import check_names
from .unit import term_unit


@dataclass(frozen=True)
class LibraryBase:
    """Columns over states and inputs, and what can be asked of them.

    Columns are in a fixed order: plain columns by state, then by term; reactions last.

    Attributes
    ----------
    states : tuple of str
        Each has an equation.
    inputs : tuple of str
        May appear in terms and have no equation.
    terms : tuple of Term
    columns : tuple of Column
    units : mapping of str to str
        Units of the names, where known.
    merged : tuple of (str, str)
        Duplicates that were left out: label of the column kept, and source of the other.
    latent : tuple of str
        States that no data column measures.
    """

    states: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    columns: tuple[Column, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    merged: tuple[tuple[str, str], ...] = ()
    latent: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_names(self.names)
        for name in self.latent:
            if name not in self.states:
                raise UserError(
                    f"'{name}' is declared latent but is no state of the library.",
                    mend=known_names(name, self.states),
                )
        for column in self.columns:
            places = [state for state, _ in column.stoichiometry]
            if not places or not all(0 <= state < len(self.states) for state in places):
                raise ValueError(f"a column drives states that do not exist: {places}")
            if not 0 <= column.term < len(self.terms):
                raise ValueError(f"a column has a term that does not exist: {column.term}")

    # ------------------------------------------------------------------------- reading

    @property
    def names(self) -> tuple[str, ...]:
        """States, then inputs."""
        return self.states + self.inputs

    def table(self) -> TermTable:
        """Terms as arrays; variables are indices into `names`."""
        return term_table(self.terms, self.names)

    def entries(self) -> Entries:
        """Non-zero stoichiometric numbers as arrays, sorted by state, then column."""
        rows = sorted(
            (state, index, column.term, value)
            for index, column in enumerate(self.columns)
            for state, value in column.stoichiometry
        )
        return Entries(
            np.array([row[0] for row in rows], np.int64),
            np.array([row[2] for row in rows], np.int64),
            np.array([row[1] for row in rows], np.int64),
            np.array([row[3] for row in rows], np.float64),
        )

    def term_of(self, column: int) -> Term:
        """The term of a column."""
        return self.terms[self.columns[column].term]

    def column_state(self, column: int) -> int:
        """Index of the one state a column drives; -1 for a reaction that drives several."""
        stoichiometry = self.columns[column].stoichiometry
        return stoichiometry[0][0] if len(stoichiometry) == 1 else -1

    def column_label(self, column: int) -> str:
        """Name of a column: "d hare/dt: hare*lynx", or "R1: S + E -> C" for a reaction."""
        this = self.columns[column]
        if not this.is_reaction:
            return f"d {self.states[this.stoichiometry[0][0]]}/dt: {self.terms[this.term].text}"
        number = sum(c.is_reaction for c in self.columns[: column + 1])
        return f"R{number}: {this.source}"

    def columns_of(self, state: int | str) -> list[int]:
        """Columns that drive a state, given by index or name."""
        index = self.state_index(state) if isinstance(state, str) else state
        return [
            number
            for number, column in enumerate(self.columns)
            if any(place == index for place, _ in column.stoichiometry)
        ]

    def state_index(self, state: str) -> int:
        """Index of a state.

        Raises
        ------
        UserError
            There is no such state.
        """
        if state not in self.states:
            why = " (it is an input and has no equation)" if state in self.inputs else ""
            raise UserError(
                f"There is no state '{state}'{why}.", mend=known_names(str(state), self.states)
            )
        return self.states.index(state)

    def find(self, state_name: str, term_text: str) -> int:
        """Index of the column of a term in the equation of a state.

        Raises
        ------
        UserError
            No such state, or the term is not in the library.
        ExpressionError
            The text is not a term.
        """
        state = self.state_index(state_name)
        term = parse_term(term_text, self.names)
        for number, column in enumerate(self.columns):
            if column.is_reaction or column.stoichiometry[0][0] != state:
                continue
            if self.terms[column.term] == term:
                return number
        raise UserError(
            f"The library has no term {term.text} in the equation of '{state_name}'.",
            mend="Add it to the library, or take another.",
        )

    def unit_of(self, term: Term) -> str:
        """Unit of a term as text, such as "mg^2/L"; empty where a unit is unknown."""
        return term_unit(term, self.units)
