"""What tables of compared methods share: the line on what was run, and the lines on what to be wary of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minecli.report.number_formats import counted

_QUICK = "the quick preset is small: it shows the effect, not what the methods can do"
_OVER_SEEDS = "; mean ± standard error over seeds"

CLIPPED = "clipped: steps at which the information's gradient was shortened to the adversarial one's length"


def settings_line(config: Mapping[str, Any], settings: Sequence[str], more: str = "", *, over_seeds: bool) -> str:
    """The data, the preset and the settings that every method shares, in one line.

    Args:
        config: of the run, with "dataset", "preset" and "seeds".
        settings: in words; the first is how long training took.
        more: what follows behind them.
        over_seeds: whether numbers in the table are means over seeds.

    >>> config = {"dataset": "mnist", "preset": "quick", "seeds": [0, 1]}
    >>> settings_line(config, ["5 epochs", "beta 1"], over_seeds=True)
    'mnist, preset quick: 5 epochs, 2 seeds, beta 1; mean ± standard error over seeds'
    """
    first, *others = settings
    words = ", ".join([first, counted(len(config["seeds"]), "seed"), *others])
    return f"{config['dataset']}, preset {config['preset']}: {words}{more}{_OVER_SEEDS if over_seeds else ''}"


def diverged(payload: Mapping[str, Any]) -> list[str]:
    """A line per seed that diverged.

    >>> seeds = [{"seed": 3, "broken_at_step": 70}, {"seed": 4, "broken_at_step": None}]
    >>> diverged({"methods": [{"method": "gan", "seeds": seeds}]})
    ['gan: seed 3 diverged at step 70']
    """
    return [
        f"{entry['method']}: seed {s['seed']} diverged at step {s['broken_at_step']}"
        for entry in payload["methods"]
        for s in entry["seeds"]
        if s["broken_at_step"] is not None
    ]


def any_clipped(payload: Mapping[str, Any]) -> bool:
    """Whether any method tells the share of steps at which the information's gradient was shortened."""
    return any((entry.get("clipped_share") or {}).get("mean") is not None for entry in payload["methods"])


def caveats(payload: Mapping[str, Any]) -> list[str]:
    """That the preset is small, where it is, and a line per seed that diverged.

    >>> caveats({"config": {"preset": "quick"}, "methods": []})
    ['the quick preset is small: it shows the effect, not what the methods can do']
    """
    return ([_QUICK] if payload["config"]["preset"] == "quick" else []) + diverged(payload)
