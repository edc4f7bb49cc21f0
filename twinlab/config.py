"""The study configuration: a YAML file that says what to model, with what, and how.

The keys are ``states``, ``latent``, ``inputs``, ``covariates``, ``dosing``, ``library``,
``noise``, ``knowledge``, ``varies`` and ``horizon``.  Booleans and numbers follow YAML 1.2: only
``true`` and ``false`` are booleans (so a state may be called ``no``), and ``1e-3`` is a number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from twinlab.config_values import Values
from twinlab.discovery import NOISE_WORDS, Settings
from twinlab.errors import ExpressionError, UserError
from twinlab.expressions import suggestion
from twinlab.knowledge import Knowledge
from twinlab.library import Library, library_from_config
from twinlab.study import Dosing, Study, observe
from twinlab.study.dosing import read_dosing

KEYS = (
    "states", "latent", "inputs", "covariates", "initial", "observed", "dosing", "library",
    "noise", "knowledge", "varies", "horizon",
)  # fmt: skip
VARIES = ("auto", "nothing", "condition", "subject")
NOISE_CHOICES = ("auto", *NOISE_WORDS)
DEFAULT_DEGREE = 2
MAX_BYTES = 1_000_000  #: a larger configuration file is a mistake


class _Loader(yaml.SafeLoader):
    """A safe loader with the scalars of YAML 1.2 and without dates."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])


@dataclass(frozen=True)
class StudyConfig:
    """What a configuration file asks for.

    Attributes
    ----------
    file : str
        Its name, for messages; empty for the default.
    states : tuple of str or None
        Measured variables to model, None for all that are not inputs.
    latent : tuple of str
        States that were never measured.
    inputs : tuple of str
        Variables that drive but are not modelled.
    dosing : tuple of Dosing or None
        Where doses go; None (``dosing: false``) leaves them out.
    initial : mapping of state to float
        Values at the first time that are known.
    observed : mapping of variable to str
        Variables that measure something else than the state of their name, and what.
    library : mapping
        The ``library`` section, as `twinlab.library.library_from_config` takes it.
    noise : str
    knowledge : Knowledge
    varies : str
        'auto', 'nothing', 'condition' or 'subject': what coefficients may differ between.
    varying_terms : tuple of str
        Terms whose coefficients may differ; all if empty.
    covariates : tuple of str or None
        That may explain the variation; None: all that every subject has.
    horizon : float or None
        In the study's time unit.
    lines : mapping of str to int
        Line of each key, for messages.
    """

    file: str = ""
    states: tuple[str, ...] | None = None
    latent: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    dosing: tuple[Dosing, ...] | None = ()
    initial: Mapping[str, float] = field(default_factory=dict)
    observed: Mapping[str, str] = field(default_factory=dict)
    library: Mapping[str, Any] = field(default_factory=lambda: {"polynomial": DEFAULT_DEGREE})
    noise: str = "auto"
    knowledge: Knowledge = field(default_factory=Knowledge)
    horizon: float | None = None
    varies: str = "auto"
    varying_terms: tuple[str, ...] = ()
    covariates: tuple[str, ...] | None = None
    lines: Mapping[str, int] = field(default_factory=dict)

    def study(self, study: Study) -> Study:
        """Restrict `study` to the states, then the inputs, of this configuration.

        Raises
        ------
        UserError
            A name that the data do not have, or no state left.
        """
        try:
            study = observe(study, self.observed)
        except UserError as error:
            raise self._error(str(error.problem), "observed", error.mend) from error
        for name in self.latent:
            if name in study.variables:
                raise self._error(
                    f"the data hold values of '{name}': it is no latent state.",
                    "latent",
                    "Take it out of the list, or rename one of the two.",
                )
        for key, names in (("states", self.states or ()), ("inputs", self.inputs)):
            for name in names:
                if name not in study.variables:
                    raise self._error(
                        f"the data have no variable '{name}'.",
                        key,
                        _mend(name, study.variables),
                    )
        plain = [v for v in study.variables if v not in study.derived]
        states = self.states or tuple(v for v in plain if v not in self.inputs)
        both = sorted(set(states) & set(self.inputs))
        if both:
            raise self._error(f"'{both[0]}' is both a state and an input.", "inputs", None)
        if not states:
            raise self._error("every variable is an input, none is left to model.", "inputs", None)
        for name in self.initial:
            if name not in (*states, *self.latent):
                raise self._error(
                    f"there is no state '{name}'.", "initial", _mend(name, (*states, *self.latent))
                )
        study = study.select(variables=(*states, *study.derived, *self.inputs))
        study = replace(study, initial=dict(self.initial))
        return study.without_doses() if self.dosing is None else study.with_dosing(*self.dosing)

    def make_library(self, study: Study) -> Library:
        """Make the candidate terms for a study that `study` has restricted.

        Raises
        ------
        UserError
            The ``library`` section asks for something impossible; the message names the key.
        """
        try:
            aside = (*self.inputs, *study.derived)
            states = [name for name in study.variables if name not in aside]
            return library_from_config(
                study, self.library, states=states, inputs=self.inputs, latent=self.latent
            )
        except ExpressionError:
            raise
        except UserError as error:
            if error.file or not self.file:
                raise
            raise UserError(
                error.problem,
                file=self.file,
                row=self.lines.get("library"),
                column=error.column,
                mend=error.mend,
            ) from error

    def settings(self) -> Settings:
        """Fit settings of this configuration; everything it does not name is the default."""
        return Settings(
            noise=self.noise,
            horizon=self.horizon,
            vary=self.varies,
            vary_terms=self.varying_terms,
            covariates=self.covariates,
        )

    def _error(self, problem: str, key: str, mend: str | None) -> UserError:
        text = f"{key}: {problem}"
        return UserError(text, file=self.file or None, row=self.lines.get(key), mend=mend)


