"""Cells answered one after the other by the ordinary estimators, each on its own sample."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from minecli import events
from minecli.bench.cells import Cell, draw
from minecli.bench.records import Record, failed_record, record_of
from minecli.errors import MinecliError
from minecli.estimators.context import Context
from minecli.estimators.running import run_estimators
from minecli.result import Status

if TYPE_CHECKING:
    from minecli.bench.cells import Array

OnRecord = Callable[[Record], None]


class Samples:
    """The data of the cell asked for; the last are kept, because all estimators of a task and seed share them."""

    def __init__(self) -> None:
        self._of: tuple[int, int] | None = None
        self._data: tuple[Array, Array] | None = None

    def __call__(self, cell: Cell) -> tuple[Array, Array]:
        if self._data is None or self._of != (cell.data_seed, cell.rows):
            self._data, self._of = draw(cell), (cell.data_seed, cell.rows)
        return self._data


def run_cells(
    cells: Sequence[Cell],
    configs: Mapping[str, Any],
    context: Context,
    on_record: OnRecord,
    *,
    versions: Mapping[str, str],
    stage: str,
    before: int = 0,
) -> None:
    """Answer the cells in order and hand over each record as it comes.

    A cell whose estimator raises an explained error gives a failed record, and the next one has its turn. Once a
    stop is asked for nothing more is begun, and a cell that was cut short leaves no record.

    Args:
        cells: the cells that are not yet done.
        configs: the estimators' settings by name.
        context: device, threads, observer, stop question; every cell has its own seed.
        on_record: takes the records.
        versions: of what computes.
        stage: what progress is called.
        before: how many cells of the plan are done already.
    """
    samples, total = Samples(), before + len(cells)
    for i, cell in enumerate(cells):
        if context.should_stop():
            return
        record = _answer(cell, configs[cell.estimator], context, samples, versions)
        if record is None:
            return
        on_record(record)
        message = f"{cell.spec}, seed {cell.seed}, {cell.estimator} failed: {record.message}" if record.failed else ""
        context.observer(events.Event(stage, before + i + 1, total, message=message))


def _answer(cell: Cell, config: Any, context: Context, samples: Samples, versions: Mapping[str, str]) -> Record | None:
    started = time.perf_counter()
    surroundings = replace(context, seed=cell.seed, observer=events.ignore)
    try:
        x, z = samples(cell)
        (estimate,) = run_estimators(x, z, {cell.estimator: config}, surroundings).estimates
    except MinecliError as failure:
        return failed_record(cell, str(failure), versions, context.device, time.perf_counter() - started)
    return None if estimate.status is Status.INTERRUPTED else record_of(cell, estimate, versions, context.device)
