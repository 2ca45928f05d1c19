"""What is particular to a benchmark: its request, its cells, and what its records amount to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from minecli.bench.config import BenchRequest, FreshConfig
from minecli.cli.exit_codes import ExitCode
from minecli.cli.presentation import Presentation
from minecli.cli.runs import Job, Work
from minecli.cli.settings import configs_from, settings_among
from minecli.cli.words import flag, names
from minecli.errors import UsageError
from minecli.mine.config import TrainingConfig
from minecli.runtime.environment import version_of
from minecli.version import __version__

if TYPE_CHECKING:
    from minecli.bench.cells import Cell
    from minecli.bench.plan import Plan
    from minecli.bench.records import Record
    from minecli.report.formats import Views

_VERSIONS = ("torch", "numpy", "scipy")


def shared_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request that all benchmarks have; a value that was not given has its default."""
    configs = configs_from(names(given["estimator"]), settings_among(given))
    if not configs:
        raise UsageError("-e names no estimator", hint="try -e ksg")
    if given["together"] is not None:
        _check_together(given, configs)
    plain = {name: given[name] for name in ("rows", "confidence") if given[name] is not None}
    return {**plain, "estimators": configs}


def _check_together(given: Mapping[str, Any], configs: Mapping[str, Any]) -> None:
    if given["together"] < 1:
        raise UsageError(f"--together is {given['together']}; it must be at least 1", hint="try --together 8")
    if given.get("fresh"):
        raise UsageError(
            "--together is for samples of fixed size", hint="leave it out: --fresh trains all cells together"
        )
    if not any(isinstance(config, TrainingConfig) for config in configs.values()):
        asked = " and ".join(configs)
        raise UsageError(
            f"--together is for the neural estimators, not for {asked}", hint="leave it out, or add -e mine"
        )


def fresh_config(given: Mapping[str, Any]) -> FreshConfig | None:
    """The fresh regime the options ask for, None for samples of fixed size; UsageError where they do not fit."""
    if given["fresh"]:
        for name in ("folds", "repeats", "weight_decay"):
            if given[name] is not None:
                raise UsageError(f"{flag(name)} is for samples of fixed size", hint="leave it out, or --fresh")
        for name in ("gaussian_base", "preprocess", "tower_layers"):
            if given["plain"] and given[name] is not None:
                raise UsageError(f"{flag(name)} does not go with --plain", hint="leave one of them out")
        rows = {} if given["evaluation_rows"] is None else {"evaluation_rows": given["evaluation_rows"]}
        return FreshConfig(plain=given["plain"], **rows)
    for name in ("plain", "evaluation_rows"):
        if given[name]:
            raise UsageError(f"{flag(name)} goes with --fresh", hint="add --fresh, or leave it out")
    return None


class BenchJob(Job[BenchRequest, "list[Cell]", "Plan"]):
    """A benchmark whose options `request` reads."""

    def __init__(
        self, kind: type[BenchRequest], request: Callable[[Mapping[str, Any], typer.Context], BenchRequest]
    ) -> None:
        self.kind, self._request = kind, request
        self._told = False

    def request(self, given: Mapping[str, Any], ctx: typer.Context) -> BenchRequest:
        return self._request(given, ctx)

    def load(self, request: BenchRequest, work: Work) -> tuple[BenchRequest, list[Cell]]:
        return request, request.cells()

    def compute(self, request: BenchRequest, cells: list[Cell], work: Work) -> Plan:
        from minecli.bench.plan import Plan
        from minecli.estimators.context import Context

        self._told = work.shown.streams_lines

        def tell(record: Record) -> None:
            if self._told:
                work.streams.result(_line(record))

        plan = Plan(cells, work.path, tell)
        if plan.done:
            done = len(cells) - len(plan.left)
            work.streams.info(f"{done} of {len(cells)} cells are done already in '{work.path}'")
        context = Context(
            device=work.device.name,
            threads=work.threads.count,
            confidence=request.confidence,
            observer=work.observe,
            should_stop=work.should_stop,
        )
        versions = {"minecli": __version__} | {name: version_of(name) or "" for name in _VERSIONS}
        plan.work(request, context, versions, work.given["together"])
        return plan

    def interrupted(self, plan: Plan, work: Work) -> str | None:
        if not work.should_stop():
            return None
        return f"interrupted: {len(plan.records)} of {len(plan.cells)} cells are done"

    def payload(
        self, request: BenchRequest, cells: list[Cell], plan: Plan, environment: Mapping[str, Any]
    ) -> dict[str, Any]:
        from minecli.bench.summary import by_estimator, by_task
        from minecli.report.payload import bench_payload

        return bench_payload(
            request.to_json(),
            environment,
            cells=len(cells),
            tasks=[asdict(row) for row in by_task(plan.records)],
            estimators=[asdict(row) for row in by_estimator(plan.records)],
            records=[record.to_json() for record in plan.records],
        )

    def is_finished(self, payload: Mapping[str, Any], folder: Path) -> bool:
        from minecli.bench.records import latest, read_records
        from minecli.runtime.state_files import RECORDS

        # The records decide what is left.
        records = latest(read_records(folder / RECORDS)).values()
        return len(records) >= payload["cells"] and not any(record.failed for record in records)

    def store(self, folder: Path, payload: dict[str, Any], cells: list[Cell], plan: Plan) -> None:
        from minecli.report.bench_figures import pictures
        from minecli.report.bench_tables import bench_markdown
        from minecli.report.formats import to_csv
        from minecli.report.payload import answer_records
        from minecli.runtime.writing import write_bytes, write_text

        write_text(folder / "table.csv", to_csv(answer_records(payload)))
        write_text(folder / "table.md", bench_markdown(payload))
        for name, content in pictures(payload).items():
            write_bytes(folder / name, content)

    def views(self, payload: dict[str, Any], shown: Presentation) -> Views:
        from minecli.report.bench_tables import bench_table
        from minecli.report.formats import Views
        from minecli.report.payload import answer_records

        return Views(
            payload=payload,
            table=lambda width, color: bench_table(payload, width=width, color=color),
            records=lambda: answer_records(payload),
            lines=lambda: [] if self._told else payload["records"],
        )

    def end(self, payload: dict[str, Any], cells: list[Cell], plan: Plan, work: Work) -> int:
        if payload["cells_failed"] and not work.should_stop():
            failed = f"{payload['cells_failed']} of {payload['cells']} cells failed; the rest is done"
            work.streams.error(failed)
            return ExitCode.PARTIAL
        return ExitCode.DONE


def _line(record: Record) -> str:
    from minecli.report.formats import to_ndjson
    from minecli.report.payload import plain

    return to_ndjson([plain(record.to_json())])
