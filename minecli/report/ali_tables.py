"""The comparison of `minecli ali` as a table: one line per method, means over seeds with their standard errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minecli.foreign import legible_values
from minecli.report.method_tables import CLIPPED, any_clipped, caveats, settings_line
from minecli.report.number_formats import counted, mean_and_error, mean_share, three_digits
from minecli.report.text_tables import render, split_tables, texts

# The classifiers that reconstructions are measured by, themselves measured on originals held out.
_CLASSIFIERS = {
    "classifier_accuracy": "accuracy of the classifier of labels on originals",
    "classifier_balanced_accuracy": "balanced accuracy of the classifier of attributes on originals",
}


def ali_table(payload: Mapping[str, Any], *, width: int = 80, color: bool = False) -> str:
    """Methods by metrics, errors first, then what the metrics are, and what the numbers have to be read against.

    Metrics that do not fit beside the others follow in a table of their own below.
    """
    payload = legible_values(payload)
    measured, missing = _metrics(payload["methods"])
    methods = payload["methods"]
    references = payload["data"].get("references", {})
    clipped = ["clipped"] if any_clipped(payload) else []
    columns = {
        _words(name): _cells(methods, name) + [three_digits(values.get(name)) for values in references.values()]
        for name in [*measured, *clipped, "s"]
    }
    tables = split_tables("method", [*(entry["method"] for entry in methods), *references], columns, width)
    lines = [_headline(payload["config"], payload["data"])]
    lines += [f"{_words(name)}: {payload['definitions'][name]}" for name in measured if name in payload["definitions"]]
    if clipped:
        lines.append(CLIPPED)
    if references:
        lines.append(
            "noise: other samples in the place of reconstructions, normal noise in the place of fresh samples; "
            "real: the samples themselves"
        )
    if missing:
        lines.append(f"not measured here: {', '.join(map(_words, missing))}")
    lines += _facts(payload["data"])
    lines += caveats(payload) + _unfinished(payload["methods"])
    return render([*tables, *texts(lines)], width, color)


def _metrics(methods: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """The metrics that any method has a value of, errors first, and those that none has."""
    names = dict.fromkeys(name for entry in methods for name in entry["summary"])
    means = {n: [e["summary"][n]["mean"] for e in methods if n in e["summary"]] for n in names}
    measured = [name for name in names if any(mean is not None for mean in means[name])]
    # Sorting keeps the order of equals.
    return sorted(measured, key=lambda name: "error" not in name), [name for name in names if name not in measured]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cells(methods: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    if name == "s":
        return [f"{entry['seconds']:.0f}" for entry in methods]
    if name == "clipped":
        return [mean_share(entry.get("clipped_share")) for entry in methods]
    return [mean_and_error(entry["summary"].get(name)) for entry in methods]


def _headline(config: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    settings = config["config"]
    words = [f"{settings['steps']} steps", f"latent {settings['noise_dim'] + settings['code_dim']}"]
    words += [f"{settings['arch']} networks"] if "images" in data else []
    return settings_line(config, [*words, f"beta {settings['beta']:g}"], over_seeds=len(config["seeds"]) > 1)


def _facts(data: Mapping[str, Any]) -> list[str]:
    """What was learnt and what was held out, how well the classifiers do, and what was left out."""
    lines = []
    for what in ("row", "image"):
        if f"{what}s" in data:
            held_out = data.get(f"{what}s_held_out")
            split = "" if held_out is None else f", the metrics are of {held_out:,} held out"
            rule = f": {data['held_out']}" if data.get("held_out") else ""
            lines.append(f"{counted(data[f'{what}s'], what)} learnt{split}{rule}")
    for name, sentence in _CLASSIFIERS.items():
        if data.get(name) is not None:
            lines.append(f"{sentence}: {data[name]:.2%}")
    if data.get("label_compared"):
        lines.append(data["label_compared"])
    if data.get("skipped"):
        lines.append(f"{counted(data['skipped'], 'broken file')} left out")
    if data.get("rows_dropped"):
        lines.append(f"{counted(data['rows_dropped'], 'row')} with missing values left out")
    return [*lines, *data.get("notes", [])]


def _unfinished(methods: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"{entry['method']}: stopped at step {max(s['step'] for s in entry['seeds'])}"
        for entry in methods
        if not entry["finished"]
    ]
