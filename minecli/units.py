"""Nats inside, always; bits only on the way out."""

from __future__ import annotations

import math
from typing import Literal

Unit = Literal["nats", "bits"]

NATS_PER_BIT = math.log(2.0)


def from_nats(value: float, unit: Unit) -> float:
    """Express a value given in nats in `unit`; 1 bit is ln 2 nats.

    >>> from_nats(math.log(8.0), "bits")
    3.0
    >>> from_nats(0.5, "nats")
    0.5
    """
    return value if unit == "nats" else value / NATS_PER_BIT
