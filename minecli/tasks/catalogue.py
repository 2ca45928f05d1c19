"""Tasks in one word each (specs), and groups of them to run together.

A spec is a task's name, followed by its parameters where it has any: `gaussian:dim=20,rho=0.9`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast

from minecli.errors import UsageError
from minecli.tasks.additive import FUNCTIONS
from minecli.tasks.public import PUBLIC
from minecli.tasks.registry import TASKS, make_task
from minecli.tasks.task import ParameterError, Task, parameters

_KINDS: Mapping[str, tuple[type, str]] = {"int": (int, "a whole number"), "float": (float, "a number")}

# Belghazi et al. (ICML 2018), section 4.1: correlations of both signs, in 2 and in 20 dimensions.
_CORRELATIONS = (-0.99, -0.9, -0.7, -0.5, -0.3, -0.1, 0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99)
FIG1 = tuple(f"gaussian:dim={dim},rho={rho}" for dim in (2, 20) for rho in _CORRELATIONS)
# Section 4.2: two components; without noise the information would be infinite, so the grid starts at 0.1.
FIG2 = tuple(
    f"nonlinear:dim=2,function={function},sigma={tenths / 10}" for function in FUNCTIONS for tenths in range(1, 10)
)
EXTRA = (
    "mixed:classes=2,spacing=2.0",
    "mixed:classes=5,spacing=3.0",
    "mixed-uniform:classes=5",
    "zero-inflated:dim=1,rho=0.9,share=0.3",
    "low-rank:dim=13,latent=1,mi_nats=0.6931471805599453",
    "low-rank:dim=50,latent=1,mi_nats=0.6931471805599453",
    "low-rank:dim=50,latent=50,mi_nats=0.6931471805599453",
    "embedding:dim=32,latent=2,rho=0.9,sigma=0.1",
    "independent:dim=1,tails=light",
    "independent:dim=1,tails=heavy",
    "independent:dim=10,tails=heavy",
    "independent:dim=50,tails=light",
)

GROUPS: Mapping[str, tuple[str, ...]] = {"public": tuple(PUBLIC), "paper": FIG1 + FIG2, "extra": EXTRA}


def parse_task(spec: str, **more: Any) -> Task:
    """The task that `spec` describes, with `more` parameters beside those in it.

    UsageError for an unknown name, a parameter the task does not have, a value that is not of its kind or not
    allowed, or a parameter given twice.

    >>> parse_task("gaussian:dim=20,rho=0.9")
    Gaussian(dim=20, rho=0.9)
    """
    name, colon, words = spec.partition(":")
    if not colon:
        return make_task(name, **more)
    if name not in TASKS:
        make_task(name)  # refuses an unknown name, with a suggestion
        raise UsageError(f"'{spec}': the task '{name}' has no parameters", hint=f"try {name}")
    given = dict(more)
    for word in words.split(","):
        parameter, value = _parse_parameter(spec, name, word)
        if parameter in given:
            raise UsageError(f"'{spec}': {parameter} is given twice", hint="leave one of them out")
        given[parameter] = value
    try:
        return make_task(name, **given)
    except ParameterError as bad:
        raise UsageError(
            f"'{spec}': {bad.parameter} is {bad.value}; it must be {bad.allowed}",
            hint=f"try {bad.parameter}={bad.example}",
        ) from None


def _parse_parameter(spec: str, name: str, word: str) -> tuple[str, int | float | str]:
    key, equals, text = (part.strip() for part in word.partition("="))
    key = key.replace("-", "_")
    kinds = _kinds(name)
    known = ", ".join(kinds)
    if not equals:
        raise UsageError(
            f"'{spec}': '{word}' is no parameter; after the colon stand name=value pairs, separated by commas",
            hint=f"try {spec_of(make_task(name))}",
        )
    if key not in kinds:
        raise UsageError(f"'{spec}': the task '{name}' has no parameter '{key}'; it has {known}")
    if kinds[key] not in _KINDS:
        return key, text
    kind, words = _KINDS[kinds[key]]
    try:
        return key, kind(text)
    except ValueError:
        default = parameters(make_task(name))[key]
        raise UsageError(f"'{spec}': {key} is '{text}'; it must be {words}", hint=f"try {key}={default}") from None


def _kinds(name: str) -> dict[str, str]:
    """Each parameter of a family and the name of its type; annotations are text in all task modules."""
    return {field.name: str(field.type) for field in fields(cast("Any", TASKS[name].load()))}


def spec_of(task: Task) -> str:
    """The spec that describes `task`, with all its parameters: `parse_task(spec_of(task)) == task`.

    >>> spec_of(make_task("student", dof=2))
    'student:dim=1,dof=2.0,rho=0.0'
    """
    given = parameters(task)
    if not given:
        return task.name
    kinds = _kinds(task.name)
    # A float parameter given as 2 is written 2.0, so that equal tasks have equal specs.
    words = (f"{key}={float(value) if kinds[key] == 'float' else value}" for key, value in given.items())
    return f"{task.name}:{','.join(words)}"
