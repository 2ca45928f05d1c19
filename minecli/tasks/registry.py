"""All tasks by name: families with parameters, and public tasks whose name fixes them.

A new family is one class and one line here.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

from minecli.errors import UsageError
from minecli.tasks.task import Task


@dataclass(frozen=True)
class Entry:
    """Where a task is defined ("module:Class", imported on demand) and what it is in one line."""

    location: str
    summary: str

    def load(self) -> type[Task]:
        """Import and return the task's class."""
        module, _, name = self.location.partition(":")
        return cast("type[Task]", getattr(importlib.import_module(f"minecli.tasks.{module}"), name))


TASKS: Mapping[str, Entry] = {
    "gaussian": Entry("gaussian:Gaussian", "normal, correlation rho between x_i and z_i"),
    "student": Entry("student:Student", "Student-t with a common random scale (dof 1: Cauchy)"),
    "uniform-noise": Entry("additive:UniformNoise", "uniform x plus uniform noise of half-width epsilon"),
    "nonlinear": Entry("additive:Nonlinear", "f(x) plus normal noise sigma; f is identity, cubic or sine"),
    "mixed": Entry("mixed:Mixed", "a label z and a number x whose mean depends on it"),
    "mixed-uniform": Entry("mixed:MixedUniform", "a whole number x, z uniform on (x, x + 2)"),
    "zero-inflated": Entry("mixed:ZeroInflated", "normal pairs, each value an exact 0 with probability share"),
    "embedding": Entry("gaussian:Embedding", "two wide embeddings that share a few latent signals"),
    "low-rank": Entry("multinormal:LowRank", "a few latent signals, exact copies of them, and noise"),
    "multinormal-dense": Entry("multinormal:DenseMultinormal", "normal, correlation rho between all columns"),
    "multinormal-sparse": Entry("multinormal:SparseMultinormal", "normal, correlation rho in a few pairs of columns"),
    "independent": Entry("gaussian:Independent", "nothing shared: the truth is 0"),
}


def task_names() -> tuple[str, ...]:
    """Every name that `make_task` knows: the families, then the public tasks."""
    from minecli.tasks.public import PUBLIC

    return (*TASKS, *PUBLIC)


def make_task(name: str, **parameters: Any) -> Task:
    """Build the task `name`; what is not given keeps its default. A public task takes no parameters.

    UsageError for an unknown name, a parameter the task does not have, or a value it does not allow.

    >>> make_task("gaussian", dim=2, rho=0.6)
    Gaussian(dim=2, rho=0.6)
    >>> print(make_task("1v1-normal-0.75"))
    1v1-normal-0.75
    """
    family = TASKS.get(name)
    if family is None:
        return _public(name, parameters)
    task = family.load()
    allowed = [field.name for field in fields(cast("Any", task))]
    for parameter in parameters:
        if parameter not in allowed:
            options = ", ".join(_option(a) for a in allowed)
            raise UsageError(f"the task '{name}' has no {_option(parameter)}; it has {options}")
    return task(**parameters)


def _public(name: str, parameters: Mapping[str, Any]) -> Task:
    from minecli.tasks.public import PUBLIC

    if name not in PUBLIC:
        near = difflib.get_close_matches(name, task_names(), n=1, cutoff=0.5)
        raise UsageError(
            f"task '{name}' is not known; there are {', '.join(TASKS)}, and {len(PUBLIC)} public tasks",
            hint=f"did you mean {near[0]}?" if near else "try gaussian",
        )
    if parameters:
        option = _option(next(iter(parameters)))
        raise UsageError(f"the task '{name}' has no {option}: its name fixes everything", hint=f"leave out {option}")
    return PUBLIC[name]


def _option(parameter: str) -> str:
    return "--" + parameter.replace("_", "-")
