"""What `minecli ib` does with its request, and the encoders of a run that is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minecli.apps.ib.config import IbRequest
from minecli.cli.comparison_run import Application, check_table_destination, chosen_model, deliver_table, read_with
from minecli.cli.streams import Streams

if TYPE_CHECKING:
    from minecli.apps.ib.choice import IbPhases
    from minecli.apps.ib.labelled_rows import Classified
    from minecli.apps.ib.results import IbArm
    from minecli.tables.missing import MissingPolicy


def _load(request: IbRequest, device: str, stdin: Any, observer: Any, should_stop: Any) -> Classified | None:
    from minecli.apps.ib.labelled_rows import load_classified

    del should_stop
    return load_classified(request, device, stdin, observer)


def _build(request: IbRequest, data: Classified, method: str) -> IbPhases:
    from minecli.apps.ib.choice import IbPhases

    return IbPhases(request, data, method)


def _entry(arm: IbArm, data: Classified) -> dict[str, Any]:
    from minecli.apps.ib.results import arm_entry

    return arm_entry(arm)


def _keep(folder: Path, payload: dict[str, Any], arms: Sequence[IbArm], data: Classified) -> None:
    """The pictures."""
    from minecli.apps.ib.results import scatter_of
    from minecli.report.ib_figures import pictures
    from minecli.runtime.writing import write_bytes

    scatters = [(s.method, s.codes, s.labels) for arm in arms if (s := scatter_of(arm)) is not None]
    for name, content in pictures(scatters, [str(name) for name in data.classes], payload).items():
        write_bytes(folder / name, content)


def _table(payload: dict[str, Any], *, width: int, color: bool) -> str:
    from minecli.report.ib_tables import ib_table

    return ib_table(payload, width=width, color=color)


def _definitions(data: Classified) -> dict[str, str]:
    from minecli.apps.ib.evaluation import DEFINITIONS

    return DEFINITIONS


def _across(arms: Sequence[IbArm]) -> dict[str, Any]:
    from minecli.apps.ib.results import comparisons

    return comparisons(arms)


IB = Application("ib", _load, _build, _entry, _keep, _table, _definitions, _across)


def encode_data(
    folder: Path,
    data: str | None,
    output: Path,
    streams: Streams,
    *,
    data_root: Path | None,
    missing: MissingPolicy | None,
    drawn: bool,
    method: str | None,
    model: int | None,
) -> None:
    """Write data beside their codes and what the classifier says of them."""
    from minecli.apps.ib.labelled_rows import load_inputs
    from minecli.apps.ib.results import coded_columns, load_coder

    check_table_destination(output)
    request, method, model = chosen_model(folder, IbRequest, method, model)
    coder = load_coder(folder, request, method, model)
    inputs = load_inputs(folder, read_with(request, data, missing), data, data_root, streams.stdin)
    columns = coded_columns(inputs, coder, drawn=drawn, as_list=output.suffix == ".parquet")
    deliver_table(columns, output, streams, f"{len(inputs)} codes by {method}, seed {model}")
