"""The comparison of `minecli ib` as tables: errors, what is known about I(X;Z) and I(Z;Y), and the paired tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from minecli.foreign import legible_values
from minecli.report.confusion import confusion_columns, least_confused, number_lines
from minecli.report.method_tables import caveats, settings_line
from minecli.report.number_formats import NONE, counted, mean_and_error, p_value, two_digits
from minecli.report.text_tables import render, split_tables, texts

# From a column's head to its cells.
Columns = dict[str, list[str]]

_MEASURED = "I(X;Z) by MINE"
_ERRORS = {
    "error %": "error_percent",
    "last": "last_error_percent",
    "best (oracle)": "oracle_error_percent",
    "one draw": "one_draw_error_percent",
    "NLL": "nll_nats",
    "calibration error": "calibration_error",
}
# Of a target that is a number.
_NUMBER_ERRORS = {
    "RMSE": "rmse",
    "R²": "r2",
    "last": "last_rmse",
    "best (oracle)": "oracle_rmse",
    "one draw": "one_draw_rmse",
    "NLL": "nll_nats",
    "90 % interval covers": "coverage_90_percent",
    "interval error": "interval_error",
}
_INFORMATION = {
    "I(X;Z) in training": "information_in_training_nats",
    _MEASURED: "information_nats",
    "at least": "information_low_nats",
    "at most": "information_high_nats",
    "I(Z;Y) at least": "label_information_nats",
}
_IN_TRAINING = "I(X;Z) in training: by the network that the encoder is trained to evade; by MINE: by fresh networks"
_NOTES = (
    "error: at the chosen epoch, by averaged weights and mean probabilities of several draws; last: at the last epoch",
    "best (oracle): the least of the evaluations on the test rows, which no honest choice can know",
)


def ib_table(payload: Mapping[str, Any], *, width: int = 80, color: bool = False) -> str:
    """Methods by errors, then by information in nats, then against one of them on the same test rows."""
    payload = legible_values(payload)
    methods = payload["methods"]
    labels = [entry["method"] for entry in methods]
    confusion = least_confused(payload)
    tables = [
        *split_tables("method", labels, _known(_errors(payload)), width),
        *(split_tables(*confusion_columns(confusion), width) if confusion else []),
        *split_tables("method", labels, _known(_information(methods)), width),
        *split_tables(*_planes(methods), width),
        *split_tables(*_comparisons(payload.get("comparisons", [])), width),
    ]
    lines = [_headline(payload), *number_lines(payload), *_NOTES, *_status(methods)]
    if any("information_in_training_nats" in e["summary"] and e["method"].startswith("mine") for e in methods):
        lines.insert(1, _IN_TRAINING)
        lines += _of_the_paper(payload)
    return render([*tables, *texts(lines + caveats(payload))], width, color)


def _of_the_paper(payload: Mapping[str, Any]) -> list[str]:
    """What beta does not do by the paper's protocol, and what fresh networks find there."""
    if payload["config"]["config"].get("protocol") != "paper":
        return []
    found = [
        f"{e['summary']['information_in_training_nats']['mean']:.2g} in training and "
        f"{e['summary']['information_nats']['mean']:.2g} by fresh networks ({e['method']})"
        for e in payload["methods"]
        if e["method"].startswith("mine") and {"information_in_training_nats", "information_nats"} <= set(e["summary"])
    ]
    return [f"protocol paper: beta does not control I(X;Z) there, it is {', '.join(found)}"] if found else []


def _means(entries: Sequence[Mapping[str, Any]], keys: Mapping[str, str]) -> Columns:
    """The means of entries under the heads that `keys` gives them."""
    return {head: [mean_and_error(e["summary"].get(key)) for e in entries] for head, key in keys.items()}


def _starred(cells: Sequence[str], near_ceiling: Iterable[bool]) -> list[str]:
    """Cells with a star where a bound is close to its ceiling."""
    return [cell + "*" * near for cell, near in zip(cells, near_ceiling, strict=True)]


def _known(columns: Columns) -> Columns:
    """The columns that have any value."""
    return {head: cells for head, cells in columns.items() if any(cell != NONE for cell in cells)}


