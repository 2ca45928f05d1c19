"""Options of the benchmarks, and how seeds and the fresh regime are read from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from minecli.bench.config import CELLS_TOGETHER, FreshConfig
from minecli.cli.options import MINE_PANEL, RUN_PANEL
from minecli.cli.words import flag
from minecli.errors import UsageError
from minecli.estimators.registry import ESTIMATORS
from minecli.mine.config import TrainingConfig

FRESH_PANEL = "New rows at every step (neural estimators)"


def _task_words() -> list[str]:
    from minecli.tasks.catalogue import GROUPS
    from minecli.tasks.registry import task_names

    return [*GROUPS, *task_names()]


def _estimator_names() -> list[str]:
    return list(ESTIMATORS)


Estimators = Annotated[
    list[str],
    typer.Option(
        "--estimator",
        "-e",
        metavar="NAME",
        autocompletion=_estimator_names,
        help=f"Repeatable, or separated by commas: {', '.join(ESTIMATORS)}.",
    ),
]
Tasks = Annotated[
    list[str],
    typer.Option(
        "--tasks",
        metavar="NAMES",
        autocompletion=_task_words,
        help="Groups and specs, separated by commas; repeatable.",
    ),
]
Rows = Annotated[int, typer.Option("--rows", "-n", metavar="N", help="Rows of every sample.")]
Seeds = Annotated[
    str, typer.Option("--seeds", metavar="SEEDS", help="How many (N: 0 to N-1), or which: 0,5,7. One: 5,")
]
SeedList = Annotated[str, typer.Option("--seed", metavar="N", help="Where all randomness comes from; 0,1,2 averages.")]
RunDir = Annotated[
    Path | None,
    typer.Option(
        "--run-dir",
        metavar="DIR",
        help="Keep config, records, tables and pictures in DIR; the same command goes on.",
        rich_help_panel=RUN_PANEL,
        show_default=False,
    ),
]
Together = Annotated[
    int | None,
    typer.Option(
        "--together",
        metavar="N",
        min=1,
        help=f"Most cells that train as one batched network. (default: 1 on a CPU, {CELLS_TOGETHER} on a GPU)",
        rich_help_panel=RUN_PANEL,
        show_default=False,
    ),
]
Fresh = Annotated[
    bool,
    typer.Option("--fresh", help="Train on new rows at every step, as the paper does.", rich_help_panel=FRESH_PANEL),
]
Plain = Annotated[
    bool,
    typer.Option(
        "--plain",
        help="The paper's network: the columns as they are, no Gaussian base, no ceiling.",
        rich_help_panel=FRESH_PANEL,
    ),
]
EvaluationRows = Annotated[
    int,
    typer.Option(
        "--evaluation-rows", metavar="N", help="New rows the bound is computed on.", rich_help_panel=FRESH_PANEL
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        "--max-steps",
        "--steps",
        metavar="N",
        help=f"Most training steps. (default {ESTIMATORS['mine'].config().max_steps})",
        rich_help_panel=MINE_PANEL,
        show_default=False,
    ),
]


def check_together(given: dict[str, Any], configs: dict[str, Any]) -> None:
    """UsageError where there is nothing that --together could put together."""
    if given.get("fresh"):
        raise UsageError(
            "--together is for samples of fixed size", hint="leave it out: --fresh trains all cells together"
        )
    if not any(isinstance(config, TrainingConfig) for config in configs.values()):
        asked = " and ".join(configs)
        raise UsageError(
            f"--together is for the neural estimators, not for {asked}", hint="leave it out, or add -e mine"
        )


def fresh_config(given: dict[str, Any], chosen_by_person: Callable[[str], bool]) -> FreshConfig | None:
    """The fresh regime the options ask for, None for samples of fixed size; UsageError where they do not fit."""
    if given["fresh"]:
        for option in ("folds", "repeats", "weight_decay"):
            if given[option] is not None:
                raise UsageError(f"{flag(option)} is for samples of fixed size", hint="leave it out, or --fresh")
        for option in ("gaussian_base", "preprocess", "tower_layers"):
            if given["plain"] and given[option] is not None:
                raise UsageError(f"{flag(option)} does not go with --plain", hint="leave one of them out")
        return FreshConfig(evaluation_rows=given["evaluation_rows"], plain=given["plain"])
    for option in ("plain", "evaluation_rows"):
        if chosen_by_person(option):
            raise UsageError(f"{flag(option)} goes with --fresh", hint="add --fresh, or leave it out")
    return None
