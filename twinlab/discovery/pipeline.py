"""``discover``: from a study, a library and knowledge to a Discovery."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import cache

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from twinlab.errors import Cancelled, UserError
from twinlab.kernels import standardised_path
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study

from .bands import DISPLAY_POINTS, make_bands, simulate
from .continuation import Outcome, Tick
from .criticism import criticise, describes
from .library_criticism import judge_library
from .noise import MODELS, allowed_models
from .posterior import (
    draw_posterior,
    goodness,
    inclusion_of,
    rank_models,
    standardised_residuals,
)
from .problem import Problem, make_problem
from .result import Discovery, Gram, Path, Progress, ProgressCallback, Settings, Snapshot
from .search import (
    Start,
    Weighed,
    compare_noise,
    prepare_starts,
    rescore,
    run_starts,
)
from .steps import Point

Array = NDArray[np.float64]

#: Log evidence by which another noise model must win before the search is repeated under it.
NOISE_MARGIN = 3.0
#: Trajectories drawn while the fit runs.
MAX_SNAPSHOT = 12
#: The path is a picture: its last penalty over the first, and the relative gap it is solved to.
PATH_RATIO, PATH_TOLERANCE = 1e-3, 1e-6
SEARCH_SHARE, RESCORE_SHARE = 0.6, 0.3


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def one_blas_thread() -> AbstractContextManager[object]:
    """Keep BLAS to one thread while our own threads share the work out.

    Its matrices are small here, and its threads would fight ours for the same cores: without
    this a six-state network takes two to three times as long on two cores.
    """
    limit: AbstractContextManager[object] = _blas().limit(limits=1, user_api="blas")
    return limit


class CancelToken:
    """Tells a running discovery to stop; safe to call from any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask for the stop; the discovery raises ``Cancelled`` before its next kernel call."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether the stop was asked for."""
        return self._event.is_set()


