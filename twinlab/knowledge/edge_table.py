"""Prior of a support and its signs given an edge table of unknown reliability.

An edge is there if at least one of its columns is; further columns bring nothing more.  Which
supports have it is one event ``A`` of base probability ``a`` (`edges.base_odds`); a table of
reliability ``rho`` makes that ``q = rho c + (1 - rho) a`` with its confidence ``c`` (linear opinion
pool; Stone 1961, Ann. Math. Stat. 32, 1339).  A support with the edge gains ``q/a``, one without
``(1 - q)/(1 - a)``, which leaves the prior normalised.  How reliable the table is nobody knows:

    ``p(support) = p0(support) sum_rho p(rho) prod_edges gain(rho) / Z(rho)``

with ``rho`` alike on `LEVELS` (a discrete hyperprior; Good 1965, The Estimation of Probabilities,
chapter 3).  So edges that the data contradict lower the weight of the others; as ``rho = 0`` says
nothing, a table can lower the prior of no support by more than the log of the number of levels.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from twinlab.library import Library

from .belief import MACHINE_CAP
from .edges import (
    CERTAIN,
    any_probability,
    base_odds,
    edge_columns,
    edge_directions,
    edge_shift,
)
from .items import Edge

Array = NDArray[np.float64]
Columns = NDArray[np.int64]

#: Reliabilities that are weighed, alike beforehand.
LEVELS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
#: Log-odds against an edge that a complete table does not hold.
MISSING = -1.0
#: Edges that share columns, for which the normaliser is summed exactly; beyond, they are taken as
#: independent.
MOST_EXACT = 10


@dataclass(frozen=True)
class EdgeTable:
    """Edges, and those a complete table lacks, over the columns of a library.

    Attributes
    ----------
    edges : tuple of Edge
        Those that are missing come last.
    n_told : int
        How many are not missing ones.
    member : (n_edge, n_column) bool array
        Which columns each is about.
    direction : (n_edge, n_column) array
        Sign of the coefficient that an edge speaks for; 0 where it does not.
    odds : (n_column,) array
        Log-odds of the columns without the table.
    present, absent : (n_level, n_edge) arrays
        Log factor of the prior of supports with and without an edge.
    log_normaliser : (n_level,) array
    signs : (n_level, n_column) array
        Log-odds of a positive against a negative coefficient.
    """

    edges: tuple[Edge, ...]
    n_told: int
    member: NDArray[np.bool_]
    direction: Array
    odds: Array
    present: Array
    absent: Array
    log_normaliser: Array
    signs: Array

    def log_levels(
        self, columns: Columns, signs: Array | None = None, odds: Array | None = None
    ) -> Array:
        """Log factor (n_level,) of a support's prior at each reliability.

        Parameters
        ----------
        columns : int array
        signs : array, optional
            Signs of the coefficients; left out, only the support counts.
        odds : array, optional
            Log-odds of positive coefficients of these columns that others than edges speak for.
        """
        there = self.member[:, columns].any(axis=1)
        out = np.where(there, self.present, self.absent).sum(axis=1) - self.log_normaliser
        if signs is not None:
            agreement = signs * (self.signs[:, columns] + (0.0 if odds is None else odds))
            out += (np.log(2.0) - np.logaddexp(0.0, -agreement)).sum(axis=1)
        return np.asarray(out, float)

    def log_prior(
        self, columns: Columns, signs: Array | None = None, odds: Array | None = None
    ) -> float:
        """Log factor of a support's prior, the reliability summed out (`log_levels`)."""
        levels = self.log_levels(columns, signs, odds)
        return float(np.logaddexp.reduce(levels) - np.log(levels.size))

    def spread(self, reliability: float) -> Array:
        """Log-odds (n_column,) that say the same column by column, for a search to go by.

        All columns of an edge get the same shift, such that one of them at least is there with
        the probability of the edge (noisy-or; Pearl 1988, Probabilistic Reasoning, 4.3.2).  The
        sum over all edges of a column is capped.
        """
        out = np.zeros(self.odds.size)
        for e, edge in enumerate(self.edges):
            own = self.member[e]
            if e >= self.n_told:
                out[own] += reliability * MISSING
            elif own.any():
                there = any_probability(self.odds[own])
                told = reliability * edge.confidence + (1.0 - reliability) * there
                out[own] += edge_shift(self.odds[own], told)
        return np.clip(out, -MACHINE_CAP, MACHINE_CAP)

    def without(self, number: int) -> EdgeTable:
        """The table without one of its edges."""
        kept = np.arange(len(self.edges)) != number
        return _weighted(
            tuple(e for e, stays in zip(self.edges, kept, strict=True) if stays),
            self.n_told - (number < self.n_told),
            self.member[kept],
            self.direction[kept],
            self.odds,
        )

    def restricted(self, columns: Columns, more: int) -> EdgeTable:
        """The table over some of the columns, and `more` that it does not speak of."""

        def cut(array: Array) -> Array:
            return np.pad(array[:, columns], ((0, 0), (0, more)))

        blank = np.zeros((len(self.edges), more), bool)

        return replace(
            self,
            member=np.concatenate([self.member[:, columns], blank], axis=1),
            direction=cut(self.direction),
            signs=cut(self.signs),
            odds=np.pad(self.odds[columns], (0, more)),
        )


