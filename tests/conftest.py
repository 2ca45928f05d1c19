"""What all tests share: the command line in-process, sample data, and a guard for state that outlives a test."""

from __future__ import annotations

import io
import json
import os
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "GOMP_SPINCOUNT")
# Before torch is loaded: threads that spin for long make the suite crawl on a busy machine.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores: one thread each.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


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


@pytest.fixture(scope="session")
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


MakeDigits = Callable[[int, int], Path]


@pytest.fixture(scope="session")
def classifier_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache for all tests of a session: what is made from the same images is trained once."""
    return tmp_path_factory.mktemp("classifiers")


@pytest.fixture
def make_digits(tmp_path: Path, classifier_cache: Path, monkeypatch: pytest.MonkeyPatch) -> MakeDigits:
    """`make_digits(400, 50)`: a folder with MNIST's four files of so many training and test images of noise, labelled
    0 to 9 in turn; classifiers go into the tests' own cache."""
    monkeypatch.setenv("MINECLI_CACHE_DIR", str(classifier_cache))

    def make(train: int, test: int) -> Path:
        folder, rng = tmp_path / "mnist-files", np.random.default_rng(0)
        folder.mkdir()
        for part, count in (("train", train), ("t10k", test)):
            images = rng.integers(256, size=(count, 28, 28)).astype(np.uint8)
            header = struct.pack(">4I", 2051, count, 28, 28)
            (folder / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
            labels = (np.arange(count) % 10).astype(np.uint8)
            header = struct.pack(">2I", 2049, count)
            (folder / f"{part}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
        return folder

    return make
