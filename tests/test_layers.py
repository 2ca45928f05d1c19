"""Who may import whom, read from the syntax trees: rooms, heavy libraries, terminals, prints."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "minecli"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Each line may import only lines below it; rooms on one line are strangers.
LAYERS = (
    ("cli",),
    ("api",),
    ("bench", "docs"),
    ("report", "apps", "estimators"),
    ("mine", "tables", "tasks"),
    ("runtime",),
    ("result", "events", "settings"),
    ("units", "errors", "foreign", "version"),
)
LEVEL = {room: len(LAYERS) - i for i, rooms in enumerate(LAYERS) for room in rooms}
BENCH_MAY_NOT_IMPORT = {"report", "apps"}  # what is measured does not know how it is shown
REPORT_MAY_IMPORT = {"report", "result", "units", "errors", "foreign", "version"}
# The same within apps/: which of its rooms each may import besides itself.
APPS_MAY_IMPORT = {
    "gan": {"adversarial", "metrics", "ensembles", "datasets"},
    "ali": {"adversarial", "metrics", "ensembles", "datasets"},
    "ib": {"adversarial", "metrics", "ensembles", "datasets"},
    "adversarial": {"ensembles", "datasets"},
    "metrics": {"datasets"},
    "ensembles": set(),
    "datasets": set(),
}
SHARED_NAMES_OF_APPS = {"__init__", "config", "networks", "training", "results", "export"}
HEAVY = {"torch", "pandas", "pyarrow", "scipy", "matplotlib", "ray"}
TERMINAL = {"rich", "typer"}
BOTTOM = {"result", "events", "settings", "units", "errors", "foreign", "version"}


def room_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Every imported module by its full name, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            yield node, node.module
            for alias in node.names:
                yield node, f"{node.module}.{alias.name}"


def only_for_types(tree: ast.Module) -> set[ast.stmt]:
    found: set[ast.stmt] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            found |= {child for child in ast.walk(node) if isinstance(child, ast.stmt)}
    return found


def at_module_level(tree: ast.Module) -> set[ast.stmt]:
    """Statements that run on import: everything outside functions and outside `if TYPE_CHECKING`."""
    found: set[ast.stmt] = set()
    pending: list[ast.AST] = [tree]
    while pending:
        for child in ast.iter_child_nodes(pending.pop()):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if isinstance(child, ast.stmt):
                found.add(child)
            pending.append(child)
    return found - only_for_types(tree)


def must_be_light(path: Path) -> bool:
    room, name = room_of(path), path.stem
    return (
        room in {"cli", "api"}
        or room in BOTTOM
        or name in {"config", "registry", "payload", "formats"}
        or name == "__init__"
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_fences(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    room, level_statements = room_of(path), at_module_level(tree)
    for statement, name in imports(tree):
        top, _, rest = name.partition(".")
        where = f"{path.name}:{statement.lineno} imports {name}"
        if top == "minecli" and rest:
            target = rest.split(".")[0]
            if target in LEVEL and room in LEVEL and target != room:
                assert LEVEL[target] < LEVEL[room], f"{where}: {room} may not import {target}"
            if room == "bench":
                assert target not in BENCH_MAY_NOT_IMPORT, f"{where}: bench knows nothing of {target}"
            if room == "report" and target in LEVEL:
                assert target in REPORT_MAY_IMPORT, f"{where}: report imports only result and units"
        if top in TERMINAL:
            assert room in {"cli", "report"}, f"{where}: terminals belong to cli and report"
        if top in HEAVY and must_be_light(path):
            assert statement not in level_statements, f"{where}: too heavy for module level here"
        if room in BOTTOM and statement in level_statements and top != "minecli":
            assert importlib.util.find_spec(top) is not None
            assert "site-packages" not in str(importlib.util.find_spec(top).origin), f"{where}: standard library only"


def test_rooms_within_apps():
    apps = PACKAGE / "apps"
    assert {path.name for path in apps.iterdir() if (path / "__init__.py").exists()} == set(APPS_MAY_IMPORT)
    for path in sorted(apps.glob("*/*.py")):
        room = path.parent.name
        for statement, name in imports(ast.parse(path.read_text(encoding="utf-8"))):
            if name.startswith("minecli.apps."):
                target = name.split(".")[2]
                where = f"{room}/{path.name}:{statement.lineno} imports {name}"
                assert target in APPS_MAY_IMPORT[room] | {room}, f"{where}: {room} may not import {target}"


def test_a_name_in_apps_says_which_file():
    names = [path.stem for path in (PACKAGE / "apps").rglob("*.py") if path.stem not in SHARED_NAMES_OF_APPS]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_print_and_no_exit_below_the_command_line(path):
    if room_of(path) in {"cli", "__main__"}:
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"print", "exit", "quit", "sys.exit", "os._exit"}, (
                f"{path.name}:{node.lineno} {called}"
            )


# What is imported under another name than it is installed by.
INSTALLED_AS = {"sklearn": "scikit-learn", "PIL": "pillow", "python_calamine": "python-calamine"}


def test_every_library_is_a_declared_dependency():
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *(v for k, v in project["optional-dependencies"].items() if k != "dev")]
    declared = {re.match(r"[\w-]+", each)[0].lower() for group in groups for each in group}
    used = {name.partition(".")[0] for path in MODULES for _, name in imports(ast.parse(path.read_text("utf-8")))}
    libraries = used - set(sys.stdlib_module_names) - {"minecli", "_typeshed"}
    assert {INSTALLED_AS.get(name, name) for name in libraries} <= declared


def test_every_room_is_known():
    rooms = {room_of(path) for path in MODULES} - {"__init__", "__main__"}
    assert rooms <= set(LEVEL)


def test_no_drawers():
    names = {path.stem for path in MODULES}
    assert not names & {"utils", "helpers", "common", "manager", "factory", "misc"}


def test_the_fence_would_notice():
    # A fence that never fails is no fence: feed it an import at module level, in a function, and for types only.
    tree = ast.parse(
        "import torch\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import scipy\n"
        "def f():\n    import pandas\nclass A:\n    import pyarrow\n"
    )
    level = at_module_level(tree)
    assert {name for statement, name in imports(tree) if statement in level and name in HEAVY} == {"torch", "pyarrow"}
