"""The Typer app and the one place where errors become lines and exit codes."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer

from minecli.cli import ali, bench, columns, docs, doctor, estimate, estimators, gan, ib, sample, tasks
from minecli.cli.exit_codes import ExitCode, explain
from minecli.cli.streams import ReaderGone, Streams
from minecli.version import __version__

# Typer keeps the parent of its own errors to itself; this is it, by way of a public name.
_COMMAND_LINE_ERROR: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")

# Set by the shell when it asks for completions; the command line is empty then.
_COMPLETION_VARIABLE = "_MINECLI_COMPLETE"

app = typer.Typer(
    name="minecli",
    help="Mutual information between groups of columns of a table, with a reason to believe the number or not.",
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("estimate", help=estimate.HELP)(estimate.estimate)
app.command("estimators", help=estimators.HELP)(estimators.estimators)
app.command("columns", help=columns.HELP)(columns.columns)
app.command("sample", help=sample.HELP)(sample.sample)
app.command("tasks", help=tasks.HELP)(tasks.tasks)
app.add_typer(bench.app, name="bench")
app.add_typer(gan.app, name="gan")
app.add_typer(ali.app, name="ali")
app.add_typer(ib.app, name="ib")
app.command("doctor", help=doctor.HELP)(doctor.doctor)
app.command("docs", help=docs.HELP)(docs.docs)


def _show_version(ctx: typer.Context, asked: bool) -> None:
    if asked:
        ctx.obj.result(f"minecli {__version__}\n")
        raise typer.Exit(ExitCode.DONE)


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and stop.", is_eager=True, callback=_show_version)
    ] = False,
    show_traceback: Annotated[
        bool, typer.Option("--traceback", help="Show the stack of an error (also: MINECLI_DEBUG=1).")
    ] = False,
) -> None:
    del (
        version,
        show_traceback,
    )  # dealt with: the one by its callback, the other by `run`, so that it may stand anywhere


@functools.cache
def _command() -> Any:
    """The app's commands with their options, read from signatures once for all that this process runs."""
    return typer.main.get_command(app)


def run(arguments: Sequence[str], streams: Streams) -> int:
    """Run the command line `arguments` on `streams` and answer with the exit code. Never exits, and raises nothing but
    what ends the program by a signal."""
    words = list(arguments)
    want_traceback = "--traceback" in words or streams.environment.get("MINECLI_DEBUG", "") not in ("", "0")
    words = [word for word in words if word != "--traceback"]
    if not words and _COMPLETION_VARIABLE not in streams.environment:
        # Help, but not as a result: a script that forgot its arguments must not take it for one.
        with contextlib.redirect_stdout(streams.stderr):
            _command()(args=["--help"], prog_name="minecli", standalone_mode=False, obj=streams)
        return ExitCode.USAGE
    try:
        code = _command()(args=words, prog_name="minecli", standalone_mode=False, obj=streams)
        return int(code or ExitCode.DONE)
    except _COMMAND_LINE_ERROR as problem:
        return _command_line_error(problem, streams)
    except typer.Abort:
        return ExitCode.INTERRUPTED
    except ReaderGone:
        return ExitCode.BROKEN_PIPE
    except (Exception, KeyboardInterrupt) as problem:
        if want_traceback:
            streams.stack(problem)
        line, code = explain(problem)
        streams.error(line)
        return code


def _command_line_error(problem: Any, streams: Streams) -> int:
    """One line for what the parser refuses."""
    context = getattr(problem, "ctx", None)
    command = context.command_path if context is not None else "minecli"
    message = problem.format_message().rstrip(".").replace("Value error, ", "")
    streams.error(f"error: {message} (see {command} --help)")
    return int(problem.exit_code)


def serve() -> int:
    """Run the command line of this process on its standard streams; the exit code. Stays quiet when the reader of a
    pipe has gone."""
    streams = Streams.standard()
    code = run(sys.argv[1:], streams)
    try:
        streams.stdout.flush()
    except OSError:
        # Python would complain about the same at exit; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), streams.stdout.fileno())
        code = code or ExitCode.BROKEN_PIPE
    return code


def main() -> NoReturn:
    """What `minecli.cli.start` runs, without its answer to signals."""
    sys.exit(serve())
