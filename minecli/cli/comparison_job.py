"""What `minecli gan`, `ali` and `ib` share: options, a job that trains methods, and models of runs that are done."""

from __future__ import annotations

import importlib
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

import typer

from minecli.apps.ensembles.config import ComparisonRequest
from minecli.cli.exit_codes import ExitCode
from minecli.cli.exporting import check_export, write_export
from minecli.cli.options import COLUMNS_HELP, Parameters, argument, of_fields, option, whole_option
from minecli.cli.presentation import Presentation, check_table_destination
from minecli.cli.reading_options import READING, announce_remote, reading_from
from minecli.cli.runs import Job, Work
from minecli.cli.shared_options import COMPUTING, DATA_PANEL, FOLDER, KINDS, QUIET, RESULT, ROWS, RUN, columns_option
from minecli.cli.words import flag, lasting_source, names, seed_list
from minecli.errors import UsageError
from minecli.settings import MOST_SEED

if TYPE_CHECKING:
    from minecli.apps.ensembles.results import Application, TrainedMethod
    from minecli.report.formats import Views
    from minecli.runtime.run_directory import RunDirectory
    from minecli.tables.missing import MissingPolicy

METHOD_PANEL = "Method"
TRAINING_PANEL = "Training"

Asked = TypeVar("Asked", bound=ComparisonRequest)


def data_options(help: str, named: Sequence[str], own: Parameters | None = None) -> Parameters:
    """DATA and what says which part of it is learnt."""
    return {
        "dataset": argument(str | None, help, "DATA", completions=lambda: named),
        "x": columns_option("--x", "-x", help=f"Columns of a table to learn: {COLUMNS_HELP}."),
        "data_root": option(
            Path | None, "Folder with the files of MNIST (otherwise fetched once) or CelebA.", "--data-root",
            panel=DATA_PANEL, metavar="DIR",
        ),
        **(own or {}),
        **{name: each for name, each in {**READING, **KINDS, **ROWS}.items() if name not in (own or {})},
    }  # fmt: skip


def method_options(
    methods: Sequence[str], presets: Any = Literal["quick", "paper"], default: str = "mine"
) -> Parameters:
    """Which methods, with which preset, from which seeds."""
    return {
        "method": option(
            list[str] | None, f"Separated by commas: {', '.join(methods)}; default {default}.", "--method",
            panel=METHOD_PANEL, metavar="NAMES", autocompletion=lambda: list(methods),
        ),
        "preset": option(presets, "What all the settings start from.", "--preset", default="quick", panel=METHOD_PANEL),
        "seeds": option(
            str | None, "How many (N: 0 to N-1), or which: 0,5,7. One: 5,", "--seeds", panel=METHOD_PANEL,
            metavar="SEEDS",
        ),
    }  # fmt: skip


def compare_option(help: str = "Train every method, on the same seeds.") -> Parameters:
    """--compare."""
    return {"compare": option(bool, help, "--compare", default=False, panel=METHOD_PANEL)}


def setting_options(config: Any, methods: Sequence[str], training: Sequence[str]) -> Parameters:
    """Options for fields of an application's config, in two panels; presets have their defaults."""
    return {**of_fields(config, METHOD_PANEL, *methods), **of_fields(config, TRAINING_PANEL, *training)}


ENDING: Parameters = {**RESULT, **COMPUTING, **FOLDER}

# What the commands on finished runs share.
MODEL: Parameters = {
    "method": option(str | None, "Which of the run's methods.", "--method", metavar="NAME"),
    "model": whole_option(
        "model", "Which of the run's seeds; default the first.", "--model", metavar="SEED", most=MOST_SEED
    ),
    **QUIET,
}
ONLY_X: Parameters = {
    "only_x": option(bool, "Beside the codes the columns of --x alone, not all of DATA.", "--only-x", default=False)
}
OTHER_DATA: Parameters = {
    **RUN,
    "data": argument(str | None, "Table, folder of images, or mnist, as the run's own.", "DATA"),
    "data_root": option(Path | None, "Folder with the files of MNIST.", "--data-root", metavar="DIR"),
    "missing": option(
        Literal["error", "drop"] | None, "Rows of DATA with missing values; default as in the run.", "--missing"
    ),
}


