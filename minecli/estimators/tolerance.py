"""How far off a value may be and still be called right."""

from __future__ import annotations

ABSOLUTE_NATS = 0.05
RELATIVE = 0.10


def tolerance_nats(mi_nats: float) -> float:
    """max(0.05 nats, 10 % of the value), in nats.

    >>> tolerance_nats(0.2), tolerance_nats(2.0)
    (0.05, 0.2)
    """
    return max(ABSOLUTE_NATS, RELATIVE * abs(mi_nats))
