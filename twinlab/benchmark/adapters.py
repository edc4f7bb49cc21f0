"""The methods a benchmark holds against each other, behind one small interface.

A method is a function ``answer(study, library, knowledge, seed, budget) -> Answer``; `budget` is
the wall time in seconds it may take (the bench ends its process soon after).  A method that is
told the truth, and is labelled so, takes the keyword ``case`` besides.  Somebody else's method is
named ``package.module:function`` and needs no registration.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from twinlab.errors import UserError

from .cells import BenchmarkCase
from .scoring import Answer

Function = Callable[..., Answer]


@dataclass(frozen=True)
class Method:
    """One method of the benchmark.

    Attributes
    ----------
    name : str
        As given to ``--peers`` and written into result rows.
    label : str
        As printed in tables.
    target : str
        ``module:function``, loaded when first used.
    note : str
        What it is, for the legend; says so where the method is told the truth.
    told : bool
        The function gets the truth (keyword ``case``): a yardstick, not a competitor.
    requires : tuple of str
        Packages beyond the project's own.
    latent : bool
        The function can model states that are not in the data: it is told their names, as a user
        would name them, by the library.
    """

    name: str
    label: str
    target: str
    note: str
    told: bool = False
    requires: tuple[str, ...] = ()
    latent: bool = False

    def missing(self) -> tuple[str, ...]:
        """Required packages that are not installed."""
        return tuple(p for p in self.requires if importlib.util.find_spec(p) is None)

    def load(self) -> Function:
        """Import the function.

        Raises
        ------
        UserError
            There is no such module or function.
        """
        module, _, function = self.target.partition(":")
        try:
            found = getattr(importlib.import_module(module), function)
        except (ImportError, AttributeError) as error:
            raise UserError(
                f"The method '{self.name}' cannot be loaded: {error}.",
                mend="Name it package.module:function, on the Python path.",
            ) from None
        return found  # type: ignore[no-any-return]

    def prepare(self) -> None:
        """Run the module's ``prepare``, where it has one, so that no answer is charged with it."""
        module = importlib.import_module(self.target.partition(":")[0])
        prepare = getattr(module, "prepare", None)
        if prepare is not None:
            prepare()

    def __call__(self, case: BenchmarkCase, budget: float) -> Answer:
        """Answer one case."""
        extra = {"case": case} if self.told else {}
        library = case.library
        if self.latent and case.hidden:
            library = replace(case.full_library, latent=case.hidden)
        given = (case.study, library, case.knowledge, case.cell.seed, budget)
        return self.load()(*given, **extra)


_HERE = "twinlab.benchmark"
_ALL = (
    Method(
        "twinlab",
        "TwinLab",
        f"{_HERE}.own:bench_answer",
        "defaults, nothing tuned per system; told the names of hidden states, judged on all"
        " equations up to their units",
        latent=True,
    ),
    Method(
        "pysindy",
        "PySINDy default",
        f"{_HERE}.pysindy_peer:default_answer",
        "weak form, 30 bags, threshold 0.1",
        requires=("pysindy",),
    ),
    Method(
        "pysindy-best",
        "PySINDy best",
        f"{_HERE}.pysindy_peer:best_answer",
        "weak form, 30 bags; threshold, normalisation and width by BIC on simulated trajectories",
        requires=("pysindy",),
    ),
    Method(
        "pysindy-oracle",
        "PySINDy oracle",
        f"{_HERE}.pysindy_told:oracle_answer",
        "the same configurations, the one of highest F1 picked WITH THE TRUTH",
        told=True,
        requires=("pysindy",),
    ),
    Method(
        "pysindy-smooth",
        "PySINDy smoothed",
        f"{_HERE}.pysindy_smooth:answer",
        "Savitzky-Golay differentiation, STLSQ, threshold 0.1",
        requires=("pysindy",),
    ),
    Method(
        "sindy-pi",
        "SINDy-PI",
        f"{_HERE}.sindy_pi:answer",
        "implicit form for rational right-hand sides; L1 weight by held-out error",
        requires=("pysindy", "cvxpy"),
    ),
    Method(
        "lasso",
        "lasso",
        f"{_HERE}.lasso_peer:answer",
        "cross-validated lasso on derivatives of smoothing splines",
        requires=("sklearn",),
    ),
    Method(
        "nls",
        "ceiling (nls)",
        f"{_HERE}.nls:answer",
        "TOLD THE TRUE STRUCTURE; coefficients by nonlinear least squares on trajectories",
        told=True,
    ),
    Method("truth", "truth", f"{_HERE}.reference:truth", "the truth itself", told=True),
    Method("nothing", "nothing", f"{_HERE}.reference:nothing", "an empty model"),
    Method(
        "narrow",
        "narrow",
        f"{_HERE}.reference:narrow",
        "the truth, 2 % off, with intervals and bands far too narrow",
        told=True,
    ),
)

#: Every registered method by name.
METHODS: Mapping[str, Method] = MappingProxyType({m.name: m for m in _ALL})


def find_method(name: str) -> Method:
    """Return a registered method, or the one at ``package.module:function``.

    Raises
    ------
    UserError
        Neither.
    """
    if name in METHODS:
        return METHODS[name]
    if ":" in name:
        return Method(name, name.rpartition(":")[2], name, f"from outside: {name}")
    raise UserError(
        f"There is no method '{name}'.",
        mend=f"Methods: {', '.join(METHODS)}; or write package.module:function.",
    )
