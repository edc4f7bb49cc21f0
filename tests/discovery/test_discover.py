"""The whole search on data whose truth is known, and its manners."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from twinlab.discovery import (
    CancelToken,
    Progress,
    Settings,
    discover,
    discovery_mapping,
    dumps,
)
from twinlab.errors import Cancelled, UserError
from twinlab.knowledge import Belief, Knowledge
from twinlab.library import Library
from twinlab.study import Study

from .conftest import TRUTH, predator_prey, true_columns

FAST = Settings(draws=40, starts=1)


def test_finds_the_equations_with_honest_intervals(found):
    truth = true_columns(found.library)
    assert found.status == "converged"
    assert sorted(truth) == found.best.columns.tolist()
    assert found.best.probability > 0.8
    for column, w, sd in zip(
        found.best.columns, found.best.coefficients, found.best.sd, strict=True
    ):
        assert abs(w - truth[column]) < 4 * sd < 0.2
    assert (found.inclusion[sorted(truth)] > 0.9).all()
    assert np.nanmin(found.r_squared) > 0.97
    assert 0.8 < found.chi2_per_point < 1.2
    assert sum(m.probability for m in found.models) == pytest.approx(1)


def test_bands_hold_the_truth_and_widen_with_noise(found):
    clean = predator_prey(noise=0.0)
    inside = []
    for band, truth in zip(found.bands, clean.trajectories, strict=True):
        rows = np.searchsorted(band.time, truth.time)
        assert np.allclose(band.time[rows], truth.time)
        low, high = band.quantiles[0][rows], band.quantiles[4][rows]
        inside.append((truth.value >= low) & (truth.value <= high))
        assert (np.diff(band.quantiles, axis=0) >= 0).all()
        assert (band.predictive[4] - band.predictive[0] > high.mean() * 0).all()
        noise = np.array(list(found.noise_sd.values()))
        width = band.predictive[4] - band.predictive[0]
        assert (width >= 2 * 1.64 * noise * 0.999).all()
    # One data set: the band of one trajectory is right or wrong as a whole.
    assert np.mean(inside) > 0.5


def test_same_seed_same_bytes_whatever_the_executor(study, found):
    with ThreadPoolExecutor(1) as pool:
        again = discover(
            study,
            Library.polynomial(study, degree=2),
            seed=3,
            settings=Settings(draws=100),
            executor=pool,
        )
    first, second = discovery_mapping(found), discovery_mapping(again)
    first.pop("seconds"), second.pop("seconds")
    assert dumps(first) == dumps(second)


def test_progress_rises_and_draws_the_stages(study):
    events: list[Progress] = []
    discover(study, settings=FAST, progress=events.append)
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    pictures = [event.snapshot for event in events if event.snapshot is not None]
    assert len(pictures) >= 4
    assert pictures[0].kappa > pictures[-1].kappa == 0.0
    assert np.isfinite(pictures[-1].trajectories[0]).all()


def test_cancel_stops_before_the_next_step(study):
    token, seen = CancelToken(), []

    def progress(event):
        seen.append(event)
        if event.snapshot is not None:
            token.cancel()

    with pytest.raises(Cancelled):
        discover(study, settings=FAST, progress=progress, cancel=token)
    assert sum(event.snapshot is not None for event in seen) == 1


def test_knowledge_is_obeyed(study):
    knowledge = Knowledge(
        (
            Belief("prey", "predator*prey", excluded=True),
            Belief("predator", "1", required=True),
            Belief("predator", "predator", sign=1),
        )
    )
    result = discover(study, knowledge=knowledge, settings=FAST)
    library = result.library
    for model in result.models:
        assert library.find("prey", "predator*prey") not in model.columns
        assert library.find("predator", "1") in model.columns
        where = np.nonzero(model.columns == library.find("predator", "predator"))[0]
        assert where.size == 0 or model.coefficients[where[0]] >= 0


def test_missing_irregular_and_replicated_data():
    study = predator_prey(seed=4, n=60)
    rng = np.random.default_rng(0)
    times, values = [], []
    for t in study.trajectories:
        keep = np.sort(rng.choice(t.time.size, 45, replace=False))
        value = t.value[keep].copy()
        value[rng.random(value.shape) < 0.2] = np.nan
        value[0] = t.value[keep[0]]
        value[7] = np.nan  # a row without any value is kept out by the study itself
        times.append(t.time[keep] + 1900.0)
        values.append(value)
    messy = Study.from_arrays("messy", study.variables, times, values)
    result = discover(messy, settings=FAST)
    assert result.best.columns.tolist() == sorted(true_columns(result.library))
    for r, t in zip(result.residuals, result.study.trajectories, strict=True):
        assert np.array_equal(np.isnan(r), np.isnan(t.value))


def test_measured_input_drives_and_a_reaction_moves_two_states():
    rng = np.random.default_rng(2)
    time = np.linspace(0, 8, 50)
    from scipy.integrate import solve_ivp

    times, values = [], []
    for phase in (0.0, 1.0, 2.0):

        def rhs(t, x, phase=phase):
            return [1 + np.sin(t + phase) - 0.8 * x[0], 0.8 * x[0] - 0.3 * x[1]]

        x = solve_ivp(rhs, (0, 8), [1.0, 0.2], t_eval=time, rtol=1e-9, atol=1e-9).y.T
        u = 1 + np.sin(time + phase)
        times.append(time)
        values.append(np.c_[x + 0.02 * rng.standard_normal(x.shape), u])
    study = Study.from_arrays("flow", ["a", "b", "u"], times, values)
    states = ["a", "b"]
    library = Library.user_terms(study, ["1", "u", "a", "b", "a*b"], states=states, inputs=["u"])
    library += Library.reactions(study, ["a -> b"], states=states, inputs=["u"])
    result = discover(study, library, settings=FAST)
    text = {library.column_label(int(c)) for c in result.best.columns}
    reaction = [c for c in result.best.columns if library.column_state(int(c)) == -1]
    assert len(reaction) == 1, text
    w = dict(zip(result.best.columns.tolist(), result.best.coefficients, strict=True))
    assert w[reaction[0]] == pytest.approx(0.8, abs=0.05)
    assert w[library.find("a", "u")] == pytest.approx(1.0, abs=0.05)
    assert w[library.find("b", "b")] == pytest.approx(-0.3, abs=0.05)


def test_proportional_noise_is_found_by_evidence():
    study = predator_prey(noise=0.0, n=50, n_condition=3)
    rng = np.random.default_rng(8)
    values = [
        t.value * np.exp(0.2 * rng.standard_normal(t.value.shape)) for t in study.trajectories
    ]
    noisy = Study.from_arrays(
        "noisy", study.variables, [t.time for t in study.trajectories], values
    )
    result = discover(noisy, settings=FAST)
    assert result.noise_model in ("lognormal", "proportional")
    evidence = result.diagnostics["noise_evidence"]
    assert evidence[result.noise_model] > evidence["constant"] + 3
    assert 0.15 < result.noise_sd["prey"] < 0.25
    assert result.best.columns.tolist() == sorted(true_columns(result.library))


def test_a_library_without_the_truth_is_criticised():
    study = predator_prey(noise=0.02, n=60)
    result = discover(study, Library.polynomial(study, degree=1), settings=FAST)
    assert {"structured_residuals", "not_converged", "poor_fit", "excess_noise"} & {
        w.code for w in result.warnings
    }


def test_horizon_extends_the_bands_and_says_so(study):
    result = discover(study, settings=Settings(draws=20, starts=1, horizon=15.0))
    assert all(band.time[-1] == pytest.approx(15.0) for band in result.bands)
    assert "extrapolation" in {w.code for w in result.warnings}


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        (Settings(noise="pink"), "noise model"),
        (Settings(starts=0), "starts"),
        (Settings(slab_width=-1.0), "slab_width"),
    ],
)
def test_wrong_settings_are_refused(study, settings, match):
    with pytest.raises(UserError, match=match):
        discover(study, settings=settings)


def test_lognormal_noise_needs_positive_data():
    study = predator_prey()
    negative = Study.from_arrays(
        "n",
        study.variables,
        [t.time for t in study.trajectories],
        [t.value - 5 for t in study.trajectories],
    )
    with pytest.raises(UserError, match="positive"):
        discover(negative, settings=Settings(noise="lognormal"))


def test_mapping_is_json_with_every_key(found):
    mapping = discovery_mapping(found)
    assert mapping["schema"] == 1 and mapping["study"]["points"] == 160
    rows = {
        (state, row["term"]): row
        for state, listed in mapping["models"][0]["equations"].items()
        for row in listed
    }
    assert set(rows) == set(TRUTH)
    for key, row in rows.items():
        low, high = row["interval90"]
        assert low < row["coefficient"] < high
        assert row["inclusion"] > 0.9
        assert abs(row["coefficient"] - TRUTH[key]) < 5 * row["sd"]
    track = mapping["trajectories"]["1"]
    assert set(track["prey"]) == {"mean", "q05", "q25", "q75", "q95"}
    assert len(track["time"]) == len(track["prey"]["q05"])
    assert "NaN" not in dumps(mapping)