def read_config(path: str | Path) -> StudyConfig:
    """Read a configuration file.

    Parameters
    ----------
    path : path-like
        A YAML file; paths inside it are relative to its folder.

    Raises
    ------
    UserError
        The file is missing, is not YAML, has an unknown or doubled key or a value of the wrong
        kind; the message names the line and the mend.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UserError("there is no such file.", file=path.name) from None
    except OSError as error:
        raise UserError(f"the file cannot be read ({error.strerror}).", file=path.name) from None
    return config_from_bytes(data, path.name, path.parent)


def config_from_bytes(data: bytes, filename: str, folder: Path | None = None) -> StudyConfig:
    """Read a configuration that is at hand, as `read_config` does.

    Parameters
    ----------
    data : bytes
    filename : str
        For messages.
    folder : Path, optional
        That paths inside it are relative to; without one it may name no file.

    Raises
    ------
    UserError
    """
    mapping, lines = _load(data, filename)
    values = {key: value for key, value in mapping.items() if value is not None}
    checked = Values(filename, lines, values)
    library = checked.mapping("library")
    varies, varying_terms = _varies(checked)
    config = StudyConfig(
        file=filename,
        states=checked.names("states"),
        latent=checked.names("latent") or (),
        inputs=checked.names("inputs") or (),
        dosing=_dosing(checked),
        initial=checked.numbers("initial"),
        observed=checked.texts("observed"),
        noise=checked.choice("noise", NOISE_CHOICES, "auto"),
        knowledge=_knowledge(checked, folder),
        horizon=checked.positive("horizon"),
        varies=varies,
        varying_terms=varying_terms,
        covariates=checked.names("covariates"),
        lines=lines,
    )
    return config if library is None else replace(config, library=library)


def beside(data: str | Path) -> Path | None:
    """Find the configuration with the data file's own name beside it: ``x.csv`` -> ``x.yaml``."""
    path = Path(data)
    for suffix in (".yaml", ".yml"):
        candidate = path.with_suffix(suffix)
        if candidate.is_file():
            return candidate
    return None


