"""What a benchmark was asked for, fully resolved: what a run folder stores and a resumed run reads.

Everything in it decides the numbers. Device and threads are not in it: they decide the speed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from minecli.bench.cells import Cell
from minecli.errors import UsageError
from minecli.estimators.registry import stored_configs
from minecli.mine.config import TrainingConfig
from minecli.runtime.request import Request
from minecli.settings import MOST_COLUMNS, SEED, check, number, numbers, switch, texts, whole

# On a GPU a step costs about the same for one estimate's networks as for many times as many; the caches of a CPU hold
# no more than one estimate's, and so it works on one at a time.
CELLS_TOGETHER = 64
# Of one list of a figure's parameters.
MOST_LISTED = 10_000


@dataclass(frozen=True, kw_only=True)
class FreshConfig:
    """New rows at every step instead of a table of fixed size; for the neural estimators alone.

    The bound is computed once, on `evaluation_rows` rows that training has not seen, each paired with `shifts_per_row`
    others. `plain` leaves out the Gaussian base and the ceiling of the score.

    >>> FreshConfig(evaluation_rows=1)
    Traceback (most recent call last):
    minecli.settings.SettingError: evaluation_rows is 1; it must be a whole number of at least 100
    """

    evaluation_rows: int = whole(65_536, "New rows the bound is computed on.", least=100)
    shifts_per_row: int = whole(32, "Other rows each of them is paired with.")
    plain: bool = switch(False, "The paper's network: the columns as they are, no Gaussian base, no ceiling.")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class BenchRequest(Request):
    """What all benchmarks share: the cells' seeds and rows, and the estimators with their settings.

    With `fresh` the neural estimators see new rows at every step; the others go on with `rows`.
    """

    COMMAND = "bench"
    # What the seeds' option is called.
    SEEDS: ClassVar[str] = "seed"

    seeds: tuple[int, ...] = (0,)
    rows: int = whole(10_000, "Rows of every sample.", least=2, hint="try -n 10000")
    confidence: float = number(0.95, "Coverage of the intervals.", least=0.5, below=1.0, metavar="LEVEL")
    estimators: Mapping[str, Any] = field(default_factory=dict)
    fresh: FreshConfig | None = None

    def __post_init__(self) -> None:
        check(self)
        _require_some(self.SEEDS, self.seeds)
        for seed in self.seeds:
            SEED.check(self.SEEDS, seed)
        if self.fresh is not None and not any(map(self.is_fresh, self.estimators)):
            asked = " and ".join(self.estimators)
            raise UsageError(f"--fresh is for the neural estimators, not for {asked}", hint="add -e mine")

    def cells(self) -> list[Cell]:
        """The plan, in the order in which it is worked on."""
        from minecli.tasks.catalogue import spec_of

        cells = []
        for task, group, place in self.questions():
            about = {"task": task, "spec": spec_of(task), "group": group, "true_mi_nats": task.true_mi_nats()}
            for seed in self.seeds:
                for name in self.estimators:
                    cells.append(Cell(**about, rows=self.rows_of(name), seed=seed, estimator=name, place=place))
        return cells

    def questions(self) -> list[tuple[Any, str, dict[str, float | str]]]:
        """The tasks, each with its heading and its place in a figure."""
        raise NotImplementedError

    def is_fresh(self, estimator: str) -> bool:
        """Whether an estimator sees new rows at every step."""
        return self.fresh is not None and isinstance(self.estimators[estimator], TrainingConfig)

    def rows_of(self, estimator: str) -> int:
        """How many rows an estimator's answer is computed from."""
        if self.fresh is not None and self.is_fresh(estimator):
            return self.fresh.evaluation_rows
        return self.rows

    def to_json(self) -> dict[str, Any]:
        """The request as plain JSON values."""
        return {"command": self.COMMAND, **super().to_json()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """See `Request.from_json`; what names no command is of the one that did not in earlier versions."""
        return super().from_json({"command": "estimate", **content})

    @classmethod
    def with_configs(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The values with those of `estimators` made into the configs of the registry."""
        return values | {"estimators": stored_configs(values.get("estimators"))}


@dataclass(frozen=True, kw_only=True)
class SuiteRequest(BenchRequest):
    """The suite: any tasks, by their specs, all seeds, all estimators.

    >>> from minecli.estimators.config import KsgConfig
    >>> ksg = {"ksg": KsgConfig()}
    >>> request = SuiteRequest(tasks=("1v1-normal-0.75",), seeds=(0,), estimators=ksg)
    >>> [cell.key for cell in request.cells()]
    [('1v1-normal-0.75', 10000, 0, 'ksg')]
    """

    COMMAND = "bench suite"
    SEEDS = "seeds"

    tasks: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_some("tasks", self.tasks)

    def questions(self) -> list[tuple[Any, str, dict[str, float | str]]]:
        from minecli.tasks.catalogue import parse_task

        tasks = [parse_task(spec) for spec in self.tasks]
        # A task seen through maps belongs to the distribution behind them.
        return [(task, getattr(task, "base", task).name, {}) for task in tasks]


@dataclass(frozen=True, kw_only=True)
class Fig1Request(BenchRequest):
    """Figure 1 of the paper: normal pairs, correlation rho in each of d components, truth -d/2 ln(1 - rho^2).

    >>> from minecli.estimators.config import KsgConfig
    >>> Fig1Request(dims=(2,), rhos=(0.5,), estimators={"ksg": KsgConfig()}).cells()[0].place
    {'d': 2, 'rho': 0.5}
    """

    COMMAND = "bench fig1"

    dims: tuple[int, ...] = numbers(
        (1, 2, 20),
        "Components of x and of z.",
        at_most=MOST_LISTED,
        kind=int,
        least=1,
        most=MOST_COLUMNS,
        metavar="D,D,...",
        hint="try `dims=1,2`",
    )
    rhos: tuple[float, ...] = numbers(
        (-0.99, -0.9, -0.7, -0.5, -0.3, -0.1, 0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99),
        "Correlations; the paper's grid by default.",
        at_most=MOST_LISTED,
        metavar="R,R,...",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_some("dims", self.dims)
        _require_some("rhos", self.rhos)

    def questions(self) -> list[tuple[Any, str, dict[str, float | str]]]:
        from minecli.tasks.registry import make_task

        return [
            (make_task("gaussian", dim=d, rho=rho), f"d = {d}", {"d": d, "rho": rho})
            for d in self.dims
            for rho in self.rhos
        ]


@dataclass(frozen=True, kw_only=True)
class Fig2Request(BenchRequest):
    """Figure 2 of the paper: x uniform on (-1, 1), z = f(x) + sigma * noise, in `dim` columns.

    At the same sigma the three f do not carry the same information, because they differ in spread; `equal_snr`
    multiplies sigma by the standard deviation of f(x), so that they nearly do.

    >>> from minecli.estimators.config import KsgConfig
    >>> ksg = {"ksg": KsgConfig()}
    >>> request = Fig2Request(functions=("cubic",), sigmas=(0.5,), equal_snr=True, estimators=ksg)
    >>> round(request.cells()[0].task.sigma, 4)
    0.189
    """

    COMMAND = "bench fig2"

    functions: tuple[str, ...] = texts("identity, cubic, sine.", "F,F,...", ("identity", "cubic", "sine"))
    sigmas: tuple[float, ...] = numbers(
        (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        "Standard deviations of the noise.",
        at_most=MOST_LISTED,
        metavar="S,S,...",
    )
    dim: int = whole(2, "Components of x and of z.", most=MOST_COLUMNS)
    equal_snr: bool = switch(False, "Sigma in units of the standard deviation of f(x).")

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_some("functions", self.functions)
        _require_some("sigmas", self.sigmas)

    def questions(self) -> list[tuple[Any, str, dict[str, float | str]]]:
        from minecli.tasks.registry import make_task

        questions: list[tuple[Any, str, dict[str, float | str]]] = []
        for function in self.functions:
            for sigma in self.sigmas:
                noise = sigma * spread_of(function) if self.equal_snr else sigma
                task = make_task("nonlinear", dim=self.dim, function=function, sigma=noise)
                questions.append((task, function, {"function": function, "sigma": sigma}))
        return questions


def spread_of(function: str) -> float:
    """The standard deviation of f(x) for x uniform on (-1, 1), by Gauss-Legendre quadrature.

    >>> [round(spread_of(f), 3) for f in ("identity", "cubic", "sine")]
    [0.577, 0.378, 0.522]
    """
    import numpy as np

    from minecli.tasks.registry import make_task

    nodes, weights = np.polynomial.legendre.leggauss(32)
    values = make_task("nonlinear", function=function).apply(nodes)  # type: ignore[attr-defined]
    mean = 0.5 * float(weights @ values)
    return float(np.sqrt(0.5 * float(weights @ values**2) - mean**2))


def _require_some(name: str, values: tuple[object, ...]) -> None:
    if not values:
        raise UsageError(f"--{name} is empty", hint="leave it out, or name at least one")
    if len(set(values)) < len(values):
        twice = next(value for i, value in enumerate(values) if value in values[:i])
        raise UsageError(f"--{name} names {twice} twice", hint="name each once")