def discover(
    study: Study,
    library: Library | None = None,
    knowledge: Knowledge | None = None,
    *,
    settings: Settings | None = None,
    seed: int = 0,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    executor: Executor | None = None,
) -> Discovery:
    """Infer sparse ODE models from time series.

    Parameters
    ----------
    study : Study
    library : Library, optional
        Candidate terms; a polynomial library of degree 2 in all variables if absent.
    knowledge : Knowledge, optional
        What is believed beforehand.
    settings : Settings, optional
    seed : int
        The same seed on the same machine gives the same answer, whatever the executor.
    progress : callable, optional
        Called with `Progress` from worker threads.
    cancel : CancelToken, optional
    executor : Executor, optional
        A thread pool for the starts and the models to be weighed; not the one this call itself
        runs in.  By default two or three threads of its own.

    Returns
    -------
    Discovery

    Raises
    ------
    UserError
        The study, the library or the knowledge cannot be used; the message says why.
    Cancelled
        The token was cancelled.
    """
    began = time.perf_counter()
    settings = settings or Settings()
    knowledge = knowledge if knowledge is not None else Knowledge()
    library = library if library is not None else Library.polynomial(study, degree=2)
    _check_settings(settings)
    teller = _Teller(progress, cancel)
    teller.tell("prepare", "Reading the problem", 0.0)
    problem = make_problem(
        study, library, knowledge, complexity=settings.complexity, positivity=settings.positivity
    )
    models = _noise_models(problem, settings)
    own = ThreadPoolExecutor(max(1, min(settings.starts, os.cpu_count() or 1)))
    threads = own if executor is None else nullcontext(executor)
    with threads as pool, one_blas_thread():
        starts = prepare_starts(problem, settings)
        outcomes, weighed, gram, evidence = _search(starts, models, settings, seed, teller, pool)
        teller.tell("bands", "Criticising and simulating", SEARCH_SHARE + RESCORE_SHARE)
        frame, best = starts[0].frame, weighed[0]
        verdict = judge_library(frame, best, settings, teller.check)
        ranked = rank_models(frame, weighed)
        posterior = draw_posterior(frame, weighed, ranked, settings.draws, seed + 1000)
        centre = np.zeros(problem.n_column)
        centre[best.fit.columns] = best.fit.coefficients
        bands = make_bands(
            problem, posterior, (centre, best.fit.initial), best.noise, settings.horizon, pool
        )
    teller.check()
    chi2 = best.fit.cost / max(problem.n_values - len(best.fit.columns) - best.fit.initial.size, 1)
    converged = any(outcome.kappa == 0 for outcome in outcomes) and len(best.fit.columns) > 0
    converged = converged and describes(problem, best.fit.x)
    warnings = criticise(problem, best, outcomes, starts, bands, converged, chi2, verdict)
    discovery = Discovery(
        study=problem.study,
        library=library,
        knowledge=knowledge,
        settings=settings,
        seed=seed,
        status="converged" if converged else "failed",
        chi2_per_point=float(chi2),
        noise_model=best.noise.model,
        noise_sd=dict(zip(library.states, map(float, best.noise.sd), strict=True)),
        models=ranked,
        inclusion=inclusion_of(ranked, problem.n_column),
        posterior=posterior,
        bands=bands,
        path=coefficient_path(problem, gram),
        r_squared=goodness(problem, best.fit.x),
        fitted=tuple(best.fit.x[problem.rows(r)] for r in range(problem.n_trajectory)),
        residuals=standardised_residuals(problem, best.noise, best.fit.x),
        warnings=warnings,
        seconds=time.perf_counter() - began,
        gram=gram,
        problem=problem,
        slab=frame.precision,
        noise=best.noise,
        proposals=verdict.proposals,
        diagnostics={
            "starts": [
                {"kappa": o.kappa, "terms": len(o.fit.columns), "chi2_per_point": o.chi2_per_point}
                for o in outcomes
            ],
            "noise_evidence": evidence,
            "models_weighed": len(weighed),
            "lack_of_fit": {
                "discrepancy": verdict.lack.discrepancy.tolist(),
                "replicates": verdict.lack.replicates,
            },
        },
    )
    teller.tell("done", f"Done in {discovery.seconds:.1f} s", 1.0)
    return discovery


def _check_settings(settings: Settings) -> None:
    if settings.noise not in ("auto", *MODELS):
        raise UserError(
            f"Unknown noise model '{settings.noise}'.", mend=f"Use auto, {', '.join(MODELS)}."
        )
    if not 1 <= settings.starts <= 3:
        raise UserError("The number of starts must be 1, 2 or 3.")
    if settings.slab_width <= 0 or settings.draws < 10 or settings.mcmc_steps < 100:
        raise UserError("slab_width must be positive, draws at least 10, mcmc_steps at least 100.")
    if settings.complexity < 0 or settings.positivity < 0:
        raise UserError("complexity and positivity are costs in nats: zero or more.")


def _noise_models(problem: Problem, settings: Settings) -> tuple[str, ...]:
    """Noise models to judge, the first of which the search begins with."""
    allowed = allowed_models(problem)
    if settings.noise == "auto":
        return allowed
    if settings.noise not in allowed:
        raise UserError(
            f"{settings.noise.capitalize()} noise needs data that are positive throughout.",
            mend=f"Choose {' or '.join(allowed)}.",
        )
    return (settings.noise,)


