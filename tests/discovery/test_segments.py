"""Long records: cut into pieces, searched, and joined again."""

from functools import partial

import numpy as np
from scipy.integrate import solve_ivp

from twinlab.discovery import Settings, discover
from twinlab.discovery.noise import make_noise
from twinlab.discovery.problem import make_problem
from twinlab.discovery.search import Weighed, prepare_frame
from twinlab.discovery.segments import SHORTEST, carry, grown_frames, piece_share, split_study
from twinlab.discovery.smoothing import smooth_data
from twinlab.discovery.steps import Frame, Point, polish_point
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study

TRUTH = {
    ("x", "x"): -10.0, ("x", "y"): 10.0, ("y", "x"): 28.0, ("y", "y"): -1.0, ("y", "x*z"): -1.0,
    ("z", "z"): -8 / 3, ("z", "x*y"): 1.0,
}  # fmt: skip


def lorenz_record(n: int, end: float, noise: float) -> Study:
    """One chaotic record; noise as a fraction of each state's sd."""

    def flow(_: float, s: np.ndarray) -> list[float]:
        return [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]]

    time = np.linspace(0.0, end, n)
    x = solve_ivp(flow, (0.0, end), [-8.0, 7.0, 27.0], t_eval=time, rtol=1e-9, atol=1e-9).y.T
    x = x + noise * x.std(axis=0) * np.random.default_rng(1).standard_normal(x.shape)
    return Study.from_arrays("lorenz", ["x", "y", "z"], [time], [x])


def test_pieces_hold_every_row_once_and_in_order():
    study = lorenz_record(103, 2.0, 0.1)
    for share in (0.13, 0.34, 0.99, 1.0):
        cut = split_study(study, share)
        joined = np.concatenate([t.value for t in cut.trajectories])
        np.testing.assert_array_equal(joined, study.trajectories[0].value)
        assert min(t.time.size for t in cut.trajectories) >= SHORTEST
        assert len(set(cut.labels)) == len(cut.labels)
    assert split_study(study, 1.0).labels == study.labels


def test_only_long_and_dense_records_are_cut():
    long, short = lorenz_record(300, 6.0, 0.1), lorenz_record(50, 1.0, 0.1)
    sparse = lorenz_record(60, 6.0, 0.1)
    for study, is_cut in ((long, True), (short, False), (sparse, False)):
        problem = make_problem(study, Library.polynomial(study, degree=2), Knowledge())
        assert (piece_share(problem, smooth_data(problem)) < 1.0) == is_cut


QUICK = Settings(starts=1, mcmc_steps=4000, draws=20, neighbours=4)


def test_where_no_model_can_be_followed_the_answer_is_about_the_pieces(monkeypatch):
    monkeypatch.setattr("twinlab.discovery.run.join", lambda *_: None)
    found = discover(lorenz_record(300, 6.0, 0.1), settings=QUICK)
    assert len(found.bands) == len(found.study.trajectories) > 1
    assert found.warnings[0].code == "in_pieces"
    assert found.study.labels[1].startswith("1 from ")


def test_a_chaotic_record_is_followed_from_end_to_end():
    study = lorenz_record(300, 6.0, 0.1)
    found = discover(study, settings=QUICK)
    library = found.library
    assert set(found.best.columns) == {library.find(*key) for key in TRUTH}
    assert found.study.labels == study.labels
    assert len(found.bands) == 1 and found.bands[0].time[-1] == study.trajectories[0].time[-1]
    assert found.chi2_per_point < 1.2 and (found.r_squared > 0.95).all()


def test_a_model_that_breaks_off_on_longer_pieces_is_grown_into_them():
    """Fitted to all of the longer pieces at once it ends on another lobe."""
    study, settings = lorenz_record(1000, 10.0, 0.4), Settings()
    library = Library.polynomial(study, degree=2)
    columns = np.array([library.find(*key) for key in TRUTH])
    order = np.argsort(columns)
    rates = np.array(list(TRUTH.values()))[order]

    def framed(share: float) -> Frame:
        problem = make_problem(split_study(study, share), library, Knowledge())
        return prepare_frame(problem, np.full(problem.n_column, 1e-4), settings)

    pieces = framed(0.1)
    noise = make_noise(
        pieces.problem, "constant", 0.4 * pieces.problem.scale, pieces.smooth.at_data
    )
    start = Point(columns[order], rates, pieces.initial_prior.mean)
    model = Weighed(polish_point(pieces, start, noise, 0.0, 30), noise, 0.0)
    for share in (0.24, 0.4):
        longer = framed(share)
        fit = model.fit
        begin = Point(fit.columns, fit.coefficients, fit.x[longer.problem.start[:-1]])
        assert polish_point(longer, begin, noise, 0.0, 30).cost > 2.0 * fit.cost
        grown = partial(grown_frames, longer, Knowledge(), settings)
        assert carry(longer, model, grown)[0].cost < 1.02 * fit.cost


def test_beginnings_in_which_nothing_happens_are_left_out():
    time = np.linspace(0.0, 10.0, 60)
    study = Study.from_arrays("late", ["x"], [time], [np.maximum(time - 5.0, 0.0)[:, None]])
    problem = make_problem(study, Library.polynomial(study, degree=1), Knowledge())
    frame = prepare_frame(problem, np.full(problem.n_column, 1e-2), Settings())
    grown = grown_frames(frame, Knowledge(), Settings())
    assert [rows.size for _, rows in grown] == [36, 45, 53]
    assert all(part.problem.time[-1] == time[rows[-1]] for part, rows in grown)
