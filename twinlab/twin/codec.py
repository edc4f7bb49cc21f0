"""Data classes to JSON and arrays, and back, by a fixed list of classes: never pickle."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from twinlab import expressions, knowledge, library, study
from twinlab.discovery import noise, result, varying, verdict
from twinlab.discovery.bands import BandsOnDemand

_KIND = "~"

#: The only classes a file may name.  Keep a class's name when it moves: files hold names.
CLASSES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        expressions.Factor,
        expressions.Term,
        study.Dose,
        study.Dosing,
        study.Note,
        study.Provenance,
        study.Study,
        study.Trajectory,
        library.Column,
        library.Library,
        knowledge.Belief,
        knowledge.Conserved,
        knowledge.CuratedReaction,
        knowledge.Edge,
        knowledge.Knowledge,
        knowledge.KnownPart,
        result.Band,
        result.Discovery,
        result.DrawnConstants,
        result.FamilyInclusion,
        result.FitWarning,
        result.Gram,
        result.ModelClass,
        noise.Noise,
        result.Path,
        result.Posterior,
        result.Proposal,
        result.RankedModel,
        result.RefinedShape,
        result.Settings,
        verdict.PriorVerdict,
        varying.LocalEstimates,
        varying.Effect,
        varying.Off,
        varying.SwitchedOff,
        varying.LocalDraws,
        varying.Varying,
        varying.Variation,
        varying.VaryingEffect,
        varying.VaryingTerm,
    )
}


class CodecError(ValueError):
    """What was read does not describe known data."""


class Encoder:
    """Turn data classes into JSON values; arrays are put aside under numbered names.

    Attributes
    ----------
    arrays : dict of str to ndarray
        What the encoded values refer to.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}

    def encode(self, value: Any, *, skip: Iterable[str] = ()) -> Any:
        """Encode one value; `skip` names fields of the outermost data class to leave out.

        Raises
        ------
        TypeError
            The value is of a class that files do not hold.
        """
        if value is None or isinstance(value, bool | int | str):
            return value
        if isinstance(value, float | np.floating):
            number = float(value)
            return number if math.isfinite(number) else {_KIND: "float", "text": repr(number)}
        if isinstance(value, np.bool_ | np.integer):
            return value.item()
        if isinstance(value, np.ndarray):
            return self._array(value)
        if is_dataclass(value) and CLASSES.get(type(value).__name__) is type(value):
            kept = [f.name for f in fields(value) if f.init and f.name not in set(skip)]
            content = {name: self.encode(getattr(value, name)) for name in kept}
            return {_KIND: "object", "class": type(value).__name__, "fields": content}
        if isinstance(value, Mapping):
            items = [[self.encode(key), self.encode(item)] for key, item in value.items()]
            return {_KIND: "map", "items": items}
        if type(value) is tuple or isinstance(value, BandsOnDemand):
            return {_KIND: "tuple", "items": [self.encode(item) for item in value]}
        if isinstance(value, list):
            return [self.encode(item) for item in value]
        raise TypeError(f"a twin file cannot hold a {type(value).__name__}")

    def _array(self, value: np.ndarray) -> dict[str, str]:
        if value.dtype.kind not in "fiub":
            raise TypeError(f"a twin file cannot hold an array of {value.dtype}")
        name = f"a{len(self.arrays)}"
        self.arrays[name] = value
        return {_KIND: "array", "name": name}


def decode(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """Turn an encoded value back.

    Raises
    ------
    CodecError
        An unknown class, field or kind, or an array that is not there.
    """
    if isinstance(value, list):
        return [decode(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_KIND)
    try:
        if kind == "float":
            return float(value["text"])
        if kind == "array":
            return arrays[value["name"]]
        if kind == "tuple":
            return tuple(decode(item, arrays) for item in value["items"])
        if kind == "map":
            return {decode(k, arrays): decode(item, arrays) for k, item in value["items"]}
        if kind == "object":
            content = {k: decode(item, arrays) for k, item in value["fields"].items()}
            return CLASSES[value["class"]](**content)
    except CodecError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CodecError(f"{kind}: {error}") from error
    raise CodecError(f"unknown kind {kind!r}")
