import pytest

from minecli.cli.exit_codes import ExitCode, exit_code_of, explain
from minecli.errors import DataError, DeviceError, MinecliError, OutputError, UsageError


def test_the_codes_are_pinned():
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0,
        "INTERNAL": 1,
        "USAGE": 2,
        "DATA": 3,
        "DOUBTFUL": 4,
        "MISSING": 5,
        "PARTIAL": 6,
        "INTERRUPTED": 130,
        "BROKEN_PIPE": 141,
        "TERMINATED": 143,
    }


@pytest.mark.parametrize(
    ("kind", "code"), [(UsageError, 2), (DataError, 3), (DeviceError, 5), (OutputError, 5), (MinecliError, 1)]
)
def test_errors_and_codes(kind, code):
    assert exit_code_of(kind("x")) == code
    assert explain(kind("what", hint="do this")) == ("error: what (do this)", code)


def test_every_explained_error_has_a_code():
    for kind in MinecliError.__subclasses__():
        assert exit_code_of(kind("x")) != ExitCode.INTERNAL


class OutOfMemoryError(RuntimeError):
    """Named like torch's own."""


@pytest.mark.parametrize(
    ("problem", "line", "code"),
    [
        (KeyboardInterrupt(), "interrupted", 130),
        (MemoryError(), "error: out of memory (ask for fewer rows or columns, or a smaller network)", 5),
        (OutOfMemoryError("CUDA"), "error: out of memory (ask for fewer rows or columns, or a smaller network)", 5),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
            "error: out of memory (ask for fewer rows or columns, or a smaller network)",
            5,
        ),
        (OSError(28, "full"), "error: no space left on the disk (free some space)", 5),
        (TypeError("a\nb"), "internal error: TypeError: a (run again with --traceback and report it)", 1),
        (ValueError(), "internal error: ValueError:  (run again with --traceback and report it)", 1),
    ],
)
def test_the_unexplained(problem, line, code):
    assert explain(problem) == (line, code)


@pytest.mark.parametrize(("problem", "code"), [(TypeError("bug"), 1), (KeyboardInterrupt(), 130), (MemoryError(), 5)])
def test_the_boundary_lets_nothing_through(cli, monkeypatch, problem, code):
    def broken(*args, **kwargs):
        raise problem

    monkeypatch.setattr("minecli.tables.summary.describe_columns", broken)
    ran = cli("columns", "a.csv")
    assert ran.code == code
    assert ran.stdout == ""
    # Typer turns Ctrl-C into its code without a word, and a person who pressed it needs none.
    assert ran.stderr.count("\n") == (0 if code == 130 else 1)
