"""Twins: simulation against the truth, files that come back whole, and files that do not."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from twinlab.discovery import Discovery, discovery_mapping
from twinlab.errors import UserError
from twinlab.twin import Twin, write_atomically
from twinlab.twin.codec import CodecError, Encoder, decode

from ..handmade import lotka_volterra, small_discovery


@pytest.fixture(scope="module")
def discovery() -> Discovery:
    return small_discovery()


@pytest.fixture
def twin(discovery: Discovery) -> Twin:
    return Twin(discovery)


# ------------------------------------------------------------------------------ simulation


def test_equations_are_those_of_the_best_model(twin: Twin) -> None:
    assert twin.equations == {
        "prey": "d prey/dt = 1*prey - 0.5*predator*prey",
        "predator": "d predator/dt = -1*predator + 0.5*predator*prey",
    }
    assert "model average" in repr(twin)


def test_simulation_starts_from_the_fitted_state_and_follows_the_truth(twin: Twin) -> None:
    time = np.array([1.0, 2.5, 8.0, 12.0])
    result = twin.simulate(time, subject="bert")
    truth = lotka_volterra(twin.model.initial[1], np.array([0.0, *time]))[1:]
    np.testing.assert_allclose(result.best, truth, rtol=1e-4)
    assert result.states == ("prey", "predator")
    assert result.draws.shape == (120, 4, 2)
    lower, upper = result.band(0.9)
    assert np.all((lower < truth) & (truth < upper))
    narrow = result.band(0.5)
    assert np.all(narrow[1] - narrow[0] < upper - lower)
    assert np.all((lower < result.median) & (result.median < upper))


def test_a_given_initial_state_holds_at_the_first_time(twin: Twin) -> None:
    start = {"predator": 1.0, "prey": 3.0}
    result = twin.simulate([5.0, 6.0], initial=start)
    assert np.all(result.draws[:, 0] == [3.0, 1.0])
    np.testing.assert_allclose(
        result.best[1], lotka_volterra([3.0, 1.0], np.array([0.0, 1.0]))[1], rtol=1e-5
    )
    same = twin.simulate([5.0, 6.0], initial=[3.0, 1.0])
    np.testing.assert_array_equal(same.draws, result.draws)


def test_draws_can_be_limited(twin: Twin) -> None:
    assert twin.simulate([1.0], subject="anna", draws=7).draws.shape == (7, 1, 2)


def test_one_model_alone_uses_its_own_terms(discovery: Discovery) -> None:
    second = Twin(discovery, rank=2)
    assert "0.01" in second.equations["prey"]
    result = second.simulate(np.linspace(0, 3, 4), subject="anna")
    again = Twin(discovery, rank=2).simulate(np.linspace(0, 3, 4), subject="anna")
    np.testing.assert_array_equal(result.draws, again.draws)
    assert 0 < result.draws[:, 3].std(axis=0).max() < 1
    # Scatter of the initial state: precision 1e4 in the linearisation, so sd 0.01.
    assert 0.007 < result.draws[:, 0, 0].std() < 0.013


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"time": [1.0]}, "several trajectories"),
        ({"time": [1.0], "subject": "carl"}, "no subject 'carl'"),
        ({"time": [2.0, 1.0], "subject": "anna"}, "increasing"),
        ({"time": [], "subject": "anna"}, "increasing"),
        ({"time": ["x"], "subject": "anna"}, "numbers"),
        ({"time": [-1.0], "subject": "anna"}, "cannot go back"),
        ({"time": [0.0, np.inf], "subject": "anna"}, "finite"),
        ({"time": [1.0], "initial": {"prey": 1.0}}, "one number for each state"),
        ({"time": [1.0], "initial": [1.0, 2.0, 3.0]}, "2 finite numbers"),
        ({"time": [1.0], "initial": [1.0, np.nan]}, "2 finite numbers"),
        ({"time": [1.0], "subject": "anna", "draws": 0}, "At least one draw"),
    ],
)
def test_wrong_requests_are_explained(twin: Twin, arguments: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        twin.simulate(**arguments)


def test_unknown_rank_is_refused(discovery: Discovery) -> None:
    with pytest.raises(UserError, match="rank 4.*1 to 3"):
        Twin(discovery, rank=4)


def test_levels_outside_the_unit_interval_are_refused(twin: Twin) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        twin.simulate([1.0], subject="anna").band(90)


# ----------------------------------------------------------------------------------- files


def test_round_trip_keeps_everything(discovery: Discovery, tmp_path: Path) -> None:
    path = Twin(discovery, rank=2).save(tmp_path / "deep" / "er" / "x.twin")
    loaded = Twin.load(path)
    assert loaded.rank == 2
    assert discovery_mapping(loaded.discovery) == discovery_mapping(discovery)
    assert loaded.discovery.library == discovery.library
    assert loaded.discovery.knowledge == discovery.knowledge
    assert loaded.discovery.settings == discovery.settings
    time = np.linspace(0, 8, 9)
    np.testing.assert_array_equal(
        Twin(loaded.discovery).simulate(time, subject="bert").draws,
        Twin(discovery).simulate(time, subject="bert").draws,
    )
    again = loaded.save(tmp_path / "again.twin")
    assert again.read_bytes() == path.read_bytes()


def test_files_hold_plain_arrays_alone(twin: Twin, tmp_path: Path) -> None:
    path = twin.save(tmp_path / "x.twin")
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["twin.json", "arrays.npz"]
        with np.load(io.BytesIO(archive.read("arrays.npz")), allow_pickle=False) as arrays:
            assert all(arrays[name].dtype.kind in "fiub" for name in arrays.files)


def rewritten(path: Path, change) -> Path:
    """The same file with its manifest changed."""
    with zipfile.ZipFile(path) as archive:
        manifest, arrays = json.loads(archive.read("twin.json")), archive.read("arrays.npz")
    change(manifest)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("twin.json", json.dumps(manifest))
        archive.writestr("arrays.npz", arrays)
    return path


def test_newer_files_are_refused_in_words(twin: Twin, tmp_path: Path) -> None:
    path = rewritten(twin.save(tmp_path / "x.twin"), lambda m: m.update(version=99))
    with pytest.raises(UserError, match="x.twin: .*newer TwinLab"):
        Twin.load(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(format="something else"),
        lambda m: m.update(version="1"),
        lambda m: m.pop("discovery"),
        lambda m: m["discovery"]["fields"].pop("study"),
        lambda m: m["discovery"]["fields"].update(unheard_of=1),
        lambda m: m["discovery"].update({"class": "Popen"}),
        lambda m: m["discovery"]["fields"]["study"].update({"class": "Popen"}),
        lambda m: m["discovery"]["fields"]["inclusion"].update(name="a99999"),
        lambda m: m["discovery"]["fields"]["models"].update({"~": "unknown"}),
        lambda m: m["discovery"]["fields"].update(library=[1]),
        lambda m: m["discovery"]["fields"]["posterior"]["fields"]["coefficients"].update(name="a0"),
        lambda m: m.update(rank=12),
        lambda m: m.update(rank="1"),
    ],
)
def test_damaged_manifests_are_refused(twin: Twin, tmp_path: Path, change) -> None:
    path = rewritten(twin.save(tmp_path / "x.twin"), change)
    with pytest.raises(UserError):
        Twin.load(path)


@pytest.mark.parametrize("content", [b"", b"time,x\n0,1\n", b"PK\x03\x04 and then nothing"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.twin"
    path.write_bytes(content)
    with pytest.raises(UserError, match="not a twin file"):
        Twin.load(path)


def test_cut_files_are_refused(twin: Twin, tmp_path: Path) -> None:
    path = twin.save(tmp_path / "x.twin")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match="not a twin file"):
        Twin.load(path)


def test_pickled_arrays_are_refused(twin: Twin, tmp_path: Path) -> None:
    path = twin.save(tmp_path / "x.twin")
    with zipfile.ZipFile(path) as archive:
        manifest = archive.read("twin.json")
    hostile = io.BytesIO()
    np.savez(hostile, a0=np.array([{"a": 1}], dtype=object))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("twin.json", manifest)
        archive.writestr("arrays.npz", hostile.getvalue())
    with pytest.raises(UserError, match="damaged"):
        Twin.load(path)


def test_missing_files_and_folders_are_explained(twin: Twin, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        Twin.load(tmp_path / "none.twin")
    with pytest.raises(UserError, match="cannot be read"):
        Twin.load(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        twin.save(tmp_path / "file" / "x.twin")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch) -> None:
    path = write_atomically(tmp_path / "x", b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_codec_keeps_special_values() -> None:
    encoder = Encoder()
    value = {"a": (1, 2.5, None, True), 3: [float("inf"), "text"], "array": np.arange(3)}
    encoded = json.loads(json.dumps(encoder.encode(value), allow_nan=False))
    back = decode(encoded, encoder.arrays)
    assert back["a"] == value["a"] and back[3] == value[3]
    np.testing.assert_array_equal(back["array"], value["array"])
    assert np.isnan(decode(encoder.encode(float("nan")), {}))


def test_codec_refuses_what_it_does_not_know() -> None:
    with pytest.raises(TypeError, match="Path"):
        Encoder().encode(Path("x"))
    with pytest.raises(TypeError, match="object"):
        Encoder().encode(np.array([None]))
    with pytest.raises(CodecError):
        decode({"~": "object", "class": "Path", "fields": {}}, {})
