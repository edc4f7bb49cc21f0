"""The program a model is written as, run against the twin it was written from."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.handmade import small_discovery
from twinlab.cli import main
from twinlab.discovery.problem import make_problem
from twinlab.errors import UserError
from twinlab.expressions import parse_term
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.report import export, python_text, write_python
from twinlab.report.python_export import _check_names, _term
from twinlab.study import Dose
from twinlab.twin import Twin

DOSES = {
    "anna": (Dose(1, 2.0, "prey"), Dose(3, 1.0, "predator"), Dose(3, 0.5, "prey")),
    "bert": (Dose(0, 4.0, "prey", 1.5), Dose(2.5, 1.0, "prey")),
}


def run(text: str) -> dict[str, Any]:
    """Names the program defines."""
    space: dict[str, Any] = {"__name__": "exported"}
    exec(compile(text, "exported.py", "exec"), space)
    return space


@pytest.mark.parametrize("doses", [None, DOSES])
def test_the_program_repeats_the_twin(doses: dict[str, tuple[Dose, ...]] | None) -> None:
    twin = Twin(small_discovery(doses=doses))
    program = run(python_text(twin))
    time = np.array([0.0, 0.4, 1.0, 1.5, 2.5, 3.0, 3.000001, 5.2, 9.0])
    for subject in ("anna", "bert"):
        own = twin.simulate(time, subject=subject, draws=1).best
        np.testing.assert_allclose(program["simulate"](subject, time), own, rtol=2e-5)
    late = program["simulate"]("anna", [4.0])
    np.testing.assert_allclose(late, twin.simulate([4.0], subject="anna", draws=1).best, rtol=2e-5)
    with pytest.raises(ValueError, match="begins at"):
        program["simulate"]("anna", [-1.0])


def test_inputs_are_in_the_program() -> None:
    found = small_discovery(doses={"bert": (Dose(1, 3.0, "predator", 1.5),)})
    library = Library.polynomial(found.study, degree=2, states=["prey"], inputs=["predator"])
    study = found.study.select(variables=["prey", "predator"])
    study = replace(
        study,
        trajectories=tuple(replace(t, value=np.nan_to_num(t.value)) for t in study.trajectories),
    )
    problem = make_problem(study, library, Knowledge())
    columns = np.array([library.find("prey", "prey"), library.find("prey", "prey*predator")])
    model = replace(
        found.best, columns=columns, coefficients=np.array([1.0, -0.5]),
        initial=np.ascontiguousarray(found.best.initial[:, :1]),
    )  # fmt: skip
    posterior = replace(
        found.posterior, coefficients=np.array([model.full(0, len(library.columns))]),
        initial=found.posterior.initial[:1, :, :1],
    )  # fmt: skip
    driven = replace(
        found, study=problem.study, library=library, problem=problem, models=(model,),
        posterior=posterior,
    )  # fmt: skip
    twin, time = Twin(driven), np.linspace(0, 8, 23)
    program = run(python_text(twin))
    own = twin.simulate(time, subject="bert").best
    np.testing.assert_allclose(program["simulate"]("bert", time), own, rtol=1e-4)


def test_every_kind_of_factor_is_written() -> None:
    names = ("a", "b")
    space = run(python_text(Twin(small_discovery())))
    space |= {"a": 0.7, "b": 1.3}
    for text in ("a^2*b", "hill(a,0.5,2)", "b*repress(a,0.4,3)", "exp(-2*a)", "log(b)", "sin(3*a)",
                 "1", "sqrt(a)/b"):  # fmt: skip
        term = parse_term(text, names)
        value = term.evaluate({"a": np.array([0.7]), "b": np.array([1.3])})
        assert eval(_term(term), space) == pytest.approx(float(value[0]), rel=1e-9)


def test_it_runs_alone(tmp_path: Path) -> None:
    path = write_python(
        Twin(small_discovery(doses=DOSES, name='x"""\nimport os')), tmp_path / "m.py"
    )
    done = subprocess.run(
        [sys.executable, "-I", str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.count("\n") > 20 and done.stdout.startswith("anna")
    assert "twinlab" not in path.read_text().replace("TwinLab", "")


def test_names_of_python_are_refused() -> None:
    for name in ("lambda", "hill", "_x"):
        with pytest.raises(UserError, match=name):
            _check_names(("prey", name))


def test_a_twin_file_is_exported_by_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = Twin(small_discovery(doses=DOSES))
    file = twin.save(tmp_path / "x.twin")
    out = tmp_path / "x.py"
    assert main(["export", str(file), "--to", "python", "--out", str(out), "--rank", "2"]) == 0
    assert "Wrote" in capsys.readouterr().out
    own = Twin(twin.discovery, rank=2).simulate([0.0, 4.0], subject="anna").best
    np.testing.assert_allclose(run(out.read_text())["simulate"]("anna", [0.0, 4.0]), own, rtol=2e-5)
    written = json.loads(export(twin, "json", tmp_path / "x.json").read_text())
    assert written["doses"]["subjects"]["bert"][0]["duration"] == 1.5
    assert main(["export", str(file), "--to", "sbml", "--out", str(out)]) == 2
    assert "cannot be written as 'sbml'" in capsys.readouterr().err
