"""The comparison of GANs as a table: one line per method, means over seeds with their standard errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minecli.foreign import legible_values
from minecli.report.method_tables import caveats, settings_line
from minecli.report.number_formats import NONE, mean_and_error, three_digits
from minecli.report.text_tables import new_table, render, texts

_MOST_COLUMNS = 12


def gan_table(payload: Mapping[str, Any], *, width: int = 80, color: bool = False) -> str:
    """Methods by metrics, a line on what was run, and how generated rows compare with real ones.

    Args:
        payload: the run's JSON object.
        width: of the terminal, in columns.
        color: whether escape sequences for colours may stand in the text.
    """
    from rich.text import Text

    payload = legible_values(payload)
    config = payload["config"]
    names = list(next((e["summary"] for e in payload["methods"] if e["summary"]), {}))
    clipped = any((e.get("clipped_share") or {}).get("mean") is not None for e in payload["methods"])
    table = new_table(narrow=True)
    table.add_column("method")
    for name in (*names, *(["clipped"] if clipped else []), "s"):
        table.add_column(name.replace("_", " "), justify="right")
    for entry in payload["methods"]:
        cells = [mean_and_error(entry["summary"].get(name)) for name in names]
        cells += [_percent(entry.get("clipped_share"))] if clipped else []
        table.add_row(entry["method"], *cells, f"{entry['seconds']:.0f}")
    references = payload["data"].get("references", {})
    if references:
        table.add_section()
    for name, metrics in references.items():
        table.add_row(name, *(three_digits(metrics.get(metric)) for metric in names))
    settings = config["config"]
    words = [f"{settings['steps']} steps", f"latent {settings['noise_dim']} + {settings['code_dim']}"]
    lines = [settings_line(config, [*words, f"beta {settings['beta']:g}"], over_seeds=True)]
    if clipped:
        lines.append("clipped: steps at which the information's gradient was shortened to the adversarial one's length")
    lines += _facts(payload["data"]) + caveats(payload)
    reports = [part for entry in payload["methods"] if "report" in entry for part in (Text(), *_report(entry))]
    return render([table, Text(), *texts(lines), *reports], width, color)


def _percent(summary: Mapping[str, Any] | None) -> str:
    return NONE if summary is None or summary["mean"] is None else f"{summary['mean']:.0%}"


def _facts(data: Mapping[str, Any]) -> list[str]:
    """What the numbers have to be read against."""
    lines = []
    if "references" in data:
        lines.append("below the methods: untrained noise and held-out real data, measured alike")
    if "kl_floor_nats" in data:
        lines.append(
            f"of {data['modes']} modes, {data['samples']} samples; the KL of resampled MNIST labels is "
            f"{data['kl_floor_nats']:.4f} nats at this number of samples, and KLs at others do not compare; "
            f"classifier's accuracy on MNIST's test set {data['classifier_accuracy']:.2%}"
        )
    if "rows_held_out" in data:
        lines.append(f"{data['rows']} rows learnt, {data['rows_held_out']} held out for the reports below")
    return lines


def _report(entry: Mapping[str, Any]) -> list[Any]:
    """Generated rows of the first seed against held-out real ones."""
    from rich.text import Text

    report = entry["report"]
    table = new_table(narrow=True)
    for name in (f"{entry['method']}: column", "KS", "mean", "real", "std", "real", "Wasserstein"):
        table.add_column(name, justify="left" if name.endswith("column") else "right")
    columns = sorted(report["columns"], key=lambda c: -c["ks"])
    for c in columns[:_MOST_COLUMNS]:
        moments = (c["generated_mean"], c["real_mean"], c["generated_std"], c["real_std"])
        distance = NONE if c["wasserstein"] is None else f"{c['wasserstein']:.3g}"
        table.add_row(c["name"], f"{c['ks']:.3f}", *(f"{v:.4g}" for v in moments), distance)
    joint, lines = report["joint"], []
    if len(columns) > _MOST_COLUMNS:
        lines.append(f"the {_MOST_COLUMNS} most different of {len(columns)} columns")
    lines.append(
        f"jointly: energy distance {joint['energy_distance']:.3g} (by chance {joint['energy_by_chance']:.3g}, "
        f"p = {joint['energy_p_value']:.2g}); nearest neighbour of the same side {joint['same_sample_share']:.3f} "
        f"(by chance {joint['same_sample_by_chance']:.3f})"
    )
    if (gap := joint["correlation"]) is not None:
        lines.append(f"largest difference of correlations {gap['difference']:.3f}: {gap['first']}, {gap['second']}")
    return [table, Text(), *texts(lines)]