def asked_fields(
    given: Mapping[str, Any], kind: type[ComparisonRequest], default_seeds: Callable[[str], int]
) -> dict[str, Any]:
    """The fields of a request that do not depend on the application, of options by their names. What a run folder
    stores must hold from any folder: relative paths become absolute.

    Raises:
        UsageError: no data set, or seeds that are none.
    """
    dataset, root = given["dataset"], given["data_root"]
    if dataset is None:
        raise UsageError("no data set is named", hint=f"try minecli {kind.COMMAND} {kind.NAMED[0]}")
    lasting = given["run_dir"] is not None
    is_folder = kind.FOLDERS and dataset not in kind.NAMED and Path(dataset).is_dir()
    return {
        "dataset": lasting_source(dataset) if lasting and (given["x"] or is_folder) else dataset,
        "seeds": seed_list(given["seeds"] or str(default_seeds(dataset))),
        "preset": given["preset"],
        "data_root": None if root is None else str(root.resolve() if lasting else root),
        "x": tuple(given["x"] or ()),
        "reading": reading_from(given),
        **{name: given[name] or () for name in KINDS},
        **{name: given[name] for name in ROWS},
    }


def asked_settings(given: Mapping[str, Any], kind: type[ComparisonRequest], methods: Sequence[str]) -> dict[str, Any]:
    """What options say of the fields of a request's config; UsageError for one that no method has a use for."""
    known = {name: given[name] for name in (f.name for f in fields(kind.CONFIG)) if given.get(name) is not None}
    for name in known:
        users = kind.USED_BY.get(name, methods)
        if methods and not set(users) & set(methods):
            raise UsageError(
                f"{flag(name)} is for {' and '.join(users)}, and the methods are {', '.join(methods)}",
                hint=f"leave it out, or add --method {users[0]}",
            )
    return known


@dataclass
class Trained:
    """What a job's work has come to: the methods, and whether it was stopped on the way."""

    methods: list[TrainedMethod[Any]]
    stopped: bool = field(default=False)


class ComparisonJob(Job[Asked, Any, Trained], Generic[Asked]):
    """The training of methods beside each other; an application adds its request, its table and what it stores."""

    STOPS_LOADING: ClassVar[bool] = True
    SAID_AGAIN: ClassVar[frozenset[str]] = frozenset({"export"})

    @property
    def application(self) -> Application:
        """What the application computes, loaded when there is work."""
        module = importlib.import_module(f"minecli.apps.{self.command}.results")
        loaded: Application = module.APPLICATION
        return loaded

    def sources(self, request: Asked) -> str:
        return request.dataset if request.is_table else ""

    def selectors(self, request: Asked) -> Sequence[str]:
        return [*request.x, *request.categorical, *request.numeric]

    def load(self, request: Asked, work: Work) -> tuple[Asked, Any] | None:
        self._check_export(work)
        announce_remote(request.dataset, work.streams)
        stdin = work.streams.stdin
        dataset = self.application.load(request, work.device.name, stdin, work.observe, work.should_stop)
        return None if dataset is None else (request, dataset)

    def begin(self, request: Asked, dataset: Any, folder: RunDirectory) -> None:
        from minecli.apps.datasets.sample_columns import write_columns

        if dataset.table is not None:
            write_columns(folder.path, dataset.table, dataset.facts["fingerprint"])

    def compute(self, request: Asked, dataset: Any, work: Work) -> Trained:
        from minecli.apps.ensembles.results import run_methods

        build = partial(self.application.build, request, dataset)
        methods = run_methods(request, build, folder=work.path, observer=work.observe, should_stop=work.should_stop)
        return Trained(methods, len(methods) < len(request.methods) or not methods[-1].finished)

    def interrupted(self, trained: Trained, work: Work) -> str | None:
        if not trained.stopped:
            return None
        last = trained.methods[-1].training
        return f"interrupted at step {last.step} of {last.steps}"

    def payload(self, request: Asked, dataset: Any, trained: Trained, environment: Mapping[str, Any]) -> dict[str, Any]:
        from minecli.report.payload import method_payload, plain

        app = self.application
        content = method_payload(
            self.command,
            request.to_json(),
            environment,
            data=dataset.facts,
            methods=[app.entry(method, dataset) for method in trained.methods],
            interrupted=trained.stopped,
            definitions=app.definitions(dataset),
        )
        return {**content, **plain(app.across(trained.methods))}

    @abstractmethod
    def table(self, payload: dict[str, Any], width: int, color: bool) -> str:
        """The result as text."""

    def views(self, payload: dict[str, Any], shown: Presentation) -> Views:
        from minecli.report.formats import Views
        from minecli.report.payload import seed_records

        return Views(payload=payload, table=partial(self.table, payload), records=lambda: seed_records(payload))

    def told(self, payload: dict[str, Any], work: Work) -> int:
        """What is said of seeds that diverged. Where all of all methods did, there is nothing to trust, and no script
        should go on with it."""
        from minecli.report.method_tables import diverged

        lost, trained, shown = diverged(payload), sum(len(e["seeds"]) for e in payload["methods"]), work.shown
        if lost and len(lost) == trained and not payload["interrupted"]:
            work.streams.error(
                f"every model diverged: {lost[0]}{', ...' if lost[1:] else ''} "
                f"(try a smaller --learning-rate or --beta, or columns without extreme values)"
            )
            return ExitCode.DOUBTFUL
        # A table says it itself.
        if lost and (shown.format != "table" or shown.output is not None):
            work.streams.warn(f"{len(lost)} of {trained} models diverged: {'; '.join(lost)}")
        if work.given["export"] is not None and not payload["interrupted"]:
            self._export(work)
        return ExitCode.DONE

    def _check_export(self, work: Work) -> None:
        path, run = work.given["export"], work.given["run_dir"] or work.given["resume"]
        if path is not None and run is None:
            raise UsageError(
                f"--export {path} is written of what a run's folder holds, and none is named", hint="add --run-dir run"
            )
        if path is not None:
            check_export(path, "--export", run)

    def _export(self, work: Work) -> None:
        """Write the model that commands on the finished run would use."""
        self._check_export(work)
        assert work.path is not None
        request, method, model = _chosen_model(work.path, self.kind, {"method": None, "model": None})
        write_export(work.path, request, (method, model), work.given["export"], work.streams)


