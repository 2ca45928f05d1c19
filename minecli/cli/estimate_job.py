"""What is particular to `minecli estimate`: its request, what is done with the data, and what is said of the result."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from minecli.api.estimation import Surroundings, compute, secure_libraries_for
from minecli.api.request import EstimateRequest
from minecli.cli.exit_codes import ExitCode
from minecli.cli.presentation import Presentation
from minecli.cli.reading_options import announce_remote, reading_from
from minecli.cli.runs import Job, Work
from minecli.cli.settings import check_settings, configs_from, default_configs, settings_among
from minecli.cli.streams import Streams
from minecli.cli.words import lasting_source, names
from minecli.errors import UsageError
from minecli.estimators.registry import ESTIMATORS
from minecli.result import Status
from minecli.runtime.state_files import ESTIMATE

if TYPE_CHECKING:
    from minecli.api.result import Result
    from minecli.estimators.facts import Facts
    from minecli.report.formats import Views
    from minecli.runtime.run_directory import RunDirectory
    from minecli.tables.groups import Groups

# What goes into the request as it is.
_PLAIN = ("categorical", "numeric", "missing", "sample", "seed", "confidence", "independent_rows")


@dataclass
class Read:
    """The data and what they are; no facts where a side is constant."""

    groups: Groups
    facts: Facts | None


class EstimateJob(Job[EstimateRequest, Read, "Result"]):
    """A partial result is stored, too: it bears its status."""

    kind = EstimateRequest
    RESULT = ESTIMATE
    STORES_PARTIAL = True
    SAID_AGAIN = frozenset({"data"})  # because standard input cannot be read twice

    def request(self, given: Mapping[str, Any], ctx: typer.Context) -> EstimateRequest:
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
        settings, asked = settings_among(given), names(given["estimator"] or [])
        if not asked:
            check_settings(settings)
        return EstimateRequest(
            source=_source(given["data"], lasting=given["run_dir"] is not None),
            x=tuple(given["x"]),
            z=tuple(given["z"]),
            estimators=configs_from(asked, settings) if asked else {},
            settings={} if asked else settings,
            reading=reading_from(given),
            **{name: given[name] for name in _PLAIN if given[name] is not None},
        )

    def resumed(self, request: EstimateRequest, given: Mapping[str, Any], path: Path) -> EstimateRequest:
        if given["data"]:
            return replace(request, source=_source(given["data"], lasting=False))
        if request.source == "-":
            raise UsageError(
                "the data of this run came from standard input", hint=f"minecli estimate - --resume {path} < DATA"
            )
        return request

    def seeds_of(self, request: EstimateRequest) -> int:
        return request.seed

    def sources(self, request: EstimateRequest) -> str | Sequence[str]:
        return request.source

    def selectors(self, request: EstimateRequest) -> Sequence[str]:
        return [*request.x, *request.z]

    def check(self, request: EstimateRequest, shown: Presentation) -> None:
        from minecli.report.pointwise import pointwise_format

        if shown.pointwise is not None:
            pointwise_format(shown.pointwise.name)
            if request.estimators and not any(ESTIMATORS[name].pointwise for name in request.estimators):
                asked = " and ".join(request.estimators)
                raise UsageError(f"--pointwise: {asked} has no value per row", hint="add -e mine or -e ksg")

    def load(self, request: EstimateRequest, work: Work) -> tuple[EstimateRequest, Read]:
        announce_remote(request.source, work.streams)
        secure_libraries_for(request, work.threads)
        from minecli.estimators.choice import choice_sentence
        from minecli.estimators.table_facts import facts_of

        groups = request.load(work.streams.stdin)
        for note in groups.notes:
            work.streams.info(note)
        facts = facts_of(groups, ordered=not request.independent_rows)
        if facts is not None and not request.estimators:
            work.streams.info(choice_sentence(facts))
        return request.resolved(facts, lambda chosen: default_configs(chosen, request.settings)), Read(groups, facts)

    def begin(self, request: EstimateRequest, data: Read, folder: RunDirectory) -> None:
        from minecli.runtime.checkpoint import fingerprint

        folder.remember_data(fingerprint({}, data.groups.x.values, data.groups.z.values))

    def compute(self, request: EstimateRequest, data: Read, work: Work) -> Result:
        surroundings = Surroundings(
            device=work.device,
            threads=work.threads,
            observer=work.observe,
            should_stop=work.should_stop,
            checkpoint_of=None if work.folder is None else work.folder.checkpoint_path,
        )
        return compute(request, data.groups, surroundings, data.facts)

    def interrupted(self, result: Result, work: Work) -> str | None:
        return "interrupted: the result is partial" if work.should_stop() else None

    def payload(
        self, request: EstimateRequest, data: Read, result: Result, environment: Mapping[str, Any]
    ) -> dict[str, Any]:
        return result.to_dict()

    def store(self, folder: Path, payload: dict[str, Any], data: Read, result: Result) -> None:
        """The learning curve, where some estimator learned."""
        from minecli.report.figures import curves_from, learning_curve
        from minecli.runtime.run_directory import RunDirectory, read_events
        from minecli.runtime.writing import write_bytes

        run = RunDirectory(folder)
        curves = curves_from(read_events(run.events_path))
        if curves:
            write_bytes(run.figure_path, learning_curve(curves, payload))

    def views(self, payload: dict[str, Any], shown: Presentation) -> Views:
        from minecli.report.formats import Views, estimate_records, estimate_value
        from minecli.report.payload import with_unit
        from minecli.report.tables import estimate_table

        in_unit = with_unit(payload, shown.unit)
        return Views(
            payload=in_unit,
            table=lambda width, color: estimate_table(in_unit, width=width, color=color, explain=shown.explain),
            records=lambda: estimate_records(in_unit),
            value=lambda: estimate_value(in_unit),
        )

    def end(self, payload: dict[str, Any], data: Read, result: Result, work: Work) -> int:
        code = self.told(payload, work)
        if work.shown.pointwise is not None:
            _write_pointwise(work.shown.pointwise, result, work.streams)
        if result.failure is not None:
            raise result.failure
        return code

    def told(self, payload: dict[str, Any], work: Work) -> int:
        from minecli.report.payload import with_unit
        from minecli.report.verdict import headline

        shown, streams = work.shown, work.streams
        payload = with_unit(payload, shown.unit)
        if shown.format != "table" or shown.output is not None:
            _warn(payload, streams)
        if shown.check and not payload["verdict"]["trustworthy"]:
            streams.error(f"check failed: {headline(payload)}")
            return ExitCode.DOUBTFUL
        return ExitCode.DONE


def _source(words: Sequence[str], *, lasting: bool) -> str | tuple[str, ...]:
    """The table that the words name, or its parts."""
    for word in words[1:]:
        if word != "-" and not any(sign in word for sign in "./*?[") and not os.path.exists(word):
            raise UsageError(
                f"'{word}' is no file and no option", hint="columns are separated by commas, as in --x a,b"
            )
    parts = tuple(map(lasting_source, words)) if lasting else tuple(words)
    return parts[0] if len(parts) == 1 else parts


def _write_pointwise(path: Path, result: Result, streams: Streams) -> None:
    from minecli.report.pointwise import pointwise_bytes
    from minecli.runtime.writing import write_bytes

    terms = {e.estimator: e.pointwise_nats for e in result.estimates if e.pointwise_nats is not None}
    if not terms:
        asked = ", ".join(e.estimator for e in result.estimates)
        raise UsageError(f"--pointwise: {asked} gave no value per row, so '{path}' was not written", hint="add -e mine")
    assert result.row_numbers is not None
    write_bytes(path, pointwise_bytes(path.name, result.row_numbers, terms))
    streams.info(f"wrote {path}: one line per row, from {' and '.join(terms)}")


def _warn(payload: dict[str, Any], streams: Streams) -> None:
    """Say on stderr what a table would have said: the verdict and the doubts."""
    from minecli.report.verdict import headline, reason

    for entry in payload["estimates"]:
        for d in entry["diagnostics"]:
            if d["severity"] == "warning":
                streams.warn(f"{entry['estimator']}: {d['message']} [{d['code']}]")
        if entry["status"] not in ("converged", "interrupted"):
            streams.warn(f"{entry['estimator']}: {Status(entry['status']).advice} [{entry['status']}]")
    say = streams.info if payload["verdict"]["trustworthy"] else streams.warn
    say(f"{headline(payload)} {reason(payload)}")
