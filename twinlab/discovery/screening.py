"""Very large libraries are reduced to the columns that the weak form cannot rule out.

Per equation, the weak regression of the smoothed data on all of its columns is followed by
forward selection (orthogonal matching pursuit; Pati, Rezaiifar and Krishnaprasad 1993) under the
prior's price of complexity, and not only the column chosen at each step is kept but its nearest
rivals too: the smooth is not the truth, and the search that comes after uses the data themselves
(iterative sure independence screening; Fan and Lv 2008, J. R. Stat. Soc. B 70, 849, section 4).
The simplest terms, constant, linear and quadratic, are kept whatever the smooth says.  No matrix of
all columns by all columns is ever formed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twinlab.expressions import HILL_ACTIVATION, HILL_REPRESSION, POWER
from twinlab.knowledge import Knowledge, complexity_cost
from twinlab.library import Library
from twinlab.study import Study

from .measured import uninformed
from .problem import Problem, make_problem
from .search import START_NOISE
from .smoothing import Smooth, smooth_data
from .weak import MAX_TEST_FUNCTIONS, terms_on_grids, test_functions

Array = NDArray[np.float64]

#: Libraries of more columns than this are screened, to about so many.
SCREEN_ABOVE, KEPT = 1200, 900
#: Monomials of at most this degree are kept, as long as they leave half of the room.
SIMPLE = 2.0
#: Terms named that are zero throughout.
SHOWN = 4
#: Steps of the forward selection, and rivals kept at each.
STEPS, RIVALS = 30, 6


def screen(
    study: Study,
    library: Library,
    knowledge: Knowledge,
    complexity: float,
    say: Callable[[str], None],
) -> Library:
    """Reduce a large library; a small one is returned as it is.

    Columns that knowledge speaks of, reactions and simple terms are always kept.  Work space is
    one trajectory's smooth times all terms: ``8 * n_grid * n_term`` bytes.

    Parameters
    ----------
    study : Study
    library : Library
    knowledge : Knowledge
    complexity : float
        As in `Settings`.
    say : callable
        Told in words what is done.

    Raises
    ------
    UserError
        As `make_problem`.
    """
    n = len(library.columns)
    if n <= SCREEN_ABOVE:
        return library
    # Smooths need the data alone: the tables of one column do.
    problem = make_problem(study, library.restrict([0]), Knowledge())
    size = 8e-6 * (problem.n_cell + 1) * len(library.terms)
    say(f"Screening {n:,} candidates (about {size:.0f} MB)")
    kept = set(_always(library, knowledge))
    state = np.array([library.column_state(c) for c in range(n)])
    quota = max(1, KEPT // problem.n_state)
    smooths = [smooth_data(problem, noise_floor=f, logarithmic=log) for f, log in START_NOISE]
    rows = [_weak_rows(problem, library, smooth) for smooth in smooths]
    price = complexity_cost(library, complexity)
    for e in range(problem.n_state):
        own = np.nonzero(state == e)[0]
        terms = [library.columns[c].term for c in own]
        family = [_family(library, int(c)) for c in own]
        rank = np.min(
            [forward_ranks(f[:, terms], b[:, e], price[own], family) for f, b in rows], axis=0
        )
        order = np.argsort(rank, kind="stable")[:quota]
        kept.update(own[order[np.isfinite(rank[order])]].tolist())
    return library.restrict(sorted(kept))


def _always(library: Library, knowledge: Knowledge) -> NDArray[np.int64]:
    """Columns that are no matter of screening: those with beliefs, and reactions."""
    told = _told(library, knowledge)
    reaction = np.array([column.is_reaction for column in library.columns])
    terms = [library.term_of(c) for c in range(reaction.size)]
    simple = np.array(
        [t.complexity <= SIMPLE and all(f.kind == POWER for f in t.factors) for t in terms]
    )
    if simple.sum() > KEPT // 2:
        simple[:] = False
    return np.nonzero(told | reaction | simple)[0]


def _told(library: Library, knowledge: Knowledge) -> NDArray[np.bool_]:
    """Columns (n_column,) that knowledge speaks of.

    An edge speaks of so many columns that it is no reason to keep them all.
    """
    prior = replace(knowledge, edges=(), complete=False).column_prior(library, complexity=0.0)
    bounded = np.isfinite(prior.lower) | np.isfinite(prior.upper)
    return np.asarray(prior.required | prior.excluded | (prior.log_odds != 0) | bounded, bool)


def informed(study: Study, library: Library, knowledge: Knowledge) -> tuple[Library, str]:
    """Leave out terms that are zero throughout the data, and say so ('' if there are none)."""
    gone = uninformed(study, library, _told(library, knowledge))
    if not gone.size:
        return library, ""
    texts = list(dict.fromkeys(library.term_of(int(c)).text for c in gone))
    shown = ", ".join(texts[:SHOWN]) + (", ..." if len(texts) > SHOWN else "")
    one = len(texts) == 1
    words = (
        f"{shown} {'is' if one else 'are'} zero throughout these data: they cannot say whether "
        f"{'this term matters' if one else 'these terms matter'}, and the models are without "
        f"{'it' if one else 'them'}. Where {'it is' if one else 'they are'} not zero these models "
        "say nothing."
    )
    kept = library.restrict(np.setdiff1d(np.arange(len(library.columns)), gone).tolist())
    _, lost = knowledge.restricted_to(kept)
    return (library, "") if lost else (kept, words)


def _family(library: Library, column: int) -> Hashable:
    """What atoms of one Hill grid share: rivals are to be other mechanisms, not other constants."""
    hill = (HILL_ACTIVATION, HILL_REPRESSION)
    return tuple(
        (f.kind, f.variable) if f.kind in hill else f.sort_key
        for f in library.term_of(column).factors
    )


def _weak_rows(problem: Problem, library: Library, smooth: Smooth) -> tuple[Array, Array]:
    """Weak regression: features (n_row, n_term) and left sides (n_row, n_state)."""
    features, sides = [], []
    for r, on_grid in enumerate(terms_on_grids(problem, library, smooth)):
        n_most = max(3, min(MAX_TEST_FUNCTIONS, problem.times(r).size - 1))
        phi, dphi = test_functions(problem.grid(r), n_most)
        features.append(phi @ on_grid)
        sides.append(-dphi @ smooth.continuous[r])
    return np.concatenate(features), np.concatenate(sides)


def forward_ranks(features: Array, side: Array, price: Array, family: Sequence[Hashable]) -> Array:
    """Step at which forward selection met each column; infinite for those it never came near.

    Parameters
    ----------
    features : (n_row, n_column) array
    side : (n_row,) array
    price : (n_column,) array
        Nats by which a column must raise the log likelihood more than a free one.
    family : sequence of n_column labels
        Of each family only the best column counts as a rival.

    Returns
    -------
    (n_column,) array
        The column chosen at step ``s`` has rank ``s``, its rivals ``s`` plus a fraction.
    """
    norm = np.linalg.norm(features, axis=0)
    rest = features / np.where(norm > 0, norm, 1.0)
    usable = norm > 1e-12 * norm.max(initial=1e-300)
    rank = np.full(norm.size, np.inf)
    residual = side.copy()
    for step in range(min(STEPS, side.size - 1, norm.size)):
        length = np.linalg.norm(rest, axis=0)
        # What is left of a column that depends on those chosen is rounding.
        open_ = usable & (length > 1e-6)
        cosine = residual @ rest / np.where(open_, length, 1.0) / np.linalg.norm(residual)
        gain = -0.5 * side.size * np.log(np.maximum(1.0 - cosine**2, 1e-12)) - price
        order = _best_of_families(np.where(open_, gain, -np.inf), family)
        if order.size == 0 or np.linalg.norm(residual) < 1e-9 * np.linalg.norm(side):
            break
        rank[order] = np.minimum(rank[order], step + np.arange(order.size) / (RIVALS + 1))
        chosen = rest[:, order[0]] / length[order[0]]
        residual -= chosen * (chosen @ residual)
        rest -= np.outer(chosen, chosen @ rest)
    return rank


def _best_of_families(gain: Array, family: Sequence[Hashable]) -> NDArray[np.int64]:
    """Best column of each of the best families, by descending gain."""
    best: dict[Hashable, int] = {}
    for c in np.argsort(-gain, kind="stable"):
        if len(best) > RIVALS or not np.isfinite(gain[c]):
            break
        best.setdefault(family[c], int(c))
    return np.fromiter(best.values(), np.int64, len(best))
