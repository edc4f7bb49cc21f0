"""``discover``: from a study, a library and knowledge to a Discovery."""

from __future__ import annotations

import os
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.kernels import standardised_path
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study

from .bands import make_bands
from .criticism import criticise, describes
from .equivalence import equivalence_classes
from .families import family_inclusion
from .found import Found
from .identifiability import judge_latent, latent_warnings
from .latent_proposal import latent_proposal_warning, propose_latent
from .library_criticism import LibraryVerdict, judge_library
from .noise import MODELS, allowed_models, compared_models
from .posterior import (
    chi2_per_point,
    draw_posterior,
    goodness,
    inclusion_of,
    rank_models,
    standardised_residuals,
)
from .prior_conflict import conflict_warning, prior_verdicts
from .problem import Problem, make_problem
from .progress import RESCORE_SHARE, SEARCH_SHARE, CancelToken, ProgressCallback, Teller
from .reliability import reliability_of
from .result import Discovery, FitWarning, Gram, Path, Settings
from .run import Run
from .screening import informed, screen
from .threads import one_blas_thread
from .variation_words import variation_text

Array = NDArray[np.float64]

IN_PIECES = (
    "No model could be followed from end to end of these long records, as in chaos: they were "
    "fitted in pieces, each with its own initial state, and bands begin anew with every piece."
)
#: The path is a picture: its last penalty over the first, and the relative gap it is solved to.
PATH_RATIO, PATH_TOLERANCE = 1e-3, 1e-6


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
    library, absent = informed(study, knowledge.completed(library), knowledge)
    n_candidates = len(library.columns)
    library = screen(
        study,
        library,
        knowledge,
        settings.complexity,
        lambda words: teller.tell("prepare", words, 0.0),
    )
    problem = make_problem(
        study, library, knowledge, complexity=settings.complexity, positivity=settings.positivity
    )
    models = _noise_models(problem, settings)
    own = ThreadPoolExecutor(max(1, min(settings.starts, os.cpu_count() or 1)))
    threads = own if executor is None else nullcontext(executor)
    with threads as pool, one_blas_thread():
        run = Run(settings, knowledge, seed, teller, pool, n_candidates)
        discovery = _answer(run, run.find(problem, models), problem.n_column)
    if absent:
        said = (*discovery.warnings, FitWarning("uninformed", absent))
        discovery = replace(discovery, warnings=said)
    discovery = replace(discovery, seconds=time.perf_counter() - began)
    teller.tell("done", f"Done in {discovery.seconds:.1f} s", 1.0)
    return discovery