def opened_model(ctx: typer.Context, kind: type[Asked], *, table: bool = True) -> tuple[Asked, str, int]:
    """The model that a command on a finished run works with, see `_chosen_model`. Streams become as quiet as is asked
    for, and what the options ask for is looked at before the work.

    Args:
        table: whether --output names a table.

    Raises:
        UsageError: the place of the table is wrong, or no rows are asked for.
    """
    given = ctx.params
    ctx.obj.quiet = given["quiet"]
    if table:
        check_table_destination(given["output"], given.get("data"), given["run"])
    if given.get("rows", 1) < 1:
        raise UsageError(f"-n is {given['rows']}; it must be at least 1", hint="try -n 10000")
    return _chosen_model(given["run"], kind, given)


def export_model(ctx: typer.Context, kind: type[Asked], **how: str) -> None:
    """Write the model that `export` of an application names; `how` is what that may be told besides."""
    given = ctx.params
    check_export(given["output"], "--output", given["run"])
    request, method, model = opened_model(ctx, kind, table=False)
    write_export(given["run"], request, (method, model), given["output"], ctx.obj, **how)


def _chosen_model(folder: Path, kind: type[Asked], given: Mapping[str, Any]) -> tuple[Asked, str, int]:
    """The request of the run in `folder`, and the method and seed that are meant: those named, or the last method in
    the order of `METHODS`, and the first seed. UsageError where the run has no such one."""
    from minecli.runtime.run_directory import open_run

    request, method, model = open_run(folder).read_request(kind.from_stored), given["method"], given["model"]
    if method is None:
        method = max(request.methods, key=list(request.METHODS).index)
    elif method not in request.methods:
        raise UsageError(
            f"the run has no method '{method}'; it has {', '.join(request.methods)}",
            hint=f"try --method {request.methods[0]}",
        )
    seed = request.seeds[0] if model is None else model
    if seed not in request.seeds:
        raise UsageError(
            f"the run in '{folder}' has no model of seed {seed}; it has {', '.join(map(str, request.seeds))}",
            hint=f"try --model {request.seeds[0]}",
        )
    return request, method, seed


def read_with(request: Asked, data: str | None, missing: MissingPolicy | None) -> Asked:
    """A run's request as it reads other data: all rows of their own table, and with what is to become of missing values
    where that is said.

    Raises:
        UsageError: there are no other data, or no table of them.
    """
    if data is not None and request.is_table:
        # Which table of a file, and which rows, was said of the run's own data.
        request = replace(request, reading=replace(request.reading, where=None, sql=None, table=None))
    if missing is None:
        return request
    if data is None or not request.is_table:
        raise UsageError("--missing is for a table that is named", hint="leave it out")
    return replace(request, missing=missing)


def method_names(given: Mapping[str, Any], default: str = "mine") -> list[str]:
    """What --method names, or the default."""
    return names(given["method"] or []) or [default]
