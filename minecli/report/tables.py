"""The payload as a table for people, laid out for 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minecli.foreign import legible_values, shortened
from minecli.report.text_tables import new_table, render, texts
from minecli.report.verdict import headline, reason
from minecli.units import from_nats

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

_STATUS_STYLE = {"converged": "green", "interrupted": "yellow", "max_steps": "yellow", "doubtful": "yellow"}


def estimate_table(payload: Mapping[str, Any], *, width: int = 80, color: bool = False, explain: bool = False) -> str:
    """The verdict, one row per estimator, and what speaks for or against each value; `explain` adds what the numbers
    mean."""
    from rich.text import Text

    payload = legible_values(payload)
    parts: list[RenderableType] = [
        _headline(payload["data"]),
        Text(),
        *_verdict(payload),
        Text(),
        _estimates(payload),
        *texts(_compositions(payload)),
    ]
    remarks = _remarks(payload)
    if remarks:
        parts += [Text(), *remarks]
    if explain:
        parts += [Text(), *_explanations(payload)]
    return render(parts, width, color)


def _verdict(payload: Mapping[str, Any]) -> list[Text]:
    from rich.text import Text

    verdict = payload["verdict"]
    style = "bold green" if verdict["trustworthy"] else "bold yellow"
    if verdict["answer"] == "cannot say":
        style = "bold red"
    return [Text(headline(payload), style=style), Text(reason(payload))]


def _estimates(payload: Mapping[str, Any]) -> Table:
    from rich.text import Text

    unit = payload["unit"]
    levels = {e["interval"]["level"] for e in payload["estimates"] if e["interval"]}
    table = new_table()
    table.add_column("estimator", no_wrap=True)
    table.add_column(f"MI in {unit}", justify="right", no_wrap=True)
    table.add_column("± s.e.", justify="right", no_wrap=True)
    table.add_column(f"{100 * min(levels):g}% interval" if levels else "interval", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    out = {entry["estimator"] for entry in payload["verdict"]["excluded"]}
    for entry in payload["estimates"]:
        status = _status(entry, entry["estimator"] in out)
        believed = entry["estimator"] == payload["verdict"]["estimator"]
        table.add_row(
            Text(entry["estimator"], style="bold" if believed else ""),
            Text(_number(entry[f"mi_{unit}"], entry["status"]), style="bold" if believed else ""),
            _number(entry[f"standard_error_{unit}"]),
            _ends(entry["interval"] or {}, unit),
            Text(status, style=_STATUS_STYLE.get(status, "red")),
            f"{entry['seconds']:.1f}",
        )
    return table


def _status(entry: Mapping[str, Any], excluded: bool) -> str:
    if entry["status"] != "converged":
        return str(entry["status"])
    if excluded:
        return "excluded"
    return "converged" if entry["trustworthy"] else "doubtful"


def _ends(interval: Mapping[str, Any], unit: str) -> str:
    low, high = interval.get(f"low_{unit}"), interval.get(f"high_{unit}")
    if low is None:
        return ""
    return f"{_number(low)} or more" if high is None else f"{_number(low)} to {_number(high)}"


def _number(value: float | None, status: str = "") -> str:
    if value is None:
        return "infinite" if status == "infinite" else "none" if status else ""
    return f"{value:.4f}"


def _headline(data: Mapping[str, Any]) -> Text:
    from rich.text import Text

    sides = [f"{s}: {_short(data[k]['columns'])} ({data[k]['dimensions']})" for s, k in (("X", "x"), ("Z", "z"))]
    rows = f"{data['n']:,} rows"
    if data["rows_sampled_from"]:
        rows += f" sampled from {data['rows_sampled_from']:,}"
    if data["rows_dropped"]:
        rows += f", {data['rows_dropped']:,} with missing values dropped"
    return Text(f"{data['source']}, {rows}\n{sides[0]}   {sides[1]}")


def _short(names: Sequence[str], most: int = 4) -> str:
    shown = names if len(names) <= most else [*names[:2], "...", names[-1]]
    return ", ".join(map(shortened, shown))


def _compositions(payload: Mapping[str, Any]) -> list[str]:
    """What part of a neural estimate its Gaussian start shows already."""
    unit, lines = payload["unit"], []
    for entry in payload["estimates"]:
        base, added = entry["details"].get("base_nats"), entry["details"].get("network_adds_nats")
        if base is not None and added is not None:
            # Rounded first, and 0.0 added: nothing is -0.000.
            start, more = (round(from_nats(nats, unit), 3) + 0.0 for nats in (base, added))
            name = entry["estimator"]
            lines.append(f"{name}: {start:.3f} {unit} from its Gaussian start, {more:+.3f} from the networks")
    return lines


def _remarks(payload: Mapping[str, Any]) -> list[Text]:
    """What is said of one estimate, and once what is said of all."""
    from rich.text import Text

    lines, mentioned = [], set()
    entries = payload["estimates"]
    for entry in entries:
        explained = any(d["code"] == "still-increasing" for d in entry["diagnostics"])
        if entry["status"] != "converged" and not explained:
            lines.append(Text(f"{entry['estimator']}: {_advice(entry['status'])}", style="yellow"))
        for d in entry["diagnostics"]:
            shared = sum(d in other["diagnostics"] for other in entries) > 1
            if d["message"] not in mentioned:
                lines.append(_diagnostic("" if shared else f"{entry['estimator']}: ", d))
            if shared:
                mentioned.add(d["message"])
    return lines


def _advice(status: str) -> str:
    from minecli.result import Status

    return Status(status).advice


def _diagnostic(prefix: str, diagnostic: Mapping[str, str]) -> Text:
    from rich.text import Text

    warning = diagnostic["severity"] == "warning"
    direction = diagnostic["direction"]
    towards = f"; {direction}" if warning and direction.startswith("too") else ""
    return Text(
        f"{'warning' if warning else 'note'}: {prefix}{diagnostic['message']} [{diagnostic['code']}{towards}]",
        style="yellow" if warning else "",
    )


def _explanations(payload: Mapping[str, Any]) -> list[Text]:
    """What the verdict's scale and the intervals mean."""
    lines = [
        "A nat is 1.443 bits. The correlation is that of a jointly Gaussian pair with as much information.",
        f"The verdict follows the rule '{payload['verdict']['rule']}'; `minecli docs trust` has all rules.",
    ]
    for entry in payload["estimates"]:
        interval = entry["interval"]
        if interval is None:
            continue
        certain = 50 * (1 + interval["level"])
        certified = f" The lower end alone holds at {certain:g} %." if interval["certified"] else ""
        opened = f" It is open above: {interval['open_because']}." if interval["open_because"] else ""
        lines.append(f"The interval of {entry['estimator']} covers {interval['covers']}.{certified}{opened}")
    return texts(lines, "dim")
