"""The comparison of GANs as a table: one line per method, means over seeds with their standard errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minecli.report.tables import render


def gan_table(payload: Mapping[str, Any], *, width: int = 80, color: bool = False) -> str:
    """Methods by metrics, and a line on what was run."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    config = payload["config"]
    names = list(next((e["summary"] for e in payload["methods"] if e["summary"]), {}))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    table.add_column("method")
    for name in names:
        table.add_column(name.replace("_", " "), justify="right")
    table.add_column("s", justify="right")
    for entry in payload["methods"]:
        cells = [_cell(entry["summary"].get(name)) for name in names]
        table.add_row(entry["method"], *cells, f"{entry['seconds']:.0f}")
    seeds = len(config["seeds"])
    settings = config["config"]
    lines = [
        f"{config['dataset']}, preset {config['preset']}: {settings['steps']} steps, "
        f"{seeds} seed{'s' if seeds > 1 else ''}, latent {settings['noise_dim']} + {settings['code_dim']}, "
        f"beta {settings['beta']:g}; mean ± standard error over seeds"
    ]
    lines += [
        f"{entry['method']}: seed {s['seed']} diverged at step {s['broken_at_step']}"
        for entry in payload["methods"]
        for s in entry["seeds"]
        if s["broken_at_step"] is not None
    ]
    return render([table, Text(), *(Text(line) for line in lines)], width, color)


def _cell(value: Mapping[str, Any] | None) -> str:
    if value is None or value["mean"] is None:
        return "-"
    error = "" if value["standard_error"] is None else f" ± {value['standard_error']:.2g}"
    return f"{value['mean']:.3g}{error}"
