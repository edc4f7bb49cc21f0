"""``discover``: from a study, a library and knowledge to a Discovery."""

from __future__ import annotations

import os
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import cache

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from twinlab.errors import UserError
from twinlab.kernels import standardised_path
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study

from .bands import make_bands
from .continuation import Outcome
from .criticism import criticise, describes
from .equivalence import equivalence_classes
from .extension import extend
from .families import family_inclusion
from .library_criticism import judge_library
from .noise import MODELS, allowed_models, compared_models
from .posterior import (
    chi2_per_point,
    draw_posterior,
    goodness,
    inclusion_of,
    rank_models,
    standardised_residuals,
)
from .problem import Problem, make_problem
from .progress import RESCORE_SHARE, SEARCH_SHARE, CancelToken, ProgressCallback, Teller
from .refinement import refine
from .result import Discovery, Gram, Path, Settings
from .search import (
    Start,
    Weighed,
    compare_noise,
    models_met,
    prepare_starts,
    rescore,
    run_starts,
)
from .segments import cut_problem, join, piece_share
from .steps import linearise

Array = NDArray[np.float64]

#: Log evidence by which another noise model must win before the search is repeated under it.
NOISE_MARGIN = 3.0
#: The path is a picture: its last penalty over the first, and the relative gap it is solved to.
PATH_RATIO, PATH_TOLERANCE = 1e-3, 1e-6


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
    teller = Teller(progress, cancel)
    teller.tell("prepare", "Reading the problem", 0.0)
    problem = make_problem(
        study, library, knowledge, complexity=settings.complexity, positivity=settings.positivity
    )
    models = _noise_models(problem, settings)
    own = ThreadPoolExecutor(max(1, min(settings.starts, os.cpu_count() or 1)))
    threads = own if executor is None else nullcontext(executor)
    with threads as pool, one_blas_thread():
        starts = prepare_starts(problem, settings)
        share = piece_share(problem, starts[0].frame.smooth)
        if share < 1.0:
            starts = prepare_starts(cut_problem(problem, knowledge, settings, share), settings)
        outcomes, weighed, gram, evidence = _search(starts, models, settings, seed, teller, pool)
        frame = starts[0].frame
        if share < 1.0:
            teller.rescoring("Joining the pieces of long records", 0.9)
            joined = join(
                problem,
                knowledge,
                settings,
                frame.precision,
                share,
                weighed,
                lambda frame, points, rounds: rescore(
                    frame, points, settings, seed, pool, teller.check, teller.rescoring, rounds
                ),
            )
            # If the models could not be followed the answer is about the pieces.
            frame, weighed, gram = joined or (frame, weighed, gram)
        teller.rescoring("Fitting the constants of saturating terms", 1.0)
        refined, weighed = refine(frame, weighed, settings, seed, pool, teller.check)
        if refined:
            frame, weighed = extend(frame, refined, weighed, knowledge, settings.complexity)
            gram = linearise(frame, weighed[0].fit, weighed[0].noise, 0.0) or gram
        problem, library, best = frame.problem, frame.problem.library, weighed[0]
        teller.tell("bands", "Criticising and simulating", SEARCH_SHARE + RESCORE_SHARE)
        verdict = judge_library(frame, best, settings, teller.check)
        ranked = rank_models(frame, weighed)
        posterior = draw_posterior(frame, weighed, ranked, settings.draws, seed + 1000)
        centre = np.zeros(problem.n_column)
        centre[best.fit.columns] = best.fit.coefficients
        bands = make_bands(
            problem, posterior, (centre, best.fit.initial), best.noise, settings.horizon, pool
        )
    teller.check()
    chi2 = chi2_per_point(problem, best.fit, best.noise)
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
        families=family_inclusion(library, ranked),
        classes=equivalence_classes(library, weighed, ranked, problem, best.noise),
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
        return compared_models(problem)
    if settings.noise not in allowed:
        name = settings.noise.replace("_", " ").capitalize()
        raise UserError(
            f"{name} noise needs data that are positive throughout.",
            mend=f"Choose {' or '.join(allowed)}.",
        )
    return (settings.noise,)


def _search(
    starts: list[Start],
    models: tuple[str, ...],
    settings: Settings,
    seed: int,
    teller: Teller,
    pool: Executor,
) -> tuple[list[Outcome], list[Weighed], Gram, dict[str, float]]:
    """Starts and re-scoring, repeated under another noise model where the evidence asks for it."""
    frame = starts[0].frame

    def whole(model: str) -> tuple[list[Outcome], list[Weighed], Gram | None]:
        tick = teller.starts(starts)
        outcomes = run_starts(starts, model, seed, tick, pool)
        weighed, gram = rescore(
            frame,
            models_met(frame, outcomes),
            settings,
            seed,
            pool,
            teller.check,
            teller.rescoring,
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
