"""The library: candidate terms and reactions, as columns with one coefficient each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from twinlab.errors import UserError
from twinlab.expressions import Term, parse_term
from twinlab.study import Study

from . import families
from .assembly import Made, Spec, assemble, check_size
from .base import LibraryBase
from .column import REACTION
from .names import Names, NameSource, check_known, resolve, with_latent
from .reactions import parse_reactions


@dataclass(frozen=True)
class Library(LibraryBase):
    """Candidate terms and reactions over states and inputs; libraries add up with ``+``.

    Columns are in a fixed order: plain columns by state, then by term; reactions last.  The
    fields are those of `LibraryBase`.
    """

    # -------------------------------------------------------------------------- makers

    @classmethod
    def polynomial(
        cls,
        study_or_names: NameSource,
        degree: int = 2,
        interactions: bool = True,
        states: Iterable[str] | None = None,
        inputs: Iterable[str] = (),
        latent: Iterable[str] = (),
    ) -> Library:
        """All monomials of states and inputs up to a total degree, the constant included.

        Parameters
        ----------
        study_or_names : Study, Library or iterable of str
        degree : int
            0 gives an empty library.
        interactions : bool
            False leaves out products of different variables.
        states, inputs : iterable of str, optional
            What has an equation (default: all that is not an input), and what only drives.
        latent : iterable of str
            Further states that no data column measures.

        Raises
        ------
        UserError
            Unknown names, a degree that is not a whole number of 0 to 10, or more than 20,000
            columns (counted before they are built).
        """
        names = with_latent(resolve(study_or_names, states, inputs), latent)
        degree = families.check_degree(degree)
        size = families.polynomial_size(len(names.all), degree, interactions)
        check_size(size * len(names.states), f"A polynomial library of degree {degree}")
        terms = families.polynomial_terms(names.all, degree, interactions)
        return cls._plain(names, [(term, "polynomial", "") for term in terms])

    @classmethod
    def interactions(
        cls,
        study_or_names: NameSource,
        states: Iterable[str] | None = None,
        inputs: Iterable[str] = (),
    ) -> Library:
        """Products of two different variables."""
        names = resolve(study_or_names, states, inputs)
        check_size(len(names.all) ** 2 // 2 * len(names.states), "A library of interactions")
        pairs = [Term.product({a: 1, b: 1}) for a, b in combinations(names.all, 2)]
        return cls._plain(names, [(term, "interaction", "") for term in pairs])

    @classmethod
    def mass_action(
        cls,
        study_or_names: NameSource,
        states: Iterable[str] | None = None,
        inputs: Iterable[str] = (),
    ) -> Library:
        """Mass-action rates of one or two partners: x_i, x_i^2 and x_i*x_j."""
        names = resolve(study_or_names, states, inputs)
        check_size(len(names.all) ** 2 // 2 * len(names.states), "A mass-action library")
        terms = families.polynomial_terms(names.all, 2, True)[1:]
        return cls._plain(names, [(term, "mass action", "") for term in terms])

    @classmethod
    def hill(
        cls,
        study_or_names: NameSource,
        states: Iterable[str] | None = None,
        half_saturation: Sequence[float] | float | str = "auto",
        coefficient: Sequence[float] | float = (1, 2, 4),
        role: str = "both",
        *,
        inputs: Iterable[str] = (),
        equations: Iterable[str] | None = None,
        study: Study | None = None,
    ) -> Library:
        """Hill functions of single variables over a grid of constants.

        Parameters
        ----------
        study_or_names : Study, Library or iterable of str
        states : iterable of str, optional
            Variables to make Hill functions of; all states by default.
        half_saturation : numbers or "auto"
            In the variable's unit; "auto" takes the quartiles of the measured positive values.
        coefficient : numbers
            Hill coefficients.
        role : str
            'activation', 'repression' or 'both'.
        inputs, equations : iterable of str, optional
            What only drives, and what has an equation (default: all that is not an input).
        study : Study, optional
            Where "auto" looks for values; by default the first argument, where it is a study.

        Raises
        ------
        UserError
            Unknown names, numbers that are not positive, "auto" without data, too many columns.
        """
        names = resolve(study_or_names, equations, inputs)
        variables = names.states if states is None else check_known(states, names.all, "states")
        data = study or study_or_names
        made = [
            (term, f"hill:{name}", "")
            for name in variables
            for term in families.hill_terms(
                name, half_saturation, coefficient, role, data, len(variables) * len(names.states)
            )
        ]
        return cls._plain(names, made)

    @classmethod
    def michaelis_menten(
        cls,
        study_or_names: NameSource,
        states: Iterable[str] | None = None,
        half_saturation: Sequence[float] | float | str = "auto",
        *,
        inputs: Iterable[str] = (),
        equations: Iterable[str] | None = None,
        study: Study | None = None,
    ) -> Library:
        """Michaelis-Menten rates x/(K + x); arguments as in `hill`."""
        names = resolve(study_or_names, equations, inputs)
        library = cls.hill(
            names,
            states,
            half_saturation,
            (1.0,),
            "activation",
            inputs=names.inputs,
            equations=names.states,
            study=study or (study_or_names if isinstance(study_or_names, Study) else None),
        )
        columns = (
            replace(c, family=c.family.replace("hill", "michaelis_menten")) for c in library.columns
        )
        return replace(library, columns=tuple(columns))

    @classmethod
    def user_terms(
        cls,
        study_or_names: NameSource,
        texts: Iterable[str],
        states: Iterable[str] | None = None,
        inputs: Iterable[str] = (),
    ) -> Library:
        """Terms written in the term language, each a column of every equation.

        Raises
        ------
        ExpressionError
            A text that is not a term of known variables.
        """
        names = resolve(study_or_names, states, inputs)
        if isinstance(texts, str):
            texts = [texts]
        return cls._plain(names, [(parse_term(text, names.all), "user", text) for text in texts])

    @classmethod
    def reactions(
        cls,
        study_or_names: NameSource,
        texts: Iterable[str],
        states: Iterable[str] | None = None,
        inputs: Iterable[str] = (),
    ) -> Library:
        """Reactions such as "2 A + B -> C", "-> A", "A ->", "S + E <-> C", "A -> B : A*mm(B,0.5)".

        The rate is mass action unless written after a colon.  "<->" gives two columns.

        Raises
        ------
        UserError
            A text that is not a reaction of known species, or one that changes nothing.
        """
        names = resolve(study_or_names, states, inputs)
        if isinstance(texts, str):
            texts = [texts]
        reactions = [r for text in texts for r in parse_reactions(text, names.all)]
        return cls._assembled(
            names, [Spec(r.on_states(names.states), r.rate, REACTION, r.text) for r in reactions]
        )

    @classmethod
    def _plain(cls, names: Names, made: Sequence[Made]) -> Library:
        """One column per term and state."""
        check_size(len(made) * len(names.states), "The library")
        return cls._assembled(
            names,
            [
                Spec(((state, 1.0),), term, family, source)
                for state in range(len(names.states))
                for term, family, source in made
            ],
        )

    @classmethod
    def _assembled(
        cls, names: Names, specs: Sequence[Spec], merged: tuple[tuple[str, str], ...] = ()
    ) -> Library:
        terms, columns, dropped = assemble(specs)
        library = cls(names.states, names.inputs, terms, columns, names.units, latent=names.latent)
        lost = tuple(
            (library.column_label(kept), spec.source or spec.family) for kept, spec in dropped
        )
        return replace(library, merged=tuple(dict.fromkeys(merged + lost)))

    # -------------------------------------------------------------------------- adding

    def __add__(self, other: Library) -> Library:
        """Merge two libraries of the same states and inputs; duplicates go, and are remembered.

        Raises
        ------
        UserError
            The states or inputs differ, or there would be more than 20,000 columns.
        """
        if not isinstance(other, Library):
            return NotImplemented
        mine, others = ((x.states, x.inputs, x.latent) for x in (self, other))
        if mine != others:
            raise UserError(
                "Only libraries of the same states and inputs can be added: "
                f"{_listing(self)} against {_listing(other)}.",
                mend="Make them from the same study, with the same inputs.",
            )
        names = Names(self.states, self.inputs, {**other.units, **self.units}, self.latent)
        library = self._assembled(names, self._specs() + other._specs(), self.merged + other.merged)
        check_size(len(library.columns), "The sum of the libraries")
        return library

    def _specs(self) -> list[Spec]:
        return [
            Spec(column.stoichiometry, self.terms[column.term], column.family, column.source)
            for column in self.columns
        ]

    def restrict(self, keep_columns: Iterable[int]) -> Library:
        """Keep some columns (indices), in the library's order; terms nobody uses go."""
        keep = sorted({int(c) for c in keep_columns})
        specs = self._specs()
        names = Names(self.states, self.inputs, self.units, self.latent)
        return self._assembled(names, [specs[c] for c in keep])


def _listing(library: Library) -> str:
    inputs = f"; inputs {', '.join(library.inputs)}" if library.inputs else ""
    latent = f"; latent {', '.join(library.latent)}" if library.latent else ""
    return f"({', '.join(library.states)}{inputs}{latent})"