def edge_table(
    edges: Sequence[Edge],
    complete: bool,
    library: Library,
    own: Array,
    nonnegative: Collection[str] | None = None,
) -> EdgeTable | None:
    """The table of some edges; None where nothing is told.

    In a complete table every edge between two different variables that is missing counts
    against its columns; that a state acts on itself is nobody's edge to tell.

    Parameters
    ----------
    edges : sequence of Edge
    complete : bool
    library : Library
    own : (n_column,) array
        What else is added to the columns' log-odds (`complexity_cost`).
    nonnegative : names, optional
        Variables that are never negative; all, if absent.
    """
    told = {edge.key for edge in edges}
    missing = [
        Edge(regulator, target, confidence=0.0)
        for target in (library.states if complete else ())
        for regulator in library.names
        if regulator != target and (regulator, target) not in told
    ]
    everything = (*edges, *missing)
    if not everything:
        return None
    member = np.zeros((len(everything), own.size), bool)
    direction = np.zeros(member.shape)
    for e, edge in enumerate(everything):
        member[e, edge_columns(edge, library)] = True
        direction[e] = edge_directions(edge, library, nonnegative)
    return _weighted(everything, len(edges), member, direction, own + base_odds(library))


def _weighted(
    edges: tuple[Edge, ...], n_told: int, member: NDArray[np.bool_], direction: Array, odds: Array
) -> EdgeTable:
    base = np.array([any_probability(odds[own]) for own in member])
    base = np.clip(base, CERTAIN, 1.0 - CERTAIN)
    told = np.array([edge.confidence for edge in edges])
    told[n_told:] = 1.0 / (1.0 + np.exp(-_logit(base[n_told:]) - MISSING))
    level = LEVELS[:, None]
    wanted = np.clip(level * told + (1.0 - level) * base, CERTAIN, 1.0 - CERTAIN)
    shift = np.clip(_logit(wanted) - _logit(base), -MACHINE_CAP, MACHINE_CAP)
    wanted = 1.0 / (1.0 + np.exp(-_logit(base) - shift))
    speaks = member.any(axis=1)
    present = np.where(speaks, np.log(wanted / base), 0.0)
    absent = np.where(speaks, np.log((1.0 - wanted) / (1.0 - base)), 0.0)
    # An edge nobody trusts says nothing about its sign, rather than the opposite.
    trust = np.clip(level * np.maximum(told, 0.5) + (1.0 - level) * 0.5, 0.5, 1.0 - CERTAIN)
    signs = np.clip(_logit(trust) @ direction, -MACHINE_CAP, MACHINE_CAP)
    probability = 1.0 / (1.0 + np.exp(-odds))
    normaliser = _log_normaliser(member, probability, present, absent)
    return EdgeTable(edges, n_told, member, direction, odds, present, absent, normaliser, signs)


def _log_normaliser(
    member: NDArray[np.bool_], probability: Array, present: Array, absent: Array
) -> Array:
    """Log mean of the edges' factors over independent columns, at each level.

    Each factor has mean 1; edges that share columns are there together more often than not.
    """
    out = np.zeros(len(present))
    shared = csr_array(member.astype(float))
    number, group = connected_components(shared @ shared.T, directed=False)
    for g in range(number):
        own = np.flatnonzero(group == g)
        if 1 < own.size <= MOST_EXACT:
            chance = _coverage(member[own], probability)
            inside = (np.arange(chance.size)[:, None] >> np.arange(own.size)) & 1 == 1
            value = np.where(inside, present[:, None, own], absent[:, None, own]).sum(axis=2)
            out += np.log(np.exp(value) @ chance)
    return out


def _coverage(member: NDArray[np.bool_], probability: Array) -> Array:
    """Probability (2^m,) of every set of m edges to be the one that is there."""
    code = (member.T * (1 << np.arange(len(member)))).sum(axis=1)
    chance = np.zeros(1 << len(member))
    chance[0] = 1.0
    sets = np.arange(chance.size)
    for bits in np.unique(code[code > 0]):
        some = -np.expm1(np.log1p(-probability[code == bits]).sum())
        chance = chance * (1.0 - some) + np.bincount(sets | bits, chance * some, chance.size)
    return chance


def _logit(p: Array) -> Array:
    return np.log(p) - np.log1p(-p)
