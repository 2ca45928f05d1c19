"""Which device computes and how many threads it may use, each with the reason for the choice.

An asked-for device that is missing is an error, never a silent fallback; `auto` may choose, and says what and
why.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from minecli.errors import DeviceError, UsageError

# The files a driver makes for its devices: NVIDIA, NVIDIA under WSL, AMD. Looking for them costs nothing,
# while importing torch only to learn that there is no driver costs seconds.
_DEVICE_NODES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True)
class Device:
    """A device torch understands ("cpu", "cuda:0") and why it is this one."""

    name: str
    reason: str


@dataclass(frozen=True)
class Threads:
    """How many threads may compute at the same time and why."""

    count: int
    reason: str


def _driver_present() -> bool:
    return sys.platform != "linux" or any(os.path.exists(node) for node in _DEVICE_NODES)


def cuda_devices() -> tuple[str, ...]:
    """Names of the GPUs torch can use, in torch's order; empty where there is none."""
    if not _driver_present():
        return ()
    import torch

    if not torch.cuda.is_available():
        return ()
    return tuple(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))


def why_no_cuda() -> str:
    """One clause that says why there is no usable GPU."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in {"", "-1"}:
        return "CUDA_VISIBLE_DEVICES hides every GPU"
    if not _driver_present():
        return "no GPU driver was found on this machine"
    import torch

    if torch.version.cuda is None and torch.version.hip is None:
        return f"this torch ({torch.__version__}) is built for the CPU only"
    return "the driver shows no GPU that torch can use"


def resolve_device(asked: str) -> Device:
    """Turn `auto`, `cpu`, `cuda` or `cuda:N` into a device that exists.

    UsageError for any other word; DeviceError, naming what is there, for a GPU that is missing.

    >>> resolve_device("cpu")
    Device(name='cpu', reason='asked for')
    """
    if asked == "cpu":
        return Device("cpu", "asked for")
    match = re.fullmatch(r"auto|cuda(?::(\d+))?", asked)
    if match is None:
        raise UsageError(
            f"device '{asked}' is not known; allowed are auto, cpu, cuda and cuda:N", hint="try --device auto"
        )
    present = cuda_devices()
    if asked == "auto":
        if present:
            return Device("cuda:0", f"auto: {present[0]} is present")
        return Device("cpu", f"auto: {why_no_cuda()}")
    index = int(match.group(1) or 0)
    if not present:
        raise DeviceError(f"device '{asked}' is not available: {why_no_cuda()}", hint="try --device cpu")
    if index >= len(present):
        there = ", ".join(f"cuda:{i} ({name})" for i, name in enumerate(present))
        raise DeviceError(f"device '{asked}' is not available; there is {there}", hint="try --device cuda:0")
    return Device(f"cuda:{index}", f"asked for: {present[index]}")


def _cgroup_quota() -> int | None:
    """Whole cores a container's CPU quota grants, where one is set."""
    try:
        quota, period = _CGROUP_QUOTA.read_text(encoding="ascii").split()
        return None if quota == "max" else max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return None


def _cores() -> tuple[int, str]:
    if hasattr(os, "sched_getaffinity"):
        cores, reason = len(os.sched_getaffinity(0)), "cores this process may run on"
    else:
        cores, reason = os.cpu_count() or 1, "cores of this machine"
    quota = _cgroup_quota()
    return (quota, "cores granted by the container") if quota is not None and quota < cores else (cores, reason)


# More than any machine has.
MOST_THREADS = 65_536


def resolve_threads(asked: int | None = None, environment: Mapping[str, str] | None = None) -> Threads:
    """Decide the number of threads: what was asked, else the batch system's share, else OMP_NUM_THREADS, else
    all cores.

    UsageError where fewer than one is asked for.

    >>> resolve_threads(3)
    Threads(count=3, reason='asked for')
    >>> resolve_threads(environment={"SLURM_CPUS_PER_TASK": "2"}).reason
    'SLURM_CPUS_PER_TASK'
    """
    if asked is not None:
        if not 1 <= asked <= MOST_THREADS:
            limit = "at least 1" if asked < 1 else f"at most {MOST_THREADS}"
            raise UsageError(f"--threads is {asked}; it must be {limit}", hint="try --threads 1")
        return Threads(asked, "asked for")
    variables = os.environ if environment is None else environment
    for name in ("SLURM_CPUS_PER_TASK", "OMP_NUM_THREADS"):
        value = variables.get(name, "")
        if value.isascii() and value.isdigit() and 1 <= int(value) <= MOST_THREADS:
            return Threads(int(value), name)
    return Threads(*_cores())


def apply_threads(count: int) -> None:
    """Limit torch and the BLAS libraries to `count` threads, without importing torch for it.

    The environment is read when torch is imported; a torch that is there already is told directly.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(count)
    # OpenMP threads that spin while they wait fight the other jobs of a shared machine; threads that sleep at once
    # waste an idle one. Beside one busy process on two cores, 300 steps of training took 35 s with the default spin of
    # 300,000 rounds, 7 s with 10,000 and 3.6 s with none; on idle cores 2.3, 2.5 and 4.0 s. A user's own setting wins.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(count)
