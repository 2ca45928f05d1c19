"""`minecli bench`: estimators against known truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from minecli.bench.config import CELLS_TOGETHER, BenchRequest, Fig1Request, Fig2Request, FreshConfig, SuiteRequest
from minecli.cli.bench_job import BenchJob, fresh_config, shared_fields
from minecli.cli.options import Parameters, given_fields, of_fields, option, takes, whole_option
from minecli.cli.runs import run_command
from minecli.cli.settings import estimator_names, setting_options
from minecli.cli.shared_options import COMPUTING, FOLDER, RESULT, RUN_PANEL
from minecli.cli.words import names, numbers, seed_list

HELP = "Estimators against known truth: the task suite, and figures 1 and 2 of the paper."
SUITE_EXAMPLE = "minecli bench suite --tasks 1v1-normal-0.75 -e ksg -n 500 --seeds 2"
FIG1_EXAMPLE = "minecli bench fig1 --dims 1,2 --rhos 0.5,0.9 -e ksg -n 500"
FIG2_EXAMPLE = "minecli bench fig2 --functions sine --sigmas 0.2,0.5 -e ksg -n 500"
SUITE_HELP = f"""Ask every estimator about every task, once per seed, and set the answers against the truth.

A task is named by its spec or by the group it belongs to; `minecli tasks` shows them.

Example: {SUITE_EXAMPLE}
"""
FIG1_HELP = f"""Figure 1 of the paper: correlated normal variables, estimates beside -d/2 ln(1 - rho^2).

Example: {FIG1_EXAMPLE}
"""
FIG2_HELP = f"""Figure 2 of the paper: f(x) plus noise, estimates beside the truth by quadrature.

Example: {FIG2_EXAMPLE}
"""
FRESH_PANEL = "New rows at every step (neural estimators)"

app = typer.Typer(help=HELP, rich_markup_mode="rich", context_settings={"help_option_names": ["-h", "--help"]})


def _task_words() -> list[str]:
    from minecli.tasks.catalogue import GROUPS
    from minecli.tasks.registry import task_names

    return [*GROUPS, *task_names()]


def _estimators(default: list[str]) -> Parameters:
    help = f"Repeatable, or separated by commas: {', '.join(estimator_names())}."
    more: dict[str, Any] = {"autocompletion": estimator_names}
    return {"estimator": option(list[str], help, "--estimator", "-e", default=default, metavar="NAME", **more)}


_SEEDS: Parameters = {
    "seed": option(str, "Where all randomness comes from; 0,1,2 averages.", "--seed", default="0", metavar="N"),
}
_FRESH: Parameters = {
    "fresh": option(
        bool, "Train on new rows at every step, as the paper does.", "--fresh", default=False, panel=FRESH_PANEL
    ),
    **of_fields(FreshConfig, FRESH_PANEL, "evaluation_rows", "plain", show_default=True),
}
_SHARED: Parameters = {
    **of_fields(BenchRequest, None, "rows", "confidence", show_default=True),
    **setting_options(
        "preprocess", "neighbours", "folds", "repeats", "max_steps", "batch_size", "marginal_shifts", "hidden",
        "layers", "tower_layers", "weight_decay", "learning_rate", "ema_decay", "gaussian_base", "smile_clip",
        "precision",
    ),
    **RESULT, **COMPUTING,
    "together": whole_option(
        "together",
        f"Most cells that train as one batched network. (default: 1 on a CPU, {CELLS_TOGETHER} on a GPU)",
        "--together", panel=RUN_PANEL, metavar="N", most=100_000,
    ),
    **FOLDER,
}  # fmt: skip


@app.command("suite", help=SUITE_HELP)
@takes(
    {
        "tasks": option(
            list[str], "Groups and specs, separated by commas; repeatable.", "--tasks", default=["public"],
            metavar="NAMES", autocompletion=_task_words,
        ),
        "seeds": option(
            str, "How many (N: 0 to N-1), or which: 0,5,7. One: 5,", "--seeds", default="3", metavar="SEEDS"
        ),
    },
    _estimators(["mine", "ksg"]),
    _SHARED,
)  # fmt: skip
def suite(ctx: typer.Context) -> None:
    run_command(BenchJob(SuiteRequest, _suite_request), ctx)


def _suite_request(given: Mapping[str, Any], ctx: typer.Context) -> SuiteRequest:
    from minecli.tasks.specs import resolve_tasks

    return SuiteRequest(tasks=resolve_tasks(given["tasks"]), seeds=seed_list(given["seeds"]), **shared_fields(given))


_FIG1 = of_fields(Fig1Request, None, "dims", "rhos", show_default=True)


@app.command("fig1", help=FIG1_HELP)
@takes(_FIG1, _SEEDS, _estimators(["mine", "mine-f", "ksg"]), _FRESH, _SHARED)
def fig1(ctx: typer.Context) -> None:
    run_command(BenchJob(Fig1Request, _fig1_request), ctx)


def _fig1_request(given: Mapping[str, Any], ctx: typer.Context) -> Fig1Request:
    return Fig1Request(**given_fields(given, _FIG1), **_figure_fields(given))


_FIG2 = of_fields(Fig2Request, None, "functions", "sigmas", "dim", "equal_snr", show_default=True)


@app.command("fig2", help=FIG2_HELP)
@takes(_FIG2, _SEEDS, _estimators(["mine"]), _FRESH, _SHARED)
def fig2(ctx: typer.Context) -> None:
    run_command(BenchJob(Fig2Request, _fig2_request), ctx)


def _fig2_request(given: Mapping[str, Any], ctx: typer.Context) -> Fig2Request:
    asked = given_fields(given, _FIG2)
    if "functions" in asked:
        asked["functions"] = tuple(names(asked["functions"]))
    return Fig2Request(**asked, **_figure_fields(given))


def _figure_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    seeds = numbers("seed", given["seed"], int)
    return {"seeds": seeds, "fresh": fresh_config(given), **shared_fields(given)}
