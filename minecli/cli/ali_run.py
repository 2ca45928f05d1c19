"""What `minecli ali` does with its request, and the encoders and generators of a run that is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minecli.apps.ali.config import AliRequest
from minecli.cli.comparison_run import Application, check_table_destination, chosen_model, deliver_table, read_with
from minecli.cli.streams import Streams
from minecli.errors import UsageError

if TYPE_CHECKING:
    from minecli.apps.ali.datasets import AliDataset
    from minecli.apps.ali.results import Coding
    from minecli.apps.ali.unseen import Inputs
    from minecli.apps.ensembles.results import Arm
    from minecli.report.ali_figures import MethodPictures
    from minecli.tables.missing import MissingPolicy

    Arms = Sequence[Arm[Coding]]


def _load(*given: Any) -> AliDataset | None:
    from minecli.apps.ali.datasets import load_dataset

    return load_dataset(*given)


def _build(request: AliRequest, dataset: AliDataset, method: str) -> Coding:
    from minecli.apps.ali.results import untrained

    return untrained(request, dataset, method)


def _entry(arm: Arm[Coding], dataset: AliDataset) -> dict[str, Any]:
    from minecli.apps.ali.results import arm_entry

    return arm_entry(arm, dataset)


def _keep(folder: Path, payload: dict[str, Any], arms: Arms, dataset: AliDataset) -> None:
    """The pictures."""
    from minecli.report.ali_figures import pictures
    from minecli.runtime.writing import write_bytes

    for name, content in pictures([_pictures(arm, dataset) for arm in arms], payload).items():
        write_bytes(folder / name, content)


def _pictures(arm: Arm[Coding], dataset: AliDataset) -> MethodPictures:
    from dataclasses import fields

    from minecli.apps.ali.results import shown_of
    from minecli.report.ali_figures import MethodPictures

    shown = shown_of(arm, dataset)
    parts = {part.name: getattr(shown, part.name) for part in fields(shown)}
    return MethodPictures(method=arm.method, title=f"{arm.method}, seed {arm.training.seeds[0]}", **parts)


def _table(payload: dict[str, Any], *, width: int, color: bool) -> str:
    from minecli.report.ali_tables import ali_table

    return ali_table(payload, width=width, color=color)


ALI = Application("ali", _load, _build, _entry, _keep, _table, lambda dataset: dataset.definitions)


def encode_data(
    folder: Path,
    data: str | None,
    output: Path,
    streams: Streams,
    *,
    data_root: Path | None,
    skip_broken: bool,
    missing: MissingPolicy | None,
    method: str | None,
    model: int | None,
) -> None:
    """Write data beside their codes."""
    from minecli.apps.ali.results import coded_columns, load_coder

    check_table_destination(output)
    request, method, model = chosen_model(folder, AliRequest, method, model)
    inputs = _inputs(folder, read_with(request, data, missing), data, data_root, streams, skip_broken)
    coder = load_coder(folder, request, method, model, inputs.shape)
    columns = coded_columns(inputs, coder, as_list=output.suffix == ".parquet")
    deliver_table(columns, output, streams, f"{len(inputs)} codes by {method}, seed {model}")


def _inputs(
    folder: Path, request: AliRequest, data: str | None, data_root: Path | None, streams: Streams, skip_broken: bool
) -> Inputs:
    from minecli.apps.ali.unseen import load_inputs

    inputs = load_inputs(folder, request, data, data_root, streams.stdin, skip_broken)
    for note in inputs.notes:
        streams.info(note)
    return inputs


def reconstruct_data(
    folder: Path,
    data: str | None,
    output: Path,
    streams: Streams,
    *,
    data_root: Path | None,
    skip_broken: bool,
    missing: MissingPolicy | None,
    method: str | None,
    model: int | None,
) -> None:
    """Write what becomes of data that are encoded and decoded."""
    from minecli.apps.ali.results import load_coder, reconstructed, write_images

    as_images = output.suffix == "" and str(output) != "-"
    if not as_images:
        check_table_destination(output)
    request, method, model = chosen_model(folder, AliRequest, method, model)
    if as_images and not request.is_images:
        raise UsageError(f"'{output}' has no ending, and rows make no images", hint="try -o again.parquet")
    inputs = _inputs(folder, read_with(request, data, missing), data, data_root, streams, skip_broken)
    coder = load_coder(folder, request, method, model, inputs.shape)
    again = reconstructed(inputs, coder)
    what = f"{len(inputs)} reconstructions by {method}, seed {model}"
    if as_images:
        write_images(again, inputs.names, output)
        streams.info(f"{what} in {output}")
    else:
        deliver_table(inputs.columns(again), output, streams, what)


def sample_run(
    folder: Path, rows: int, output: Path, streams: Streams, *, method: str | None, model: int | None, seed: int
) -> None:
    """Write fresh samples of one model of a run."""
    from minecli.apps.ali.results import load_coder
    from minecli.apps.ali.unseen import layout_of_run

    check_table_destination(output)
    if rows < 1:
        raise UsageError(f"-n is {rows}; it must be at least 1", hint="try -n 10000")
    request, method, model = chosen_model(folder, AliRequest, method, model)
    layout = layout_of_run(folder, request)
    samples = load_coder(folder, request, method, model, layout.shape).sample(rows, seed)
    deliver_table(layout.columns(samples.numpy()), output, streams, f"{rows} samples of {method}, seed {model}")