def _answer(run: Run, found: Found, n_base: int) -> Discovery:
    """Posterior, bands and criticism of the models that were found.

    `n_base` columns are the library's own, those behind them refined terms.
    """
    run.teller.tell("bands", "Criticising and simulating", SEARCH_SHARE + RESCORE_SHARE)
    frame, weighed, best = found.frame, found.weighed, found.weighed[0]
    problem, library, settings = frame.problem, frame.problem.library, run.settings
    path = run.pool.submit(coefficient_path, problem, found.gram)
    verdicts = prior_verdicts(
        frame, weighed, found.gram, n_base, run.knowledge, settings, run.seed, run.pool,
        run.teller.check,
    )  # fmt: skip
    verdict = judge_library(frame, best, settings, run.teller.check, run.pool)
    hidden = None
    if verdict.alarm and not found.in_pieces:
        run.teller.tell(
            "bands", "Trying a state that nobody measured", SEARCH_SHARE + RESCORE_SHARE
        )
        hidden = propose_latent(frame, best, settings, run.seed, run.pool, run.teller.check)
    ranked = rank_models(frame, weighed, found.gauges)
    posterior = draw_posterior(
        frame, weighed, ranked, settings.draws, run.seed + 1000, found.gauges
    )
    bands = make_bands(problem, posterior, ranked[0], best.noise, settings.horizon, run.pool)
    run.teller.check()
    chi2 = chi2_per_point(frame, best.fit, best.noise)
    # What varies was found on fits that run free, whether or not a fit for all could.
    free = found.variation is not None or any(o.kappa == 0 for o in found.outcomes)
    converged = free and len(best.fit.columns) > 0
    converged = converged and describes(problem, best.fit.x)
    warnings = criticise(
        problem, best, ranked[0], found.outcomes, found.starts, bands, converged, chi2, verdict
    )
    warnings = (*warnings, *latent_proposal_warning(hidden))
    if run.n_candidates > len(library.columns):
        text = (
            f"{run.n_candidates:,} candidates were screened to {len(library.columns)} before the "
            "fit: a term that the smoothed data speak against was not tried."
        )
        warnings = (*warnings, FitWarning("screened", text))
    totals = [c.name for c in run.knowledge.conserved if c.total is not None]
    totals = [name for name in totals if name not in problem.observables]
    if totals:
        text = (
            f"The number of {', '.join(totals)} is not used, since doses change it: each subject's "
            "total is estimated from its own data."
        )
        warnings = (*warnings, FitWarning("total_estimated", text))
    disagreement = conflict_warning(verdicts)
    if disagreement is not None:
        warnings = (*warnings, disagreement)
    variation = found.variation
    if variation is not None:
        if ranked[0].local is not None:
            labels = {int(c): library.column_label(int(c)) for c in ranked[0].columns}
            variation = variation.of_model(frame.varying, labels, ranked[0].local)
        text = variation_text(variation, frame.varying)
        warnings = (*warnings, FitWarning("varies", text))
    latent = judge_latent(frame, best, found.gauges)
    warnings = (*warnings, *latent_warnings(problem, latent))
    if found.in_pieces:
        warnings = (FitWarning("in_pieces", IN_PIECES), *warnings)
    return Discovery(
        study=problem.study,
        library=library,
        knowledge=run.knowledge,
        settings=settings,
        seed=run.seed,
        status="converged" if converged else "failed",
        chi2_per_point=float(chi2),
        noise_model=best.noise.model,
        noise_sd={
            name: float(sd)
            for name, sd, seen in zip(problem.observables, best.noise.sd, problem.seen, strict=True)
            if seen
        },
        models=ranked,
        inclusion=inclusion_of(ranked, problem.n_column),
        families=family_inclusion(library, ranked),
        classes=equivalence_classes(library, weighed, ranked, problem, best.noise),
        posterior=posterior,
        bands=bands,
        path=path.result(),
        r_squared=goodness(problem, best.fit.x),
        fitted=tuple(best.fit.x[problem.rows(r)] for r in range(problem.n_trajectory)),
        residuals=standardised_residuals(problem, best.noise, best.fit.x),
        warnings=warnings,
        seconds=0.0,
        gram=found.gram,
        problem=problem,
        slab=frame.precision,
        noise=best.noise,
        proposals=verdict.proposals,
        latent=latent,
        varying=frame.varying if frame.varying.n_slot else None,
        variation=variation,
        diagnostics=_diagnostics(found, verdict),
        prior_verdicts=verdicts,
        reliability=reliability_of(
            problem, frame.prior, [(m.columns, m.coefficients, m.evidence) for m in ranked]
        ),
    )


def _diagnostics(found: Found, verdict: LibraryVerdict) -> dict[str, Any]:
    """How the search went, for those who want to know."""
    return {
        "starts": [
            {"kappa": o.kappa, "terms": len(o.fit.columns), "chi2_per_point": o.chi2_per_point}
            for o in found.outcomes
        ],
        "noise_evidence": found.noise_evidence,
        "models_weighed": len(found.weighed),
        "lack_of_fit": {
            "discrepancy": verdict.lack.discrepancy.tolist(),
            "replicates": verdict.lack.replicates,
        },
    }


def _check_settings(settings: Settings) -> None:
    if settings.noise not in ("auto", *MODELS):
        raise UserError(
            f"Unknown noise model '{settings.noise}'.", mend=f"Use auto, {', '.join(MODELS)}."
        )
    if not 1 <= settings.starts <= 3:
        raise UserError("The number of starts must be 1, 2 or 3.")
    if settings.slab_width <= 0 or settings.draws < 10 or settings.mcmc_steps < 100:
        raise UserError("slab_width must be positive, draws at least 10, mcmc_steps at least 100.")
    if settings.vary not in ("auto", "nothing", "condition", "subject"):
        raise UserError(
            f"Coefficients cannot vary by '{settings.vary}'.",
            mend="Choose auto, nothing, condition or subject.",
        )
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


def coefficient_path(problem: Problem, gram: Gram) -> Path:
    """Elastic-net path on the final Gram."""
    prior = problem.prior
    penalty, coefficients = standardised_path(
        gram.matrix,
        gram.vector,
        gram.yy,
        ratio=PATH_RATIO,
        excluded=prior.excluded | prior.held,
        sign=prior.sign,
        tolerance=PATH_TOLERANCE,
    )
    return Path(penalty, coefficients)
