"""One discovered model, or the model average, fitted to the subjects of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twinlab.discovery import Discovery, RankedModel
from twinlab.discovery.bands import make_lots, simulate
from twinlab.discovery.constants import empty_constants, set_constants
from twinlab.discovery.posterior import keep_sign
from twinlab.discovery.result import DrawnConstants
from twinlab.discovery.steps import inverse_scaled
from twinlab.errors import UserError
from twinlab.expressions import Term, equation_text
from twinlab.kernels import OK, STATUS_TEXT
from twinlab.study import Dose

from .archive import load_archive, save_archive
from .simulation import Simulation

Array = NDArray[np.float64]


class Twin:
    """A fitted model that can be simulated, saved and loaded.

    Parameters
    ----------
    discovery : Discovery
    rank : int, optional
        The model of that rank alone (1 is the most probable).  By default the model average:
        every model with the weight of its probability.

    Raises
    ------
    UserError
        There is no model of that rank.
    """

    def __init__(self, discovery: Discovery, rank: int | None = None) -> None:
        if rank is not None and not 1 <= rank <= len(discovery.models):
            raise UserError(
                f"There is no model of rank {rank}.",
                mend=f"Ranks go from 1 to {len(discovery.models)}.",
            )
        self.discovery = discovery
        self.rank = rank

    def __repr__(self) -> str:
        which = "model average" if self.rank is None else f"model {self.rank}"
        return f"<Twin of {self.discovery.study.name}: {which}>"

    @property
    def model(self) -> RankedModel:
        """The chosen model; the most probable one for the average."""
        return self.discovery.models[(self.rank or 1) - 1]

    @property
    def equations(self) -> dict[str, str]:
        """Equation of each state, with the coefficients of `model`, in the term language."""
        library = self.discovery.library
        parts: dict[str, list[tuple[float, Term]]] = {name: [] for name in library.states}
        for index, coefficient in zip(self.model.columns, self.model.coefficients, strict=True):
            column = library.columns[int(index)]
            for state, factor in column.stoichiometry:
                item = (float(coefficient) * factor, library.terms[column.term])
                parts[library.states[state]].append(item)
        return {name: equation_text(name, terms) for name, terms in parts.items()}

    def simulate(
        self,
        time: ArrayLike,
        initial: Mapping[str, float] | ArrayLike | None = None,
        subject: str | None = None,
        draws: int | None = None,
        doses: Sequence[Dose] | None = None,
    ) -> Simulation:
        """Simulate at given times.

        Parameters
        ----------
        time : (n_time,) array-like
            Increasing, in the study's time unit.
        initial : mapping of state to number, or (n_state,) array-like, optional
            State at ``time[0]``.  By default the fitted initial state of the subject, at its
            first measurement.
        subject : str, optional
            Whose initial state (and inputs) apply: one of ``discovery.study.labels``, or a
            subject that has one trajectory.  Needed where the study has several trajectories,
            unless `initial` is given and the model has no inputs.
        draws : int, optional
            How many posterior draws to simulate at most; all by default.
        doses : sequence of Dose, optional
            Given instead of the subject's own, by the study's rules of dosing (target, lag ...).

        Returns
        -------
        Simulation

        Raises
        ------
        UserError
            No such subject, times that do not increase or lie before the first measurement, an
            initial state that is incomplete, doses that cannot be given, or a model that cannot
            be simulated to the end.
        """
        problem = self.discovery.problem
        times = _checked_times(time)
        driven = bool(problem.library.inputs) or problem.schedule.has_events
        trajectory = self._trajectory(subject, needed=initial is None or driven)
        if doses is not None:
            problem = problem.with_doses(trajectory, doses)
        # Of nobody in particular: the population's coefficients.
        own = subject is not None or initial is None
        coefficients, states, constants = self._draws(trajectory, draws, own)
        centre = np.zeros(problem.n_column)
        centre[self.model.columns] = self.model.of(trajectory) if own else self.model.coefficients
        start = self.model.initial[trajectory]
        origin = float(problem.origin[trajectory])
        if initial is not None:
            start = self._initial(initial)
            states = np.broadcast_to(start, states.shape)
            origin = float(times[0])
        elif times[0] < origin:
            raise UserError(
                f"The subject was first measured at time {origin:g}; the twin cannot go back "
                f"to {times[0]:g}.",
                mend="Give later times, or the state at the first of them (initial=...).",
            )
        grid = times if times[0] == origin else np.concatenate(([origin], times))
        best, failed = simulate(
            problem, trajectory, grid, make_lots(problem, centre[None]), start[None]
        )
        if failed[0] != OK:
            raise UserError(
                "The model cannot be simulated to the last of these times: "
                f"{STATUS_TEXT[int(failed[0])]}.",
                mend="Give earlier times.",
            )
        paths, status = simulate(
            problem, trajectory, grid, make_lots(problem, coefficients, constants), states
        )
        good = paths[status == OK] if np.any(status == OK) else best
        keep = slice(grid.size - times.size, None)
        return Simulation(
            times,
            self.discovery.library.states,
            best[0, keep],
            good[:, keep],
            int((status != OK).sum()),
        )

    def what_if(
        self,
        time: ArrayLike,
        dose: float | Sequence[Dose],
        subject: str | None = None,
        draws: int | None = None,
    ) -> Simulation:
        """Simulate a subject, from its fitted initial state, under another dosing.

        Parameters
        ----------
        time, subject, draws
            As `simulate` takes them.
        dose : float or sequence of Dose
            A factor for all amounts of the subject, or other doses altogether.

        Returns
        -------
        Simulation

        Raises
        ------
        UserError
            As `simulate` raises it; a factor that is negative or not finite, or for a subject
            without doses.
        """
        if isinstance(dose, int | float):
            study = self.discovery.problem.study
            own = study.trajectories[self._trajectory(subject, needed=True)].doses
            dose = scaled_doses(own, dose)
        return self.simulate(time, subject=subject, draws=draws, doses=dose)

    def save(self, path: str | Path) -> Path:
        """Write the twin to a file, usually named ``.twin``.

        The file holds the whole discovery, and **with it the study's data and subject ids**: the
        twin can be simulated, and its report written again, without the data file.  It is a zip
        of one JSON and plain numeric arrays; loading it runs no code.

        Raises
        ------
        UserError
            The file cannot be written.
        """
        return save_archive(self.discovery, self.rank, path)

    @classmethod
    def load(cls, path: str | Path) -> Twin:
        """Read what `save` wrote.

        Raises
        ------
        UserError
            No such file, not a twin file, damaged, or written by a newer TwinLab.
        """
        return cls(*load_archive(path))

    def _trajectory(self, subject: str | None, *, needed: bool) -> int:
        study = self.discovery.problem.study
        if subject is None:
            if needed and len(study.trajectories) > 1:
                raise UserError(
                    "The study has several trajectories, and it was not said which to start from.",
                    mend=f"Give subject=..., one of {_listed(study.labels)}.",
                )
            return 0
        if subject in study.labels:
            return study.labels.index(subject)
        places = [i for i, t in enumerate(study.trajectories) if t.subject == subject]
        if len(places) != 1:
            problem = (
                f"Subject '{subject}' has several trajectories."
                if places
                else f"There is no subject '{subject}' in {study.name}."
            )
            raise UserError(problem, mend=f"Choose one of {_listed(study.labels)}.")
        return places[0]

    def _draws(
        self, trajectory: int, limit: int | None, own: bool
    ) -> tuple[Array, Array, DrawnConstants | None]:
        """Coefficients (n_draw, n_column), initial states (n_draw, n_state), fitted constants.

        The coefficients are the trajectory's own, or the population's.
        """
        posterior = self.discovery.posterior
        coefficients = posterior.of(trajectory) if own else posterior.coefficients
        initial, constants = posterior.initial[:, trajectory], posterior.constants
        if self.rank is not None:
            coefficients, initial, constants = self._model_draws(trajectory, len(coefficients), own)
        if limit is None or limit >= len(coefficients):
            return coefficients, initial, constants
        if limit < 1:
            raise UserError("At least one draw is needed.", mend="Give draws=1 or more.")
        pick = np.linspace(0, len(coefficients) - 1, limit).round().astype(int)
        return coefficients[pick], initial[pick], constants.pick(pick) if constants else None

    def _model_draws(
        self, trajectory: int, n: int, own: bool
    ) -> tuple[Array, Array, DrawnConstants | None]:
        """Draws of the chosen model's Laplace posterior.

        The initial state (and the deviations of coefficients that vary) given the coefficients is
        normal, with the slope and the precision of the discovery's linearisation, around the
        model's own optimum.
        """
        problem, gram, model = self.discovery.problem, self.discovery.gram, self.model
        columns = model.columns
        rng = np.random.default_rng([self.discovery.seed, self.rank or 0, trajectory])
        joint = model.joint_covariance if model.joint_covariance is not None else model.covariance
        moved = rng.multivariate_normal(np.zeros(len(joint)), joint, n, method="eigh")
        w = model.coefficients + moved[:, : columns.size]
        w = np.clip(w, problem.prior.lower[columns], problem.prior.upper[columns])
        constants = empty_constants(problem, [model], n)
        if constants is not None:
            set_constants(constants, slice(None), model, moved[:, columns.size :])
        coefficients = np.zeros((n, problem.n_column))
        coefficients[:, columns] = w
        slope = gram.initial_slope[trajectory][:, columns]
        centre, varying = model.initial[trajectory], self.discovery.varying
        if model.local is not None:
            centre = np.append(centre, model.local.deviation[trajectory])
        centre = centre - (w - model.coefficients) @ slope.T
        covariance = inverse_scaled(gram.initial_hessian[trajectory])
        scatter = rng.multivariate_normal(np.zeros(len(slope)), covariance, n, method="eigh")
        local, d = centre + scatter, problem.n_state
        if own and varying is not None and model.local is not None:
            effects = np.tile(model.local.effects, (n, 1))
            if model.joint_covariance is not None:
                effects += moved[:, moved.shape[1] - effects.shape[1] :]
            one = varying.trajectory(trajectory, columns, columns.size)
            log_factor = one.log_factor(local[:, None, d:], effects)[:, 0]
            varies = one.slot >= 0
            coefficients[:, columns[varies]] *= np.exp(log_factor[:, one.slot[varies]])
        return coefficients, keep_sign(problem, local[:, None, :d])[:, 0], constants

    def _initial(self, initial: Mapping[str, float] | ArrayLike) -> Array:
        states = self.discovery.library.states
        if isinstance(initial, Mapping):
            wrong = sorted(set(states) ^ set(initial))
            if wrong:
                raise UserError(
                    f"The initial state has {', '.join(sorted(initial)) or 'nothing'}; the model "
                    f"has {', '.join(states)}.",
                    mend="Give one number for each state.",
                )
            initial = [initial[name] for name in states]
        try:
            values = np.array(initial, float)
        except (TypeError, ValueError):
            raise UserError("The initial state must be numbers.") from None
        if values.shape != (len(states),) or not np.isfinite(values).all():
            raise UserError(
                f"The initial state must be {len(states)} finite numbers: {', '.join(states)}."
            )
        return values


def scaled_doses(doses: Sequence[Dose], factor: float) -> tuple[Dose, ...]:
    """The doses with their amounts multiplied.

    Raises
    ------
    UserError
        A factor that is negative or not finite, or no doses.
    """
    if not 0 <= factor < np.inf:
        raise UserError(
            f"Doses cannot be given {factor:g} times.", mend="Give a factor of 0 or more."
        )
    if not doses:
        raise UserError(
            "The subject has no doses that could be multiplied.",
            mend="Give the doses themselves: what_if(time, [Dose(time, amount)]).",
        )
    return tuple(replace(d, amount=factor * d.amount) for d in doses)


def _checked_times(time: ArrayLike) -> Array:
    try:
        times = np.atleast_1d(np.array(time, float))
    except (TypeError, ValueError):
        raise UserError("Times must be numbers.") from None
    increasing = times.ndim == 1 and times.size > 0 and np.all(np.diff(times) > 0)
    if not increasing or not np.isfinite(times).all():
        raise UserError("Times must be finite and increasing.", mend="Sort them; no time twice.")
    return times


def _listed(labels: Sequence[str], limit: int = 8) -> str:
    more = ", ..." if len(labels) > limit else ""
    return ", ".join(labels[:limit]) + more