def _search(
    starts: list[Start],
    models: tuple[str, ...],
    settings: Settings,
    seed: int,
    teller: _Teller,
    pool: Executor,
) -> tuple[list[Outcome], list[Weighed], Gram, dict[str, float]]:
    """Starts and re-scoring, repeated under another noise model where the evidence asks for it."""
    frame = starts[0].frame

    def whole(model: str) -> tuple[list[Outcome], list[Weighed], Gram | None]:
        tick = teller.starts(starts)
        outcomes = run_starts(starts, model, seed, tick, pool)
        weighed, gram = rescore(
            frame, outcomes, settings, seed, pool, teller.check, teller.rescoring
        )
        return outcomes, weighed, gram

    outcomes, weighed, gram = whole(models[0])
    evidence: dict[str, float] = {}
    if len(models) > 1 and weighed:
        teller.rescoring("Comparing noise models", 1.0)
        evidence = compare_noise(frame, weighed[0], models)
        winner = max(evidence, key=lambda name: evidence[name])
        if evidence[winner] > evidence[models[0]] + NOISE_MARGIN:
            again = whole(winner)
            if again[1] and again[1][0].evidence > weighed[0].evidence:
                outcomes, weighed, gram = again
    if not weighed or gram is None:
        raise UserError(
            "No model could be simulated on these data, not even one without terms.",
            mend="Check the data for extreme values, or relax the required terms.",
        )
    return outcomes, weighed, gram, evidence


def coefficient_path(problem: Problem, gram: Gram) -> Path:
    """Elastic-net path on the final Gram."""
    prior = problem.prior
    penalty, coefficients = standardised_path(
        gram.matrix,
        gram.vector,
        gram.yy,
        ratio=PATH_RATIO,
        excluded=prior.excluded,
        sign=prior.sign,
        tolerance=PATH_TOLERANCE,
    )
    return Path(penalty, coefficients)


class _Teller:
    """Progress events and the check for a stop."""

    def __init__(self, progress: ProgressCallback | None, cancel: CancelToken | None) -> None:
        self.progress, self.cancel = progress, cancel
        self.done: list[float] = []
        self.lock = threading.Lock()

    def check(self) -> None:
        """Raise ``Cancelled`` if a stop was asked for."""
        if self.cancel is not None and self.cancel.cancelled:
            raise Cancelled("stopped")

    def tell(
        self, stage: str, text: str, fraction: float, snapshot: Snapshot | None = None
    ) -> None:
        """Send one event."""
        self.check()
        if self.progress is not None:
            self.progress(Progress(stage, text, min(fraction, 1.0), snapshot))

    def rescoring(self, text: str, fraction: float) -> None:
        """Send an event of the re-scoring."""
        self.tell("rescore", text, SEARCH_SHARE + RESCORE_SHARE * fraction)

    def starts(self, starts: list[Start]) -> Callable[[int], Tick]:
        """Make the ticks of all starts; the first start is drawn as it goes."""
        self.done = [0.0] * len(starts)

        def make(i: int) -> Tick:
            problem, smooth = starts[i].frame.problem, starts[i].frame.smooth
            n_stages = len(starts[i].kappas) + 3

            def tick(words: str, kappa: float, chi2: float | None, point: Point | None) -> None:
                self.check()
                if point is None or chi2 is None:
                    return
                with self.lock:
                    self.done[i] = min(self.done[i] + 1.0 / n_stages, 1.0)
                    fraction = SEARCH_SHARE * sum(self.done) / len(self.done)
                snapshot = None
                if i == 0 and self.progress is not None:
                    snapshot = _snapshot(problem, smooth.target, words, kappa, chi2, point)
                self.tell("continue", f"Start {i + 1}: {words}", fraction, snapshot)

            return tick

        return make


def _snapshot(
    problem: Problem, target: Array, words: str, kappa: float, chi2: float, point: Point
) -> Snapshot:
    """Picture of an accepted stage: the nudged trajectories it simulates."""
    full = np.zeros(problem.n_column)
    full[point.columns] = point.coefficients
    times, lines = [], []
    for r in range(min(problem.n_trajectory, MAX_SNAPSHOT)):
        t = problem.times(r)
        time_ = np.linspace(t[0], t[-1], DISPLAY_POINTS)
        x, _ = simulate(
            problem, r, time_, full[None], point.initial[r][None], relative=1e-4,
            drive=problem.drive(kappa, target),
        )  # fmt: skip
        times.append(time_)
        lines.append(x[0])
    return Snapshot(words, kappa, chi2, point.columns, full, tuple(times), tuple(lines))
