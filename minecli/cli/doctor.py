"""`minecli doctor`: what this installation has, and why it lacks what it lacks."""

from __future__ import annotations

import importlib.util
import platform
import shutil
from typing import Any

import typer

from minecli.cli.options import takes
from minecli.cli.presentation import show_listing
from minecli.cli.shared_options import RESULT
from minecli.runtime.environment import LIBRARIES, version_of
from minecli.version import __version__

EXAMPLE = "minecli doctor --format json"
HELP = f"""Show versions, devices, threads and cluster engines found here, each with its reason.

Example: {EXAMPLE}
"""


@takes(RESULT)
def doctor(ctx: typer.Context) -> None:
    from minecli.report.formats import Views
    from minecli.report.listing import doctor_table
    from minecli.report.payload import envelope

    items = [*_versions(), *_devices(), *_engines()]
    payload = envelope("doctor", items=items)
    views = Views(
        payload=payload,
        table=lambda width, color: doctor_table(payload, width=width, color=color),
        records=lambda: items,
    )
    show_listing(views, ctx)


def _item(kind: str, name: str, value: str | None, reason: str) -> dict[str, Any]:
    return {"kind": kind, "name": name, "found": value is not None, "value": value or "not found", "reason": reason}


def _versions() -> list[dict[str, Any]]:
    own = [
        _item("version", "minecli", __version__, ""),
        _item("version", "python", platform.python_version(), platform.platform(terse=True)),
    ]
    return own + [_item("version", lib, version_of(lib), "") for lib in (*LIBRARIES, "typer", "rich", "matplotlib")]


def _devices() -> list[dict[str, Any]]:
    from minecli.runtime.device import cuda_devices, resolve_device, resolve_threads, why_no_cuda

    threads, auto = resolve_threads(), resolve_device("auto")
    gpus = [_item("device", f"cuda:{i}", name, "") for i, name in enumerate(cuda_devices())]
    return [
        _item("device", "cpu", platform.machine(), ""),
        *(gpus or [_item("device", "cuda", None, why_no_cuda())]),
        _item("device", "--device auto", auto.name, auto.reason),
        _item("threads", "--threads", str(threads.count), threads.reason),
    ]


def _engines() -> list[dict[str, Any]]:
    sbatch = shutil.which("sbatch")
    ray = importlib.util.find_spec("ray") is not None
    return [
        _item("engine", "local", "ready", "always there"),
        _item("engine", "slurm", sbatch, "sbatch is on the PATH" if sbatch else "sbatch is not on the PATH"),
        _item(
            "engine",
            "ray",
            version_of("ray") if ray else None,
            "importable" if ray else "the package ray is not installed",
        ),
    ]
