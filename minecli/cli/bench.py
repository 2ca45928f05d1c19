"""`minecli bench`: estimators against known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from minecli import __version__
from minecli.bench.config import BenchRequest, Fig1Request, Fig2Request, FreshConfig, SuiteRequest
from minecli.cli import bench_options as bopt
from minecli.cli import options as opt
from minecli.cli.bench_run import Delivery, run_bench
from minecli.cli.delivery import deliver, resolve_format
from minecli.cli.settings import configs_from
from minecli.cli.streams import Streams
from minecli.cli.words import flag, names, numbers, seed_list
from minecli.errors import UsageError

HELP = "Estimators against known truth: the task suite, and figures 1 and 2 of the paper."
SUITE_EXAMPLE = "minecli bench suite --tasks 1v1-normal-0.75 -e ksg -n 500 --seeds 2"
FIG1_EXAMPLE = "minecli bench fig1 --dims 1,2 --rhos 0.5,0.9 -e ksg -n 500"
FIG2_EXAMPLE = "minecli bench fig2 --functions sine --sigmas 0.2,0.5 -e ksg -n 500"
SUITE_HELP = f"""Ask every estimator about every task, once per seed, and set the answers against the truth.

A task is named by its spec or by the group it belongs to; --list shows them.

Example: {SUITE_EXAMPLE}
"""
FIG1_HELP = f"""Figure 1 of the paper: correlated normal variables, estimates beside -d/2 ln(1 - rho^2).

Example: {FIG1_EXAMPLE}
"""
FIG2_HELP = f"""Figure 2 of the paper: f(x) plus noise, estimates beside the truth by quadrature.

