"""What all tests share: the command line in-process, sample data, and a guard for state that outlives a test."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "GOMP_SPINCOUNT")
# Before torch is loaded: threads that spin for long make the suite crawl on a busy machine.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")


@dataclass(frozen=True)
class Ran:
    """What one command left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


Cli = Callable[..., Ran]


@pytest.fixture
def cli() -> Cli:
    """Run `minecli` in this process: `cli("estimate", "a.csv", stdin=b"", terminal=False)`."""
    from minecli.cli.main import run
    from minecli.cli.streams import Streams

    def call(*words: str, stdin: bytes = b"", terminal: bool = False, environment: dict[str, str] | None = None) -> Ran:
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
        err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
        streams = Streams(
            stdin=io.BytesIO(stdin),
            stdout=out,
            stderr=err,
            stdout_is_terminal=terminal,
            stderr_is_terminal=terminal,
            environment=environment or {},
        )
        # A command changes its process's thread settings; the next one is to start as a new process would.
        before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
        code = run([str(word) for word in words], streams)
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        out.flush()
        err.flush()
        return Ran(code, out.buffer.getvalue().decode(), err.buffer.getvalue().decode())  # type: ignore[attr-defined]

    return call


@pytest.fixture
def seed() -> int:
    """The seed of statistical tests: fixed by default, any other by MINECLI_TEST_SEED."""
    return int(os.environ.get("MINECLI_TEST_SEED", "0"))


@pytest.fixture
def sample_data() -> Path:
    return ROOT / "sample_data"


@pytest.fixture(autouse=True)
def nothing_left_behind(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test works in an empty folder and leaves it empty; thread settings are put back, torch's defaults kept."""
    folder = tmp_path_factory.mktemp("cwd")
    monkeypatch.chdir(folder)
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else None
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    torch = sys.modules.get("torch")
    if torch is not None:
        if threads is not None:
            torch.set_num_threads(threads)
        assert torch.get_default_dtype() == torch.float32
    assert os.listdir(folder) == [], "files made in the working directory"
