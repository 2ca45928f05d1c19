"""What `minecli gan` does with its request, and samples of a run that is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minecli.apps.gan.config import GanRequest
from minecli.cli.comparison_run import Application, check_table_destination, chosen_model, deliver_table
from minecli.cli.streams import Streams
from minecli.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from minecli.apps.ensembles.results import Arm
    from minecli.apps.gan.targets import Dataset
    from minecli.apps.gan.training import GanTraining
    from minecli.report.gan_figures import Cloud

    Arms = Sequence[Arm[GanTraining]]


def _load(*given: Any) -> Dataset | None:
    from minecli.apps.gan.targets import load_dataset

    return load_dataset(*given)


def _build(request: GanRequest, dataset: Dataset, method: str) -> GanTraining:
    from minecli.apps.gan.results import untrained

    return untrained(request, dataset, method)


def _entry(arm: Arm[GanTraining], dataset: Dataset) -> dict[str, Any]:
    from minecli.apps.gan.results import arm_entry

    return arm_entry(arm, dataset)


def _keep(folder: Path, payload: dict[str, Any], arms: Arms, dataset: Dataset) -> None:
    """The samples of all seeds, and the pictures."""
    import pyarrow as pa

    from minecli.apps.gan.results import picture_samples, sample_columns
    from minecli.report.gan_figures import pictures
    from minecli.runtime.writing import write_bytes
    from minecli.tasks.table_file import table_bytes

    for arm in arms:
        content = table_bytes(pa.table(sample_columns(arm, dataset)), "parquet")
        write_bytes(folder / f"samples-{arm.method}.parquet", content)
    clouds = [_cloud(f"{arm.method}, seed {arm.training.seeds[0]}", picture_samples(arm), dataset) for arm in arms]
    for name, content in pictures(_cloud("data", dataset.real_samples(), dataset), clouds, payload).items():
        write_bytes(folder / name, content)


def _cloud(title: str, samples: npt.NDArray[np.float32], dataset: Dataset) -> Cloud:
    from minecli.report.gan_figures import Cloud

    return Cloud(title, samples, None if dataset.table is None else dataset.table.restore(samples))


def _table(payload: dict[str, Any], *, width: int, color: bool) -> str:
    from minecli.report.gan_tables import gan_table

    return gan_table(payload, width=width, color=color)


GAN = Application("gan", _load, _build, _entry, _keep, _table)


def sample_run(
    folder: Path, rows: int, output: Path, streams: Streams, *, method: str | None, model: int | None, seed: int
) -> None:
    """Write samples of one model of a run, as they would be from the very generator that was kept."""
    from minecli.apps.gan.results import samples_of

    check_table_destination(output)
    if rows < 1:
        raise UsageError(f"-n is {rows}; it must be at least 1", hint="try -n 10000")
    request, method, model = chosen_model(folder, GanRequest, method, model)
    columns = samples_of(folder, request, method, model, rows, seed)
    deliver_table(columns, output, streams, f"{rows} samples of {method}, seed {model}")
