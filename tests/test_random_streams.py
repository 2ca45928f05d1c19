"""Every random stream gets its name through `minecli.runtime.seeds`, read from the syntax trees of the package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "minecli"
SOURCE = PACKAGE / "runtime" / "seeds.py"
MODULES = sorted(set(PACKAGE.rglob("*.py")) - {SOURCE})

# What starts or seeds a stream, whatever it is called on.
FORBIDDEN_NAMES = {"default_rng", "manual_seed", "manual_seed_all", "RandomState", "seed"}
FORBIDDEN_CALLS = {"torch.Generator", "random.Random"}
# Everything called from these: constructors, seeds, and draws from the one stream that all share.
FORBIDDEN_MODULES = ("numpy.random.", "random.", "torch.random.")


def full_names(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for: `np` for numpy, `Random` for random.Random."""
    found = {"np": "numpy", "numpy": "numpy", "torch": "torch"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
            found |= {(top := alias.name.split(".")[0]): top for alias in node.names if not alias.asname}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def unnamed_streams(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and the function of every call that makes, seeds or uses a stream without a name."""
    names = full_names(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute):
            last = node.func.attr
        elif isinstance(node.func, ast.Name):
            last = node.func.id
        else:
            continue
        first, dot, rest = ast.unparse(node.func).partition(".")
        called = names.get(first, f"<{first}>") + dot + rest  # a variable may well be called `random`
        if (
            last in FORBIDDEN_NAMES
            or called.rpartition(".")[2] in FORBIDDEN_NAMES
            or called in FORBIDDEN_CALLS
            or called.startswith(FORBIDDEN_MODULES)
        ):
            yield node.lineno, ast.unparse(node.func)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_streams_are_named(path):
    found = unnamed_streams(ast.parse(path.read_text(encoding="utf-8")))
    said = [f"{path.relative_to(PACKAGE.parent)}:{line} calls {function}" for line, function in found]
    assert not said, f"{'; '.join(said)}: name the stream with minecli.runtime.seeds"


def test_the_source_is_where_it_is_thought_to_be():
    assert {function for _, function in unnamed_streams(ast.parse(SOURCE.read_text(encoding="utf-8")))} >= {
        "np.random.Generator",
        "torch.Generator",
    }


@pytest.mark.parametrize(
    "code",
    [
        "default_rng(0)",
        "np.random.default_rng(0)",
        "numpy.random.default_rng()",
        "from numpy.random import default_rng as stream\nstream(0)",
        "from numpy import random as draws\ndraws.normal()",
        "import numpy.random as draws\ndraws.shuffle(rows)",
        "np.random.Generator(np.random.PCG64(0))",
        "from numpy.random import Generator, PCG64\nGenerator(PCG64(0))",
        "RandomState(0)",
        "np.random.RandomState(0)",
        "np.random.seed(0)",
        "np.random.standard_normal(3)",
        "np.random.permutation(3)",
        "manual_seed(0)",
        "torch.manual_seed(0)",
        "torch.seed()",
        "torch.Generator()",
        "torch.Generator(device).manual_seed(0)",
        "[torch.Generator().manual_seed(s) for s in seeds]",
        "self.draws.manual_seed(0)",
        "torch.cuda.manual_seed_all(0)",
        "torch.random.fork_rng()",
        "from torch import manual_seed as start\nstart(0)",
        "import random\nrandom.Random(0)",
        "import random\nrandom.shuffle(rows)",
        "from random import Random\nRandom(0)",
        "def f():\n    class A:\n        x = lambda: np.random.default_rng(0)",
    ],
)
def test_the_fence_would_notice(code):
    assert list(unnamed_streams(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        '"""\n>>> np.random.default_rng(0)\n"""',
        "def f(rng: np.random.Generator) -> torch.Generator: ...",
        "from minecli.runtime.seeds import generator\ngenerator(0, 'a').random(3)",
        "from minecli.runtime.seeds import torch_generator\ntorch_generator(0, 'a')",
        "random = f()\nrandom.normal(3)",
    ],
)
def test_the_fence_lets_the_rest_pass(code):
    assert not list(unnamed_streams(ast.parse(code)))
