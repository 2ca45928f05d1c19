"""Out of memory, in the words of every library that says it; and what only sounds like it."""

import errno

import numpy as np
import pyarrow as pa
import pytest
import torch

from minecli.errors import DataError, MemoryShort
from minecli.runtime import out_of_memory
from minecli.runtime.out_of_memory import shortage_in


class OutOfMemoryError(RuntimeError):
    """Named like torch's own."""


def raised_from(problem, cause):
    try:
        raise problem from cause
    except Exception as caught:
        return caught


def raised_while_handling(problem, earlier):
    try:
        try:
            raise earlier
        except Exception:
            raise problem  # noqa: B904
    except Exception as caught:
        return caught


@pytest.mark.parametrize(
    "problem",
    [
        MemoryError(),
        pa.ArrowMemoryError("malloc of size 64 failed"),
        OutOfMemoryError("CUDA"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("std::bad_alloc"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        OSError("libgomp.so: cannot map: failed to map segment from shared object"),
        raised_from(DataError("cannot read 'a.csv'", hint="is the file whole?"), MemoryError()),
        raised_while_handling(KeyError("b"), RuntimeError("DefaultCPUAllocator: can't allocate memory")),
    ],
    ids=lambda problem: f"{type(problem).__name__}: {problem}",
)
def test_what_says_that_memory_ran_out(problem, monkeypatch):
    monkeypatch.setattr(out_of_memory, "address_space_limit", lambda: None)
    found = shortage_in(problem)
    assert isinstance(found, MemoryShort)
    assert str(found) == "out of memory (ask for fewer rows or columns, or a smaller network)"


@pytest.mark.parametrize(
    "problem",
    [
        RuntimeError("can't start new thread"),
        pa.lib.ArrowException("Unknown error: Failed to launch worker thread: Resource temporarily unavailable"),
    ],
)
def test_what_says_that_there_are_no_more_threads(problem):
    found = shortage_in(problem)
    assert "no other thread can be started" in found.problem
    assert found.hint == "try with OMP_NUM_THREADS=1"


@pytest.mark.parametrize(
    "problem",
    [
        TypeError("unsupported"),
        ValueError("CSV conversion error to double: invalid value 'out of memory'"),
        KeyError("out of memory"),
        DataError("column 'out of memory' holds text"),
        FileNotFoundError(errno.ENOENT, "No such file or directory", "out of memory.csv"),
        OSError(errno.ENOSPC, "No space left on device"),
        ImportError("libgomp.so.1: cannot allocate memory in static TLS block"),
        KeyboardInterrupt(),
    ],
    ids=lambda problem: f"{type(problem).__name__}: {problem}",
)
def test_what_does_not(problem):
    assert shortage_in(problem) is None


def test_an_explained_shortage_stays_as_it_is():
    explained = MemoryShort("the table needs 3 GB", hint="name fewer columns")
    assert shortage_in(explained) is explained
    assert shortage_in(raised_from(RuntimeError("the stage failed"), explained)) is explained


def test_a_cause_that_was_put_aside_does_not_count():
    assert shortage_in(raised_from(raised_while_handling(TypeError("x"), MemoryError()), None)) is None


def test_errors_that_lead_to_each_other_come_to_an_end():
    one, other = RuntimeError("a"), RuntimeError("b")
    one.__cause__, other.__cause__ = other, one
    assert shortage_in(one) is None


def test_a_limit_is_named(monkeypatch):
    monkeypatch.setattr(out_of_memory, "address_space_limit", lambda: 1_500_000_000)
    assert str(shortage_in(MemoryError())).startswith("out of memory: ulimit -v allows 1.5 GB (raise it, or ask for")


def test_what_the_libraries_really_raise():
    beyond = 2**50
    with pytest.raises(MemoryError) as of_numpy:
        np.empty(beyond)
    with pytest.raises(RuntimeError) as of_torch:
        torch.empty(beyond)
    with pytest.raises(MemoryError) as of_arrow:
        pa.allocate_buffer(beyond)
    for caught in (of_numpy, of_torch, of_arrow):
        assert shortage_in(caught.value) is not None
