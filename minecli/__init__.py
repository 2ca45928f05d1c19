"""minecli: mutual information between column groups of a table, with a reason to believe the number or not.

>>> import minecli
>>> result = minecli.estimate(x=[0, 1] * 50, z=[1, 1, 0, 0] * 25, independent_rows=True)
>>> result.answer
'no dependence found'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from minecli.version import __version__

if TYPE_CHECKING:
    from minecli.api.estimation import estimate
    from minecli.api.result import Result
    from minecli.errors import DataError, DeviceError, MemoryShort, MinecliError, OutputError, UsageError
    from minecli.estimators.verdict import Verdict
    from minecli.events import Event
    from minecli.result import Diagnostic, Estimate, Interval

__all__ = [
    "DataError",
    "DeviceError",
    "Diagnostic",
    "Estimate",
    "Event",
    "Interval",
    "MemoryShort",
    "MinecliError",
    "OutputError",
    "Result",
    "UsageError",
    "Verdict",
    "__version__",
    "estimate",
]

# Where each name lives. It is imported when it is asked for, so that `import minecli` costs next to nothing.
_HOMES = {
    "estimate": "minecli.api.estimation",
    "Result": "minecli.api.result",
    "Event": "minecli.events",
    "Verdict": "minecli.estimators.verdict",
    **dict.fromkeys(("Diagnostic", "Estimate", "Interval"), "minecli.result"),
    **dict.fromkeys(
        ("DataError", "DeviceError", "MemoryShort", "MinecliError", "OutputError", "UsageError"), "minecli.errors"
    ),
}


if not TYPE_CHECKING:  # a type checker would take every name for one of the module's

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'minecli' has no attribute {name!r}")
        value = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
