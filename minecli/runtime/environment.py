"""What the result was computed with: versions read from the installation, without importing anything for it."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any

from minecli.version import __version__

if TYPE_CHECKING:
    from minecli.runtime.device import Device, Threads

LIBRARIES = ("torch", "numpy", "scipy", "pyarrow")


def version_of(library: str) -> str | None:
    """The installed version of a library, None where it is not installed."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def environment_facts(device: Device, threads: Threads, seed: int | list[int]) -> dict[str, Any]:
    """Device and threads, each with the reason, versions and seed, or the seeds."""
    return {
        "device": device.name,
        "device_reason": device.reason,
        "threads": threads.count,
        "threads_reason": threads.reason,
        "seed": seed,
        "platform": platform.platform(terse=True),
        "versions": {
            "minecli": __version__,
            "python": platform.python_version(),
            **{library: version_of(library) for library in LIBRARIES},
        },
    }
