"""`minecli estimate`: the mutual information between two groups of columns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from minecli.cli import options as opt
from minecli.cli.delivery import Presentation, resolve_format
from minecli.cli.destinations import check_destinations
from minecli.cli.estimate_run import run_estimate
from minecli.cli.reading_options import reading_from, reads_a_table
from minecli.cli.request import Request, lasting_source
from minecli.cli.settings import check_settings, configs_from
from minecli.cli.streams import Streams
from minecli.cli.words import flag
from minecli.errors import UsageError
from minecli.estimators.registry import ESTIMATORS

EXAMPLE = "minecli estimate sample_data/gaussian_1d.parquet --x x0 --z z0 -e ksg"
HELP = f"""Estimate the mutual information I(X; Z) between two groups of columns of a table.

The verdict comes first: a number to believe, a lower limit, or why neither can be said. Below stand the estimators
that the kinds of the columns call for, or those named by -e, each with an uncertainty and reasons to doubt it.

Example: {EXAMPLE}
"""


@reads_a_table
def estimate(
    ctx: typer.Context,
    data: opt.DataParts = None,
    x: opt.XColumns = None,
    z: opt.ZColumns = None,
    estimator: opt.Estimators = None,
    preprocess: opt.Preprocess = None,
    confidence: opt.Confidence = Request.confidence,
    seed: opt.Seed = Request.seed,
    missing: opt.Missing = Request.missing,
    sample: opt.Sample = None,
    categorical: opt.Categorical = None,
    numeric: opt.Numeric = None,
    independent_rows: opt.IndependentRows = False,
    neighbours: opt.Neighbours = None,
    ksg_variant: opt.KsgVariant = None,
    ksg_jitter: opt.KsgJitter = None,
    table_correction: opt.TableCorrection = None,
    protocol: opt.Protocol = None,
    folds: opt.Folds = None,
    repeats: opt.Repeats = None,
    target_precision: opt.TargetPrecision = None,
    max_repeats: opt.MaxRepeats = None,
    max_steps: opt.MaxSteps = None,
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
    units: opt.Units = "nats",
    format: opt.Format = "auto",
    output: opt.Output = None,
    pointwise: opt.Pointwise = None,
    check: opt.Check = False,
    explain: opt.Explain = False,
    spreadsheet_safe: opt.SpreadsheetSafe = False,
    quiet: opt.Quiet = 0,
    device: opt.DeviceName = "auto",
    threads: opt.Threads = None,
    run_dir: opt.RunDir = None,
    resume: opt.Resume = None,
) -> None:
    given = dict(ctx.params)
    streams: Streams = ctx.obj
    streams.quiet = quiet
    chosen = resolve_format(format, streams, output)
    shown = Presentation(units, chosen, output, pointwise, check, explain, spreadsheet_safe)
    request = _request(given) if resume is None else _resumed(resume, ctx)
    _check_destinations(shown, request)
    code = run_estimate(request, shown, streams, device=device, threads=threads, run_dir=run_dir, resume=resume)
    raise typer.Exit(code)


SETTINGS = (
    "preprocess", "neighbours", "ksg_variant", "ksg_jitter", "table_correction", "protocol", "folds", "repeats",
    "target_precision", "max_repeats", "max_steps", "batch_size", "marginal_shifts", "hidden", "layers",
    "tower_layers", "weight_decay", "learning_rate", "ema_decay", "gaussian_base", "smile_clip", "precision",
)  # fmt: skip
# What goes into the request as it is.
_PLAIN = ("missing", "sample", "seed", "confidence", "independent_rows")
# What may be said again when a run is resumed: where to show the result and how fast to compute it, and,
# because standard input cannot be read twice, the data.
_ALLOWED_WITH_RESUME = {
    "data", "units", "format", "output", "pointwise", "check", "explain", "spreadsheet_safe", "quiet", "device",
    "threads", "resume",
}  # fmt: skip


def _check_destinations(shown: Presentation, request: Request) -> None:
    """Refuse a place that cannot or should not be written now, rather than after the work."""
    from minecli.report.pointwise import pointwise_format

    if shown.pointwise is not None:
        pointwise_format(shown.pointwise.name)
        if request.estimators and not any(ESTIMATORS[name].pointwise for name in request.estimators):
            asked = " and ".join(request.estimators)
            raise UsageError(f"--pointwise: {asked} has no value per row", hint="add -e mine or -e ksg")
    destinations = {"--output": shown.output, "--pointwise": shown.pointwise}
    check_destinations(destinations, request.source, [*request.x, *request.z])


def _request(given: dict[str, Any]) -> Request:
    """The request the options make; UsageError for what is lacking or does not fit together."""
    if not given["data"]:
        raise UsageError("no DATA is named", hint="minecli estimate FILE --x COLS --z COLS")
    for side in ("x", "z"):
        if not given[side]:
            raise UsageError(
                f"--{side} is missing: name the columns of {side.upper()}",
                hint=f"minecli columns {given['data'][0]} lists them",
            )
    if given["max_repeats"] is not None and given["target_precision"] is None:
        raise UsageError(
            "--max-repeats goes with --target-precision",
            hint=f"add it, or ask for --repeats {given['max_repeats']}",
        )
    settings = {name: given[name] for name in SETTINGS if given[name] is not None and given[name] != []}
    if not given["estimator"]:
        check_settings(settings)
    return Request(
        source=_source(given["data"], lasting=given["run_dir"] is not None),
        x=tuple(given["x"]),
        z=tuple(given["z"]),
        estimators=configs_from(given["estimator"], settings) if given["estimator"] else {},
        settings={} if given["estimator"] else settings,
        reading=reading_from(given),
        categorical=tuple(given["categorical"] or ()),
        numeric=tuple(given["numeric"] or ()),
        **{k: given[k] for k in _PLAIN},
    )


def _source(words: Sequence[str], *, lasting: bool) -> str | tuple[str, ...]:
    """The table that the words name, or its parts."""
    for word in words[1:]:
        if word != "-" and not any(sign in word for sign in "./*?[") and not os.path.exists(word):
            raise UsageError(
                f"'{word}' is no file and no option", hint="columns are separated by commas, as in --x a,b"
            )
    found = tuple(map(lasting_source, words)) if lasting else tuple(words)
    return found[0] if len(found) == 1 else found


def _resumed(path: Path, ctx: typer.Context) -> Request:
    """The request of the run in `path`; UsageError where options try to change it."""
    from minecli.runtime.run_directory import open_run

    changed = [
        name
        for name in ctx.params
        if name not in _ALLOWED_WITH_RESUME and "COMMANDLINE" in str(ctx.get_parameter_source(name))
    ]
    if changed:
        raise UsageError(
            f"--resume takes its settings from '{path}' and does not go with {', '.join(map(flag, changed))}",
            hint="leave them out, or start another run with --run-dir",
        )
    request = open_run(path).read_request(Request.from_json)
    if ctx.params["data"]:
        return replace(request, source=_source(ctx.params["data"], lasting=False))
    if request.source == "-":
        raise UsageError(
            "the data of this run came from standard input", hint=f"minecli estimate - --resume {path} < DATA"
        )
    return request
