"""The answer of a discovery with its uncertainty, as plain arrays.

Index conventions: trajectories are those of the study, in order; columns are those of the
library, in order; states are ``library.states``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .draws import DrawnConstants as DrawnConstants
from .draws import Posterior as Posterior
from .varying import LocalEstimates, Variation, Varying

if TYPE_CHECKING:
    from twinlab.knowledge import Knowledge
    from twinlab.library import Library
    from twinlab.study import Study

    from .noise import Noise
    from .problem import Problem
    from .reliability import Reliability
    from .verdict import PriorVerdict

Array = NDArray[np.float64]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Settings:
    """Choices of a fit that are not knowledge; every default is shown in the report.

    Attributes
    ----------
    noise : str
        'auto' (chosen by evidence), 'constant', 'proportional', 'combined', 'lognormal',
        'student' (constant scale with the tails of Student's t, for outliers) or
        'proportional_student'.
    slab_width : float
        Prior sd of a coefficient over the magnitude at which it alone would explain all change.
    complexity : float
        Prior cost of each factor of a term beyond the first, in nats.  The default is where truths
        of the benchmark are most probable.
    positivity : float
        Prior log-odds, in nats, against a sign that drives a quantity below zero whose data are
        never negative.
    starts : int
        Continuation schedules tried (1 to 3).
    mcmc_steps : int
        Effort of one selection: an informed jump, which weighs every column, costs 50.
    draws : int
        Posterior draws kept and simulated for bands.
    neighbours : int
        Models re-scored around the best one in each round (a number, not a time, so that the
        result does not depend on the machine's speed).
    horizon : float or None
        Simulate to this time; None: to the last measurement of each trajectory.
    vary : str
        What coefficients may differ between: 'auto' (subjects, where three or more share a
        condition; else named conditions), 'nothing', 'condition' or 'subject'.
    vary_terms : tuple of str
        Terms whose coefficients may differ; all if empty.
    covariates : tuple of str or None
        That may explain the variation; None: all that every subject has.
    """

    noise: str = "auto"
    slab_width: float = 10.0
    complexity: float = 2.75
    positivity: float = 3.0
    starts: int = 3
    mcmc_steps: int = 20_000
    draws: int = 200
    neighbours: int = 12
    horizon: float | None = None
    vary: str = "auto"
    vary_terms: tuple[str, ...] = ()
    covariates: tuple[str, ...] | None = None


@dataclass(frozen=True)
class FitWarning:
    """A machine-readable `code` and a sentence for people."""

    code: str
    text: str


@dataclass(frozen=True)
class RefinedShape:
    """Constants of one Hill function that were fitted, not taken from a grid.

    Attributes
    ----------
    column, factor : int
        Column of the library, and which factor of its term.
    half_saturation, hill_coefficient : float
        At the optimum.
    half_saturation90, hill_coefficient90 : (2,) arrays
        5 % and 95 % quantiles given this model.
    hill_free : bool
        False where the Hill coefficient is held at a whole number: its interval is that number.
    """

    column: int
    factor: int
    half_saturation: float
    half_saturation90: Array
    hill_coefficient: float
    hill_coefficient90: Array
    hill_free: bool


@dataclass(frozen=True)
class FamilyInclusion:
    """Probability that a saturating family is in an equation, whichever atom stands for it.

    Attributes
    ----------
    equation : str
        The state (or states, for a reaction) it drives.
    variables, roles : tuple of str
        Variable of each Hill function, and 'activation' or 'repression'.
    times : str
        Text of the factors beside the Hill functions; empty if there are none.
    columns : tuple of int
        Its atoms in the library, refined terms included.
    probability : float
    """

    equation: str
    variables: tuple[str, ...]
    roles: tuple[str, ...]
    times: str
    columns: tuple[int, ...]
    probability: float


@dataclass(frozen=True)
class ModelClass:
    """Ranked models that these data cannot tell apart: they differ in Hill functions alone.

    Attributes
    ----------
    models : tuple of int
        Places in ``Discovery.models``, the most probable first.
    probability : float
        Of all together.
    distance : float
        Largest distance of a member's trajectories from the first's, as `equivalence` says.
    text : str
        What they differ in, in words; empty for a class of one.
    """

    models: tuple[int, ...]
    probability: float
    distance: float
    text: str


@dataclass(frozen=True)
class Proposal:
    """A term that the library does not hold and the data ask for.

    Attributes
    ----------
    state, term : str
        The equation, and the term in the term language.
    gain : float
        By how much the best model's log evidence would rise, the wider choice accounted for.
    instead_of : tuple of str
        Terms of the best model that would become superfluous.
    """

    state: str
    term: str
    gain: float
    instead_of: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """One sentence for people."""
        instead = f" instead of {'; '.join(self.instead_of)}" if self.instead_of else ""
        return (
            f"Adding {self.term} to d {self.state}/dt{instead} would raise the log evidence by "
            f"about {self.gain:.0f}."
        )


@dataclass(frozen=True)
class RankedModel:
    """One support with its own optimum and Laplace posterior.

    Attributes
    ----------
    columns : (k,) int array
        Active columns, ascending.
    probability : float
        Posterior probability among the models considered.
    evidence : float
        Log evidence (Laplace), up to a constant shared by the models of one discovery.
    coefficients, sd : (k,) arrays
    interval90 : (k, 2) array
        5 % and 95 % quantiles of the coefficient: of the first model over all models that hold the
        term, of the others, and where states were never measured, given this model.
    covariance : (k, k) array
    initial : (n_trajectory, n_state) array
        Initial states at the optimum.
    shapes : tuple of RefinedShape
        Hill functions whose constants were fitted.
    joint_covariance : (k + m, k + m) array or None
        Of the coefficients, then of the logarithms of the fitted constants: for each shape the
        half saturation and, where it is not held, the Hill coefficient; then of the effects.
    local : LocalEstimates or None
        Where coefficients differ between trajectories.
    """

    columns: NDArray[np.int64]
    probability: float
    evidence: float
    coefficients: Array
    sd: Array
    interval90: Array
    covariance: Array
    initial: Array
    shapes: tuple[RefinedShape, ...] = ()
    joint_covariance: Array | None = None
    local: LocalEstimates | None = None

    def of(self, trajectory: int) -> Array:
        """Coefficients (k,) of one trajectory."""
        if self.local is None:
            return self.coefficients
        # what is off is a plain zero, whatever its sign elsewhere
        return np.asarray(self.coefficients * self.local.factor[trajectory] + 0.0, float)

    def full(self, trajectory: int, n_column: int) -> Array:
        """Coefficients (n_column,) of one trajectory, zero where a column is left out."""
        out = np.zeros(n_column)
        out[self.columns] = self.of(trajectory)
        return out


@dataclass(frozen=True)
class Band:
    """Simulated trajectories of one subject under the posterior.

    Attributes
    ----------
    time : (n,) array
        Fine grid that holds every measured time.
    mean : (n, n_observable) array
        Trajectory of the best model's optimum.
    quantiles : (5, n, n_observable) array
        Pointwise quantiles at ``QUANTILES`` over the posterior draws (parameter uncertainty).
    predictive : (5, n, n_observable) array
        The same with observation noise added.
    n_failed : int
        Draws whose simulation diverged; they are left out and counted.
    """

    time: Array
    mean: Array
    quantiles: Array
    predictive: Array
    n_failed: int = 0


@dataclass(frozen=True)
class Path:
    """Elastic-net path on the discovery's Gram: a picture of the library, not the selector.

    Attributes
    ----------
    penalty : (n_penalty,) array
        Descending, as a fraction of the smallest penalty with an empty model.
    coefficients : (n_penalty, n_column) array
        In the units of the model (not standardised).
    """

    penalty: Array
    coefficients: Array


@dataclass(frozen=True)
class Gram:
    """Data-space regression at the accepted model, initial states marginalised (METHODS 2).

    Attributes
    ----------
    matrix : (n_column, n_column) array
    vector : (n_column,) array
    yy, n : float
    initial_offset : (n_trajectory, n_state) array
    initial_slope : (n_trajectory, n_state, n_column) array
    initial_hessian : (n_trajectory, n_state, n_state) array
        Given coefficients ``w`` the initial state has mean ``offset - slope w`` and this precision.
    """

    matrix: Array
    vector: Array
    yy: float
    n: float
    initial_offset: Array
    initial_slope: Array
    initial_hessian: Array


@dataclass(frozen=True)
class Discovery:
    """The answer.

    Attributes
    ----------
    status : str
        'converged', 'provisional' (T0-T2 of METHODS 3) or 'failed'.
    chi2_per_point : float
    noise_model : str
    noise_sd : mapping of measured observable to float
        Standard deviation in its unit ('constant') or as a fraction of it.
    models : tuple of RankedModel
        By descending probability.
    inclusion : (n_column,) array
        Marginal inclusion probability of each column.
    families : tuple of FamilyInclusion
        The same for each family of Hill functions as a whole.
    classes : tuple of ModelClass
        The models in groups that the data cannot tell apart, by descending probability.
    bands : sequence of Band
        Of each trajectory; after `reconsider` each is simulated when it is first asked for.
    r_squared : (n_trajectory, n_observable) array
        1 - SS_res/SS_tot of the best model against the data; NaN where not defined.
    fitted : tuple of (n_time, n_observable) arrays
        Best model at the measured times of each trajectory.
    residuals : tuple of (n_time, n_observable) arrays
        (data - fitted)/sd; NaN where nothing was measured or only a limit is known.
    gram, problem, slab, noise
        What `reconsider` needs to answer without refitting: the regression at the best model,
        the numeric tables, the slab's precision (n_column,) and the noise.
    latent : mapping of state to mapping
        States never measured: how their scale is fixed, whether the data determine them, and the
        profile along the least known combination.
    proposals : tuple of Proposal
        Terms to add to the library, where the truth seems not to be in it.
    prior_verdicts : tuple of PriorVerdict
        Every claim of the knowledge held against the data, conflicts first.
    reliability : Reliability or None
        How far the data bear out the edges; None where none are told.
    varying : Varying or None
        Which coefficients differ between trajectories; None where none does.
    variation : Variation or None
        What was found about it, in numbers for people.
    """

    study: Study
    library: Library
    knowledge: Knowledge
    settings: Settings
    seed: int
    status: str
    chi2_per_point: float
    noise_model: str
    noise_sd: Mapping[str, float]
    models: tuple[RankedModel, ...]
    inclusion: Array
    posterior: Posterior
    bands: Sequence[Band]
    path: Path
    r_squared: Array
    fitted: tuple[Array, ...]
    residuals: tuple[Array, ...]
    warnings: tuple[FitWarning, ...]
    seconds: float
    gram: Gram
    problem: Problem
    slab: Array
    noise: Noise
    proposals: tuple[Proposal, ...] = ()
    varying: Varying | None = None
    variation: Variation | None = None
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    families: tuple[FamilyInclusion, ...] = ()
    classes: tuple[ModelClass, ...] = ()
    latent: Mapping[str, Any] = field(default_factory=dict)
    prior_verdicts: tuple[PriorVerdict, ...] = ()
    reliability: Reliability | None = None

    @property
    def best(self) -> RankedModel:
        """The model of highest probability."""
        return self.models[0]
