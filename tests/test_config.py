"""The study configuration: what it means, and what it says when it is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from twinlab.config import MAX_BYTES, StudyConfig, beside, read_config
from twinlab.errors import ExpressionError, UserError
from twinlab.study import Study


@pytest.fixture
def study() -> Study:
    time = np.linspace(0, 5, 12)
    values = np.column_stack([np.exp(-time), 1 + time, np.sin(time) + 2])
    return Study.from_arrays("s", ("x", "y", "drug"), [time], [values])


def written(folder: Path, text: str, name: str = "study.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_whole_configuration(tmp_path: Path, study: Study) -> None:
    written(tmp_path, "beliefs: []\n", "other.yaml")
    path = written(
        tmp_path,
        """
states: [x, y]        # a comment
latent: []
inputs: [drug]
library:
  polynomial: 2
  hill: {states: [x], half_saturation: [0.2, 5e-1], coefficient: [1, 2], role: activation}
  terms: ["y*mm(x,0.8)"]
noise: proportional_student
knowledge:
horizon: 20
""",
    )
    config = read_config(path)
    assert config.states == ("x", "y") and config.inputs == ("drug",)
    assert config.settings().noise == "proportional_student" and config.settings().horizon == 20.0
    restricted = config.study(study)
    assert restricted.variables == ("x", "y", "drug")
    library = config.make_library(restricted)
    assert library.states == ("x", "y") and library.inputs == ("drug",)
    texts = {term.text for term in library.terms}
    assert {"drug*x", "y^2", "y*mm(x,0.8)"} <= texts
    assert any(text.startswith("hill(x,0.5") for text in texts)


def test_an_empty_file_is_the_default(tmp_path: Path, study: Study) -> None:
    config = read_config(written(tmp_path, "# nothing yet\n"))
    assert config.study(study).variables == study.variables
    assert len(config.make_library(study).columns) == 30  # ten monomials, three equations
    assert config.settings() == StudyConfig().settings()


def test_one_name_needs_no_list(tmp_path: Path, study: Study) -> None:
    config = read_config(written(tmp_path, "states: x\n"))
    assert config.study(study).variables == ("x",)


def test_names_that_old_yaml_takes_for_booleans(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, "states: [no, on, y]\nhorizon: 1e1\n"))
    assert config.states == ("no", "on", "y")
    assert config.horizon == 10.0


def test_knowledge_is_a_file_beside_or_inline(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    inline = read_config(written(tmp_path, "knowledge: {expected_terms: 4}\n"))
    assert inline.knowledge.expected_terms == 4
    inline.knowledge.save(tmp_path / "deep" / "k.yaml")
    linked = read_config(written(tmp_path / "deep", "knowledge: k.yaml\n"))
    assert linked.knowledge == inline.knowledge


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("states: [x]\nlibary: {}\n", r"study.yaml, line 2: unknown key 'libary'.*'library'\?"),
        ("noise: auto\nnoise: auto\n", r"line 2: 'noise' is given twice, first on line 1"),
        ("states: [x\n", r"study.yaml, line \d: this is not valid YAML"),
        ("states: *x\n", "not valid YAML"),
        ("states: !!python/object:os.system x\n", "not valid YAML"),
        ("- x\n- y\n", "no 'key: value' pairs"),
        ("hello\n", "no 'key: value' pairs"),
        ("\ninitial: {z: many}\n", r"line 2: initial: z: .*no number"),
        ("\nobserved: {z: 3}\n", r"line 2: observed: z: this must be text"),
        ("states: {a: 1}\n", "line 1: states: this must be a list of names"),
        ("states: [x, x]\n", "'x' is named twice"),
        ("states: [[x]]\n", "list of names"),
        ("noise: loud\n", "'loud' is not one of the choices. Choose auto, constant"),
        ("horizon: -2\n", "'-2' is not a positive number"),
        ("horizon: soon\n", "'soon' is not a positive number"),
        ("horizon: true\n", "'True' is not a positive number"),
        ("library: 2\n", "library: this must hold keys of its own"),
        ("knowledge: none.yaml\n", "no file 'none.yaml' beside"),
        ("knowledge: 3\n", "file name or a mapping"),
        ("knowledge: {unheard: 1}\n", "unheard"),
        ("[" * 5000, "not valid YAML"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_config(written(tmp_path, text))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none.yaml: there is no such file"):
        read_config(tmp_path / "none.yaml")
    with pytest.raises(UserError, match="cannot be read"):
        read_config(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("states: [größe]".encode("latin-1"))
    with pytest.raises(UserError, match="not UTF-8"):
        read_config(tmp_path / "latin.yaml")
    (tmp_path / "data.csv").write_bytes(b"0" * (MAX_BYTES + 1))
    with pytest.raises(UserError, match="larger than 1 MB"):
        read_config(tmp_path / "data.csv")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("states: [hare]\n", r"line 1: states: the data have no variable 'hare'"),
        ("inputs: [drugg]\n", "no variable 'drugg'.*Did you mean 'drug'"),
        ("states: [x]\ninputs: [x]\n", "line 2: inputs: 'x' is both"),
        ("inputs: [x, y, drug]\n", "none is left to model"),
    ],
)
def test_names_must_be_in_the_data(tmp_path: Path, study: Study, text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_config(written(tmp_path, text)).study(study)


def test_library_mistakes_have_their_place(tmp_path: Path, study: Study) -> None:
    config = read_config(written(tmp_path, "\nlibrary: {polynomal: 2}\n"))
    with pytest.raises(UserError, match=r"study.yaml, line 2: .*'polynomal'.*'polynomial'"):
        config.make_library(study)
    config = read_config(written(tmp_path, 'library: {terms: ["x*__import__"]}\n'))
    with pytest.raises(ExpressionError, match=r"\^"):
        config.make_library(study)


def test_the_file_beside_has_the_datas_own_name(tmp_path: Path) -> None:
    data = tmp_path / "cells.csv"
    written(tmp_path, "equations: {}\n", "cells.truth.yaml")
    assert beside(data) is None
    path = written(tmp_path, "", "cells.yaml")
    assert beside(data) == path
