"""The ``.twin`` file: a zip of one JSON and one ``.npz`` of plain arrays."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from twinlab import __version__
from twinlab.discovery import Discovery
from twinlab.discovery.problem import Problem, make_problem
from twinlab.errors import UserError

from .codec import CodecError, Encoder, decode
from .files import write_atomically

FORMAT = "twinlab-twin"
VERSION = 1  #: raise it when files written from now on cannot be read by older code
MAX_BYTES = 2_000_000_000  #: unpacked; a larger file is damaged or hostile
_JSON, _ARRAYS = "twin.json", "arrays.npz"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # a fixed date: the same twin gives the same bytes


def save_archive(discovery: Discovery, rank: int | None, path: str | Path) -> Path:
    """Write a discovery and the rank of the model chosen from it.

    The numeric tables of the problem are left out: they follow from study, library and knowledge.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    encoder = Encoder()
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "twinlab": __version__,
        "rank": rank,
        "discovery": encoder.encode(discovery, skip=("problem",)),
    }
    arrays = io.BytesIO()
    with zipfile.ZipFile(arrays, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in encoder.arrays.items():
            plain = io.BytesIO()
            np.lib.format.write_array(plain, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(_entry(f"{name}.npy"), plain.getvalue())
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        text = json.dumps(manifest, indent=1, allow_nan=False)
        archive.writestr(_entry(_JSON), text)
        archive.writestr(_entry(_ARRAYS), arrays.getvalue())
    return write_atomically(path, content.getvalue())


def load_archive(path: str | Path) -> tuple[Discovery, int | None]:
    """Read what `save_archive` wrote.

    Raises
    ------
    UserError
        No such file, not a twin file, damaged, or written by a newer TwinLab.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > MAX_BYTES:
                raise CodecError("larger than any twin")
            manifest = json.loads(archive.read(_JSON).decode("utf-8"))
            _check(manifest, path.name)
            arrays = _arrays(archive.read(_ARRAYS))
        discovery = _restore(manifest["discovery"], arrays)
        return discovery, manifest["rank"]
    except FileNotFoundError:
        raise UserError("there is no such file.", file=path.name) from None
    except OSError as error:
        raise UserError(f"the file cannot be read ({error.strerror}).", file=path.name) from None
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, RecursionError) as error:
        raise UserError(
            "this is not a twin file, or it is damaged.",
            file=path.name,
            mend="Make it anew with 'twinlab discover'.",
        ) from error


def _restore(encoded: dict[str, Any], arrays: dict[str, np.ndarray]) -> Discovery:
    if encoded["class"] != "Discovery":
        raise CodecError("the file holds something else")
    content = {name: decode(item, arrays) for name, item in encoded["fields"].items()}
    try:
        problem = make_problem(
            content["study"],
            content["library"],
            content["knowledge"],
            complexity=content["settings"].complexity,
            positivity=content["settings"].positivity,
        )
        problem = _with_latent_scales(problem, content.get("latent", {}))
        discovery = Discovery(**content, problem=problem)
        shapes_fit = _shapes_fit(discovery)
    except (TypeError, AttributeError, IndexError) as error:
        raise CodecError(str(error)) from error
    if not shapes_fit:
        raise CodecError("arrays of the wrong shape")
    return discovery


def _with_latent_scales(problem: Problem, latent: Mapping[str, Any]) -> Problem:
    """The problem with the scales of states that no data give one."""
    scale = problem.scale.copy()
    for name, told in latent.items():
        scale[problem.library.states.index(name)] = float(told["scale"])
    return replace(problem, scale=scale)


def _shapes_fit(discovery: Discovery) -> bool:
    """Whether the arrays fit each other: kernels do not check what they are given."""
    problem, posterior, gram = discovery.problem, discovery.posterior, discovery.gram
    n_column, n_state, n_trajectory = problem.n_column, problem.n_state, problem.n_trajectory
    n_local = n_state + (0 if discovery.varying is None else discovery.varying.omega.size)
    n_draw = len(posterior.coefficients)
    fits = [
        n_draw > 0 and posterior.coefficients.shape == (n_draw, n_column),
        posterior.initial.shape == (n_draw, n_trajectory, n_state),
        gram.matrix.shape == (n_column, n_column),
        gram.initial_slope.shape == (n_trajectory, n_local, n_column),
        gram.initial_hessian.shape == (n_trajectory, n_local, n_local),
        discovery.inclusion.shape == (n_column,),
        discovery.r_squared.shape == (n_trajectory, problem.n_observable),
        len(discovery.bands) == len(discovery.fitted) == n_trajectory,
        len(discovery.models) > 0,
    ]
    fits += _constants_fit(discovery)
    fits += _local_fits(discovery)
    for model in discovery.models:
        k = len(model.columns)
        fits += [
            model.columns.dtype.kind == "i" and bool(np.all(np.diff(model.columns) > 0)),
            k == 0 or 0 <= int(model.columns[0]) <= int(model.columns[-1]) < n_column,
            model.coefficients.shape == model.sd.shape == (k,),
            model.covariance.shape == (k, k) and model.interval90.shape == (k, 2),
            model.initial.shape == (n_trajectory, n_state),
        ]
    return all(fits)


def _local_fits(discovery: Discovery) -> list[bool]:
    """The same for what differs between trajectories."""
    varying, drawn = discovery.varying, discovery.posterior.local
    if varying is None:
        return [drawn is None, all(m.local is None for m in discovery.models)]
    n_trajectory, n_varying = discovery.problem.n_trajectory, varying.omega.size
    n_draw, n_effect = len(discovery.posterior.coefficients), len(varying.effects)
    fits = [
        varying.slot.shape == (discovery.problem.n_column,),
        bool(varying.slot.max() < varying.n_slot),
        n_varying <= varying.n_slot,
        all(e.value.shape == (n_trajectory,) for e in varying.effects),
        all(0 <= e.slot < varying.n_slot for e in varying.effects),
        all(o.value.shape == (n_trajectory,) for o in varying.off),
        all(0 <= o.slot < varying.n_slot for o in varying.off),
        drawn is not None
        and drawn.log_factor.shape == (n_draw, n_trajectory, varying.n_slot)
        and drawn.effects.shape == (n_draw, n_effect),
    ]
    for model in discovery.models:
        fits.append(
            model.local is not None
            and model.local.deviation.shape == (n_trajectory, n_varying)
            and model.local.effects.shape == (n_effect,)
            and model.local.factor.shape == (n_trajectory, len(model.columns))
        )
    return fits


def _constants_fit(discovery: Discovery) -> list[bool]:
    """The same for fitted constants: they name factors of the library's terms."""
    drawn, library = discovery.posterior.constants, discovery.library

    def named(column: int, factor: int) -> bool:
        known = 0 <= column < len(library.columns)
        return known and 0 <= factor < len(library.term_of(column).factors)

    fits = [named(s.column, s.factor) for m in discovery.models for s in m.shapes]
    for model in discovery.models:
        size = len(model.columns) + sum(1 + s.hill_free for s in model.shapes)
        size += model.local.effects.size if model.local is not None else 0
        joint = model.joint_covariance
        fits.append(not model.shapes if joint is None else joint.shape == (size, size))
    if drawn is not None:
        shape = (len(discovery.posterior.coefficients), len(drawn.column), 2)
        fits += [drawn.value.shape == shape, drawn.factor.shape == drawn.column.shape]
        fits += [named(int(c), int(f)) for c, f in zip(drawn.column, drawn.factor, strict=True)]
    return fits


def _check(manifest: Any, file: str) -> None:
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise CodecError("another format")
    if not isinstance(manifest.get("version"), int):
        raise CodecError("no version")
    if not isinstance(manifest.get("rank"), int | None):
        raise CodecError("a rank that is no number")
    if manifest["version"] > VERSION:
        raise UserError(
            f"the file was written by a newer TwinLab ({manifest.get('twinlab', 'unknown')}).",
            file=file,
            mend="Install that version or a later one.",
        )


def _arrays(content: bytes) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(item.file_size for item in archive.infolist()) > MAX_BYTES:
            raise CodecError("larger than any twin")
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
