"""The rules that keep the package readable, checked on its source."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "twinlab"
MODULES = sorted(PACKAGE.rglob("*.py"))
APPS = sorted((ROOT / "apps").glob("*.py"))

#: Each floor imports only from floors before it.
FLOORS = (
    "errors",
    "expressions",
    "study",
    "kernels",
    "library",
    "knowledge",
    "discovery",
    "twin",
    "report",
    "benchmark",
    "config_values",
    "config",
    "ui",
    "console",
    "arguments",
    "cli",
    "__main__",
)
INTERFACE_PACKAGES = {"panel", "param", "bokeh", "holoviews", "panel_material_ui"}
KERNEL_IMPORTS = {"__future__", "numpy", "numba", "typing", "math", "collections"}
MAX_LINES = 400


def floor_of(path: Path) -> str:
    """Name of the floor a module is on; the package's own __init__ is the front door."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def type_checking_blocks(tree: ast.AST) -> set[ast.AST]:
    """Nodes that only type checkers see."""
    hidden: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for statement in node.body:
                hidden.update(ast.walk(statement))
    return hidden


def imports(path: Path, *, at_run_time: bool = False) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything a module imports."""
    tree = ast.parse(path.read_text("utf-8"))
    hidden = type_checking_blocks(tree) if at_run_time else set()
    package = ("twinlab", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(tree):
        if node in hidden:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package[: len(package) - node.level + 1]
                base = ".".join([*parts, base]).rstrip(".")
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def name(path: Path) -> str:
    """Name of a module for the test's id."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_go_down(path: Path) -> None:
    own = floor_of(path)
    if own == "__init__":
        pytest.skip("the front door may name every floor")
    assert own in FLOORS, f"{name(path)} is on no known floor"
    climbing = []
    for line, imported in imports(path):
        parts = imported.split(".")
        if parts[0] != "twinlab" or len(parts) < 2 or parts[1] not in FLOORS:
            continue
        if FLOORS.index(parts[1]) > FLOORS.index(own):
            climbing.append(f"line {line}: {imported}")
    assert not climbing


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_interface_packages_stay_in_their_floors(path: Path) -> None:
    allowed = {"ui": INTERFACE_PACKAGES, "report": {"bokeh"}}.get(floor_of(path), set())
    used = {imported.split(".")[0] for _, imported in imports(path)} & INTERFACE_PACKAGES
    assert used <= allowed


#: It minds the files of machine code, and holds no kernel.
COMPILATION = PACKAGE / "kernels" / "compiled.py"


@pytest.mark.parametrize(
    "path", sorted({*(PACKAGE / "kernels").rglob("*.py")} - {COMPILATION}), ids=name
)
def test_kernels_import_numpy_and_numba_alone(path: Path) -> None:
    foreign = [
        imported
        for _, imported in imports(path, at_run_time=True)
        if imported.split(".")[0] not in KERNEL_IMPORTS
        and not imported.startswith(("twinlab.kernels", "twinlab.expressions.kinds"))
    ]
    assert not foreign


@pytest.mark.parametrize("path", [*MODULES, *APPS], ids=name)
def test_modules_stay_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", [*MODULES, *APPS], ids=name)
def test_nothing_is_evaluated_or_unpickled(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    calls = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"eval", "exec", "compile", "__import__"}
    if path.is_relative_to(PACKAGE):
        imported = {full.split(".")[0] for _, full in imports(path)}
        assert not imported & {"pickle", "cloudpickle", "dill", "shelve", "marshal", "joblib"}


NETWORK_PACKAGES = {"requests", "urllib3", "httpx", "aiohttp", "ftplib", "smtplib"}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_nothing_calls_out(path: Path) -> None:
    """No address but loopback in code (comments and docstrings may cite), and no client package."""
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    addresses = [
        f"line {node.lineno}: {node.value}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node not in docstrings
        and re.search(r"https?://(?!127\.0\.0\.1|localhost|\[::1\]|www\.w3\.org/|\{|$)", node.value)
    ]
    assert not addresses
    imported = {full for _, full in imports(path)}
    assert not {full.split(".")[0] for full in imported} & NETWORK_PACKAGES
    if path != PACKAGE / "knowledge" / "ask.py":  # it calls the endpoint the user configures
        assert not any(full.startswith(("urllib.request", "http.client")) for full in imported)


OUTSIDE = re.compile(r"""(?:src|href)=["']?https?:|url\(\s*["']?https?:""")


def test_templates_ask_for_nothing_outside() -> None:
    templates = [p for p in PACKAGE.rglob("*") if p.suffix in {".html", ".j2", ".css", ".js"}]
    assert templates
    assert not [p.name for p in templates if OUTSIDE.search(p.read_text("utf-8"))]


def test_front_door_is_light() -> None:
    """``import twinlab`` and the command's parser load no numerical or interface package."""
    code = (
        "import sys, twinlab, twinlab.cli; twinlab.cli._parser(); "
        "print(sorted({m.split('.')[0] for m in sys.modules}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "numba", "pandas", "scipy", "yaml", *INTERFACE_PACKAGES}
    assert not heavy & set(ast.literal_eval(run.stdout))


def test_front_door_names_exist() -> None:
    import twinlab

    assert all(getattr(twinlab, item) is not None for item in twinlab.__all__)
    assert set(twinlab.__all__) <= set(dir(twinlab))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = twinlab.nothing
