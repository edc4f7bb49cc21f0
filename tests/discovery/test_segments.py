"""Long records: cut into pieces, searched, and joined again."""

import numpy as np

from twinlab.discovery import Settings, discover
from twinlab.discovery.problem import make_problem
from twinlab.discovery.segments import SHORTEST, piece_share, split_study
from twinlab.discovery.smoothing import smooth_data
from twinlab.knowledge import Knowledge
from twinlab.library import Library

from .records import LORENZ, lorenz_record


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
    assert set(found.best.columns) == {library.find(*key) for key in LORENZ}
    assert found.study.labels == study.labels
    assert len(found.bands) == 1 and found.bands[0].time[-1] == study.trajectories[0].time[-1]
    assert found.chi2_per_point < 1.2 and (found.r_squared > 0.95).all()