def _load(data: bytes, filename: str) -> tuple[dict[str, Any], dict[str, int]]:
    """Parse the file; return its mapping and the line of each top-level key."""
    if len(data) > MAX_BYTES:
        raise UserError(
            "the file is larger than 1 MB, which no configuration is.",
            file=filename,
            mend="Give the YAML with --config and the data as the first argument.",
        )
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise UserError(
            "the file is not UTF-8 text.", file=filename, mend="Save it as UTF-8."
        ) from None
    try:
        node = yaml.compose(text, Loader=_Loader)
        mapping = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise UserError(
            f"this is not valid YAML: {problem}.",
            file=filename,
            row=mark.line + 1 if mark else None,
            mend="Write one 'key: value' a line; indent with spaces.",
        ) from None
    if mapping is None:
        return {}, {}
    if not isinstance(node, yaml.MappingNode):
        raise UserError(
            "the file holds no 'key: value' pairs.",
            file=filename,
            mend=f"The keys are {', '.join(KEYS)}.",
        )
    return mapping, _key_lines(node, filename)


def _key_lines(node: yaml.MappingNode, file: str) -> dict[str, int]:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name not in KEYS:
            raise UserError(f"unknown key '{name}'.", file=file, row=line, mend=_mend(name, KEYS))
        if name in lines:
            raise UserError(
                f"'{name}' is given twice, first on line {lines[name]}.",
                file=file,
                row=line,
                mend="Keep one of the two.",
            )
        lines[name] = line
    return lines


def _dosing(checked: Values) -> tuple[Dosing, ...] | None:
    value = checked.values.get("dosing")
    if value is None:
        return ()
    if value is False:
        return None
    try:
        return read_dosing(value)
    except UserError as error:
        mend = error.mend or "Write, indented below it, target: gut, or dosing: false."
        raise checked.error("dosing", error.problem, mend) from None


def _varies(checked: Values) -> tuple[str, tuple[str, ...]]:
    """What coefficients may differ by, and which terms' (all if none is named)."""
    value = checked.values.get("varies")
    if value is None:
        return "auto", ()
    section = value if isinstance(value, dict) else {"by": value}
    unknown = sorted(set(map(str, section)) - {"by", "terms"})
    if unknown:
        raise checked.error("varies", f"unknown key '{unknown[0]}'.", "Known are by and terms.")
    by, terms = section.get("by", "auto"), section.get("terms", "auto")
    if by not in VARIES:
        raise checked.error(
            "varies", f"'{by}' is not one of the choices.", f"Choose {', '.join(VARIES)}."
        )
    if terms in ("auto", None):
        return str(by), ()
    items = [terms] if isinstance(terms, str) else terms
    if not isinstance(items, list) or any(isinstance(i, list | dict) for i in items):
        raise checked.error("varies", "terms must be a list of terms, or auto.")
    return str(by), tuple(str(item) for item in items)


def _knowledge(checked: Values, folder: Path | None) -> Knowledge:
    value = checked.values.get("knowledge")
    if value is None:
        return Knowledge()
    if isinstance(value, dict):
        return Knowledge.from_mapping(value, file=checked.file)
    if not isinstance(value, str):
        raise checked.error("knowledge", "this must be a file name or a mapping.")
    if folder is None:
        raise checked.error(
            "knowledge",
            f"'{value}' is a file of its own, which this page cannot see.",
            "Write its content here, indented below knowledge, or load it under Prior knowledge.",
        )
    path = folder / value
    if not path.is_file():
        raise checked.error("knowledge", f"there is no file '{value}' beside this one.")
    return Knowledge.load(path)


def _mend(name: str, known: Sequence[str]) -> str:
    nearest = suggestion(name, known)
    return f"Did you mean '{nearest}'?" if nearest else f"Known are {', '.join(known)}."
