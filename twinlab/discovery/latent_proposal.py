"""A state that nobody measured, proposed where the measured ones leave something unexplained.

The library is widened by one hidden state, made by any of its terms and acting on any measured
state, alone or times another; the small models of the guesses at its course are fitted and the
best compared with the best model without it, under the same priors.  It is proposed in words and
never adopted.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from twinlab.expressions import Term
from twinlab.knowledge import Knowledge
from twinlab.library import Column, Library

from .latent_run import run_guesses
from .latent_search import latent_starts
from .noise import make_noise
from .noise_evidence import problem_sd
from .problem import Problem, make_problem
from .result import FitWarning, Settings
from .search import Weighed, weigh
from .steps import Frame, Point
from .varying import nothing_varies

#: Gain of log evidence from which on a hidden state is proposed (20,000 to 1).
GAIN = 10.0
#: Columns of a library at most that are all kept beside those of the hidden state; of a larger
#: one those of the best model and the linear ones are.
MOST_COLUMNS = 80
LATENT_PROPOSED = "latent_proposed"


@dataclass(frozen=True)
class LatentProposal:
    """A hidden state that would explain the data better.

    Attributes
    ----------
    made_by : tuple of str
        Terms of its equation that it does not enter.
    decays : bool
        Whether it has a loss in proportion to itself.
    changes_by : tuple of str
        Other terms that it enters.
    acts_on : tuple of (str, str)
        States whose equations it enters, and the terms.
    gain : float
        Rise of the log evidence.
    """

    made_by: tuple[str, ...]
    decays: bool
    changes_by: tuple[str, ...]
    acts_on: tuple[tuple[str, str], ...]
    gain: float

    @property
    def text(self) -> str:
        """What is proposed, and how to take it up."""
        made = f"made by {', '.join(self.made_by)}" if self.made_by else "present from the start"
        changes = ", decaying" if self.decays else ""
        changes += f", changing by {', '.join(self.changes_by)}" if self.changes_by else ""
        acts = "; ".join(f"{term} in d {state}/dt" for state, term in self.acts_on)
        return (
            f"A state that nobody measured ('hidden'), {made}{changes} and acting through {acts}, "
            f"would raise the log evidence by about {self.gain:.0f}. It is a proposal only: to try "
            "it, name it under 'latent' in the configuration, or among the states never measured "
            "in the workbench, and fit again."
        )


def propose_latent(
    frame: Frame, best: Weighed, settings: Settings, seed: int, pool: Executor,
    check: Callable[[], None],
) -> LatentProposal | None:  # fmt: skip
    """The best model with one hidden state more, if it is decisively better.

    Parameters
    ----------
    frame : Frame
    best : Weighed
        The best model without, at its optimum.
    settings : Settings
    seed : int
    pool : Executor
    check : callable
        Called before every fit; may raise ``Cancelled``.
    """
    problem = frame.problem
    reactions = any(c.is_reaction for c in problem.library.columns)
    if problem.unseen_states.size or reactions or problem.observation.names:
        return None
    if not len(best.fit.columns):
        return None
    name = _free_name(problem.library.names)
    library = _widened(problem, best, name)
    wider = make_problem(
        problem.study, library, Knowledge(), complexity=settings.complexity,
        positivity=settings.positivity,
    )  # fmt: skip
    _, starts = latent_starts(wider, settings)
    common = starts[0].common
    assert common is not None
    base = _without(common, library, problem, best)
    _, found = run_guesses(starts, best.noise.model, seed, lambda _: lambda *_: check(), pool)
    if base is None or not found:
        return None
    model = max(found, key=lambda m: m.evidence)
    gain = model.evidence - base.evidence - _gain_of_variation(frame, best)
    return _told(library, name, model, gain) if gain > GAIN else None


def _free_name(taken: tuple[str, ...]) -> str:
    name = "hidden"
    while name in taken:
        name += "_"
    return name


def _widened(problem: Problem, best: Weighed, name: str) -> Library:
    """The library, or the heart of a large one, with a hidden state and its terms."""
    library = problem.library
    states, kept = (*library.states, name), list(range(problem.n_column))
    if problem.n_column > MOST_COLUMNS:
        linear = [c for c in kept if len(library.term_of(c).variables) < 2]
        kept = sorted({*linear, *best.fit.columns.tolist()})
    own = Term.product({name: 1.0})
    acting = [own, *(Term.product({name: 1.0, other: 1.0}) for other in library.states)]
    making = list(dict.fromkeys(library.term_of(c) for c in kept))
    place: dict[Term, int] = {}
    columns = [
        Column(library.columns[c].stoichiometry, place.setdefault(library.term_of(c), len(place)),
               library.columns[c].family)
        for c in kept
    ]  # fmt: skip
    z = len(library.states)
    columns += [
        Column(((e, 1.0),), place.setdefault(term, len(place)), "hidden")
        for e, terms in [*((e, acting) for e in range(z)), (z, [*making, *acting])]
        for term in terms
    ]
    columns.sort(key=lambda column: column.stoichiometry[0][0])
    return Library(
        states, library.inputs, tuple(place), tuple(columns), library.units, latent=(name,)
    )


def _without(common: Frame, library: Library, problem: Problem, best: Weighed) -> Weighed | None:
    """The best model without the hidden state, weighed among those with it."""
    place = {
        (column.stoichiometry[0][0], library.terms[column.term]): c
        for c, column in enumerate(library.columns)
    }
    old = problem.library
    columns = np.array(
        [place[old.columns[c].stoichiometry[0][0], old.term_of(c)] for c in best.fit.columns],
        np.int64,
    )
    order = np.argsort(columns)
    n = problem.n_state
    x = np.column_stack([best.fit.x, np.ones(len(best.fit.x))])
    sd = np.append(problem_sd(problem, problem.measured - best.fit.x), 1.0)
    initial = np.column_stack([best.fit.initial[:, :n], np.ones(len(best.fit.initial))])
    point = Point(columns[order], best.fit.coefficients[order], initial)
    return weigh(common, point, make_noise(common.problem, best.noise.model, sd, x))


def _gain_of_variation(frame: Frame, best: Weighed) -> float:
    """What the best model's coefficients gain by differing, which the proposed ones do not."""
    if not frame.varying.n_slot and not frame.varying.effects:
        return 0.0
    same = frame.with_varying(nothing_varies(frame.problem.n_column))
    states = np.ascontiguousarray(best.fit.initial[:, : frame.problem.n_state])
    plain = weigh(same, Point(best.fit.columns, best.fit.coefficients, states), best.noise)
    return max(best.evidence - plain.evidence, 0.0) if plain is not None else np.inf


def _told(library: Library, name: str, model: Weighed, gain: float) -> LatentProposal:
    own, acts, decays = [], [], False
    for c, w in zip(model.fit.columns, model.fit.coefficients, strict=True):
        column, term = library.columns[int(c)], library.term_of(int(c))
        state = library.states[column.stoichiometry[0][0]]
        if state == name and term == Term.product({name: 1.0}) and w < 0.0:
            decays = True
        elif state == name:
            own.append(term)
        elif name in term.variables:
            acts.append((state, term.text))
    return LatentProposal(
        tuple(t.text for t in own if name not in t.variables),
        decays,
        tuple(t.text for t in own if name in t.variables),
        tuple(acts),
        float(gain),
    )


def latent_proposal_warning(proposal: LatentProposal | None) -> tuple[FitWarning, ...]:
    """The proposal as a warning; nothing where there is none."""
    return () if proposal is None else (FitWarning(LATENT_PROPOSED, proposal.text),)