def _errors(payload: Mapping[str, Any]) -> Columns:
    methods = payload["methods"]
    if "target_deviation" in payload["data"]:
        columns = _means(methods, _NUMBER_ERRORS)
        shown = {name: columns.pop(name) for name in ("RMSE", "R²")}
    else:
        columns = _means(methods, _ERRORS)
        shown = {"error %": columns.pop("error %")}
        shown["test set ±"] = [two_digits(e.get("binomial_error_percent")) for e in methods]
        if payload["config"]["config"].get("class_weights", "none") != "none":
            shown |= _means(methods, {"balanced error %": "balanced_error_percent"})
    chosen = [e.get("choice") for e in methods]
    shown["beta"] = [f"{e['beta']:g}" if e.get("weighed") else NONE for e in methods]
    shown["epoch"] = [NONE if c is None else str(c["epoch"]) for c in chosen]
    return shown | columns | {"s": [f"{e['seconds']:.0f}" for e in methods]}


def _information(methods: Sequence[Mapping[str, Any]]) -> Columns:
    columns = _means(methods, _INFORMATION)
    return columns | {_MEASURED: _starred(columns[_MEASURED], map(_near_ceiling, methods))}


def _near_ceiling(entry: Mapping[str, Any]) -> bool:
    return any(s["information"]["near_ceiling"] for s in entry["seeds"] if s.get("information"))


def _planes(methods: Sequence[Mapping[str, Any]]) -> tuple[str, list[str], Columns]:
    """Every beta of every method, on the rows held back, where there are several."""
    points = [(e["method"], p) for e in methods if len(e["choosing"]) > 1 for p in e["choosing"]]
    rows = [f"{method}, beta {p['beta']:g}" for method, p in points]
    errors = {"held back: error %": "error_percent", "held back: RMSE": "rmse"}
    columns = _means([p for _, p in points], errors | _INFORMATION)
    columns[_MEASURED] = _starred(columns[_MEASURED], (p["near_ceiling"] for _, p in points))
    return "information plane", rows, _known(columns)


def _comparisons(comparisons: Sequence[Mapping[str, Any]]) -> tuple[str, list[str], Columns]:
    of_classes = all("mcnemar" in c for c in comparisons)
    what = "error %" if of_classes else "squared error, % of the variance,"
    columns = {
        f"{what} less the other's": [
            f"{c['difference_percent']:+.3f}±{c['standard_error_percent']:.3f}" for c in comparisons
        ],
        "p over test rows": [p_value(c["p_value"]) for c in comparisons],
    }
    if of_classes:
        mcnemar = [" ".join(p_value(pair["p_value"]) for pair in c["mcnemar"][:3]) for c in comparisons]
        columns["McNemar p per seed"] = mcnemar
    return "paired on the test rows", [f"{c['method']} against {c['reference']}" for c in comparisons], columns


def _headline(payload: Mapping[str, Any]) -> str:
    config, data = payload["config"], payload["data"]
    settings = config["config"]
    words = [f"{settings['epochs']} epochs", f"bottleneck of {settings['code_dim']}"]
    rows = f"; {counted(data['rows'], 'row')} learnt, {data['rows_tested']:,} tested"
    if data["rows_held_back"]:
        rows += f"; epoch and beta chosen on {data['rows_held_back']:,} of the rows, then all learnt"
    return settings_line(config, words, rows, over_seeds=len(config["seeds"]) > 1)


def _status(methods: Sequence[Mapping[str, Any]]) -> list[str]:
    """What to know about the measured information, and what was not finished."""
    measured = {e["method"]: [s["information"] for s in e["seeds"] if s.get("information")] for e in methods}
    lines = []
    if any(_near_ceiling(e) for e in methods):
        ceiling = next(i["ceiling_nats"] for each in measured.values() for i in each if i["near_ceiling"])
        lines.append(
            f"*: more than, or close to, the {ceiling:.3g} nats that so many held-out rows can certify; the truth may "
            "be far from it"
        )
    rising = [method for method, each in measured.items() if any(i["status"] == "max_steps" for i in each)]
    if rising:
        lines.append(f"the bound on I(X;Z) was still rising when its steps were used up: {', '.join(rising)}")
    return lines + [f"{e['method']}: stopped before its end" for e in methods if not e["finished"]]
