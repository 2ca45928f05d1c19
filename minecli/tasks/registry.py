"""All tasks by name. A new task is one class and one line here."""

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
        """Import the task's class."""
        module, _, name = self.location.partition(":")
        return cast("type[Task]", getattr(importlib.import_module(f"minecli.tasks.{module}"), name))


TASKS: Mapping[str, Entry] = {
    "gaussian": Entry("gaussian:Gaussian", "normal, correlation rho between x_i and z_i"),
    "student": Entry("student:Student", "Student-t with a common random scale (dof 1: Cauchy)"),
    "uniform-noise": Entry("additive:UniformNoise", "uniform x plus uniform noise of half-width epsilon"),
    "nonlinear": Entry("additive:Nonlinear", "f(x) plus normal noise sigma; f is identity, cubic or sine"),
    "mixed": Entry("mixed:Mixed", "a label z and a number x whose mean depends on it"),
    "embedding": Entry("gaussian:Embedding", "two wide embeddings that share a few latent signals"),
    "independent": Entry("gaussian:Independent", "nothing shared: the truth is 0"),
}


def make_task(name: str, **parameters: Any) -> Task:
    """Build the task `name`; what is not given keeps its default.

    UsageError for an unknown name, a parameter the task does not have, or a value it does not allow.

    >>> make_task("gaussian", dim=2, rho=0.6)
    Gaussian(dim=2, rho=0.6)
    """
    entry = TASKS.get(name)
    if entry is None:
        near = difflib.get_close_matches(name, TASKS, n=1, cutoff=0.5)
        raise UsageError(
            f"task '{name}' is not known; there are {', '.join(TASKS)}",
            hint=f"did you mean {near[0]}?" if near else "try gaussian",
        )
    task = entry.load()
    allowed = [field.name for field in fields(cast("Any", task))]
    for parameter in parameters:
        if parameter not in allowed:
            options = ", ".join("--" + a.replace("_", "-") for a in allowed)
            raise UsageError(f"the task '{name}' has no --{parameter.replace('_', '-')}; it has {options}")
    return task(**parameters)