Example: {FIG2_EXAMPLE}
"""

app = typer.Typer(help=HELP, rich_markup_mode="rich", context_settings={"help_option_names": ["-h", "--help"]})

# What may be said again when a run is resumed: where to show the result and how fast to compute it.
_ALLOWED_WITH_RESUME = {"format", "output", "quiet", "device", "threads", "together", "resume", "listed"}
_SETTINGS = (
    "preprocess", "neighbours", "folds", "repeats", "max_steps", "batch_size", "marginal_shifts", "hidden",
    "layers", "tower_layers", "weight_decay", "learning_rate", "ema_decay", "gaussian_base", "smile_clip", "precision",
)  # fmt: skip

Asked = TypeVar("Asked", bound=BenchRequest)


@app.command("suite", help=SUITE_HELP)
def suite(
    ctx: typer.Context,
    tasks: bopt.Tasks = ["public"],  # noqa: B006
    seeds: bopt.Seeds = "3",
    rows: bopt.Rows = SuiteRequest.rows,
    estimator: bopt.Estimators = ["mine", "ksg"],  # noqa: B006
    listed: Annotated[bool, typer.Option("--list", help="Show the tasks and their truth; ask nobody.")] = False,
    confidence: opt.Confidence = SuiteRequest.confidence,
    preprocess: opt.Preprocess = None,
    neighbours: opt.Neighbours = None,
    folds: opt.Folds = None,
    repeats: opt.Repeats = None,
    max_steps: bopt.Steps = None,
    batch_size: opt.BatchSize = None,
    marginal_shifts: opt.MarginalShifts = None,
    hidden: opt.Hidden = None,
    layers: opt.Layers = None,
    tower_layers: opt.TowerLayers = None,
    weight_decay: opt.WeightDecay = None,
    learning_rate: opt.LearningRate = None,
    ema_decay: opt.EmaDecay = None,
    gaussian_base: opt.GaussianBase = None,
    smile_clip: opt.SmileClip = None,
    precision: opt.Precision = None,
    format: opt.TableFormat = "auto",
    output: opt.Output = None,
    quiet: opt.Quiet = 0,
    device: opt.DeviceName = "auto",
    threads: opt.Threads = None,
    together: bopt.Together = None,
    run_dir: bopt.RunDir = None,
    resume: opt.Resume = None,
) -> None:
    from minecli.bench.suite import resolve_tasks

    if listed:
        raise typer.Exit(_list_tasks(resolve_tasks(tasks), ctx))
    if resume is not None:
        request = _resumed(SuiteRequest, resume, ctx)
    else:
        request = SuiteRequest(tasks=resolve_tasks(tasks), seeds=seed_list(seeds), **_shared(ctx))
    raise typer.Exit(_run(request, ctx))


@app.command("fig1", help=FIG1_HELP)
def fig1(
    ctx: typer.Context,
    dims: Annotated[str, typer.Option("--dims", metavar="D,D,...", help="Components of x and of z.")] = "1,2,20",
    rhos: Annotated[
        str, typer.Option("--rhos", metavar="R,R,...", help="Correlations; the paper's grid by default.")
    ] = ",".join(f"{rho:g}" for rho in Fig1Request.rhos),
    seed: bopt.SeedList = "0",
    rows: bopt.Rows = Fig1Request.rows,
    estimator: bopt.Estimators = ["mine", "mine-f", "ksg"],  # noqa: B006
    fresh: bopt.Fresh = False,
    evaluation_rows: bopt.EvaluationRows = FreshConfig.evaluation_rows,
    plain: bopt.Plain = False,
    confidence: opt.Confidence = Fig1Request.confidence,
    preprocess: opt.Preprocess = None,
    neighbours: opt.Neighbours = None,
    folds: opt.Folds = None,
    repeats: opt.Repeats = None,
    max_steps: bopt.Steps = None,
    batch_size: opt.BatchSize = None,
    marginal_shifts: opt.MarginalShifts = None,
    hidden: opt.Hidden = None,
    layers: opt.Layers = None,
    tower_layers: opt.TowerLayers = None,
    weight_decay: opt.WeightDecay = None,
    learning_rate: opt.LearningRate = None,
    ema_decay: opt.EmaDecay = None,
    gaussian_base: opt.GaussianBase = None,
    smile_clip: opt.SmileClip = None,
    precision: opt.Precision = None,
    format: opt.TableFormat = "auto",
    output: opt.Output = None,
    quiet: opt.Quiet = 0,
    device: opt.DeviceName = "auto",
    threads: opt.Threads = None,
    together: bopt.Together = None,
    run_dir: bopt.RunDir = None,
    resume: opt.Resume = None,
) -> None:
    if resume is not None:
        request = _resumed(Fig1Request, resume, ctx)
    else:
        request = Fig1Request(
            dims=numbers("dims", dims, int),
            rhos=numbers("rhos", rhos, float),
            seeds=numbers("seed", seed, int),
            fresh=_fresh(ctx),
            **_shared(ctx),
        )
    raise typer.Exit(_run(request, ctx))


@app.command("fig2", help=FIG2_HELP)
def fig2(
    ctx: typer.Context,
    functions: Annotated[
        str, typer.Option("--functions", metavar="F,F,...", help="identity, cubic, sine.")
    ] = "identity,cubic,sine",
    sigmas: Annotated[
        str, typer.Option("--sigmas", metavar="S,S,...", help="Standard deviations of the noise.")
    ] = ",".join(f"{sigma:g}" for sigma in Fig2Request.sigmas),
    dim: Annotated[int, typer.Option("--dim", metavar="D", help="Components of x and of z.")] = Fig2Request.dim,
    equal_snr: Annotated[
        bool, typer.Option("--equal-snr", help="Sigma in units of the standard deviation of f(x).")
    ] = False,
    seed: bopt.SeedList = "0",
    rows: bopt.Rows = Fig2Request.rows,
    estimator: bopt.Estimators = ["mine"],  # noqa: B006
    fresh: bopt.Fresh = False,
    evaluation_rows: bopt.EvaluationRows = FreshConfig.evaluation_rows,
    plain: bopt.Plain = False,
    confidence: opt.Confidence = Fig2Request.confidence,
    preprocess: opt.Preprocess = None,
    neighbours: opt.Neighbours = None,
    folds: opt.Folds = None,
    repeats: opt.Repeats = None,
    max_steps: bopt.Steps = None,
    batch_size: opt.BatchSize = None,
    marginal_shifts: opt.MarginalShifts = None,
    hidden: opt.Hidden = None,
    layers: opt.Layers = None,
    tower_layers: opt.TowerLayers = None,
    weight_decay: opt.WeightDecay = None,
    learning_rate: opt.LearningRate = None,
    ema_decay: opt.EmaDecay = None,
    gaussian_base: opt.GaussianBase = None,
    smile_clip: opt.SmileClip = None,
    precision: opt.Precision = None,
    format: opt.TableFormat = "auto",
    output: opt.Output = None,
    quiet: opt.Quiet = 0,
    device: opt.DeviceName = "auto",
    threads: opt.Threads = None,
    together: bopt.Together = None,
    run_dir: bopt.RunDir = None,
    resume: opt.Resume = None,
) -> None:
    if resume is not None:
        request = _resumed(Fig2Request, resume, ctx)
    else:
        request = Fig2Request(
            functions=tuple(names([functions])),
            sigmas=numbers("sigmas", sigmas, float),
            dim=dim,
            equal_snr=equal_snr,
            seeds=numbers("seed", seed, int),
            fresh=_fresh(ctx),
            **_shared(ctx),
        )
    raise typer.Exit(_run(request, ctx))


def _typed(ctx: typer.Context, name: str) -> bool:
    return "COMMANDLINE" in str(ctx.get_parameter_source(name))


def _shared(ctx: typer.Context) -> dict[str, Any]:
    """What the options say that all benchmarks have."""
    given = ctx.params
    configs = configs_from(names(given["estimator"]), {name: given[name] for name in _SETTINGS})
    if given["together"] is not None:
        bopt.check_together(given, configs)
    return {"rows": given["rows"], "confidence": given["confidence"], "estimators": configs}


def _fresh(ctx: typer.Context) -> FreshConfig | None:
    return bopt.fresh_config(ctx.params, lambda name: _typed(ctx, name))


def _resumed(kind: type[Asked], path: Path, ctx: typer.Context) -> Asked:
    """The request of the run in `path`; UsageError where options try to change it."""
    from minecli.runtime.run_directory import open_run

    changed = [name for name in ctx.params if name not in _ALLOWED_WITH_RESUME and _typed(ctx, name)]
    if changed:
        raise UsageError(
            f"--resume takes its settings from '{path}' and does not go with {', '.join(map(flag, changed))}",
            hint="leave them out, or start another run with --run-dir",
        )
    return open_run(path).read_request(kind.from_json)  # type: ignore[return-value]


def _run(request: BenchRequest, ctx: typer.Context) -> int:
    from minecli.runtime.writing import check_writable

    given, streams = ctx.params, ctx.obj
    streams.quiet = given["quiet"]
    output = given["output"]
    if output is not None:
        check_writable(output)

    places = {key: given[key] for key in ("device", "threads", "together", "run_dir", "resume")}
    return run_bench(request, Delivery(resolve_format(given["format"], streams, output), output), streams, **places)


def _list_tasks(specs: tuple[str, ...], ctx: typer.Context) -> int:
    """Show the tasks with their truth and their numbers of columns."""
    from minecli.bench.suite import describe
    from minecli.report import formats
    from minecli.report.bench_tables import list_table
    from minecli.report.payload import SCHEMA_VERSION
    from minecli.runtime.writing import check_writable

    streams: Streams = ctx.obj
    streams.quiet = ctx.params["quiet"]
    output = ctx.params["output"]
    chosen = resolve_format(ctx.params["format"], streams, output)
    if output is not None:
        check_writable(output)
    found = [describe(spec) for spec in specs]
    if chosen == "table":
        color = streams.color(output is None and streams.stdout_is_terminal)
        text = list_table(found, width=streams.width, color=color)
    elif chosen == "json":
        payload = {"schema_version": SCHEMA_VERSION, "tool": "minecli", "tool_version": __version__}
        text = formats.to_json(payload | {"command": "bench suite --list", "tasks": found})
    else:
        text = formats.to_csv(found) if chosen == "csv" else formats.to_ndjson(found)
    deliver(text, streams, output)
    return 0
