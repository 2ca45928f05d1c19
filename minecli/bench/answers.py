"""Cells answered by the ordinary estimators, each on its own sample: one after the other, or, for the neural estimators
on a device that gains by it, those of one shape together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from minecli import events
from minecli.bench.cells import Cell, draw
from minecli.bench.config import CELLS_TOGETHER
from minecli.bench.records import Record, failed_record, record_of
from minecli.errors import MinecliError
from minecli.estimators.context import Context
from minecli.estimators.outcome import run_estimators
from minecli.mine.config import TrainingConfig
from minecli.result import Status
from minecli.tasks.specs import columns_of

if TYPE_CHECKING:
    from minecli.bench.cells import Array

# All tables of a batch lie in memory at once: a gigabyte of numbers.
MOST_VALUES_TOGETHER = 2**27


class Samples:
    """The data of the cell asked for; the last are kept, because all estimators of a task and seed share them."""

    def __init__(self) -> None:
        self._of: tuple[int, int] | None = None
        self._data: tuple[Array, Array] | None = None

    def __call__(self, cell: Cell) -> tuple[Array, Array]:
        if self._data is None or self._of != (cell.data_seed, cell.rows):
            self._data, self._of = draw(cell), (cell.data_seed, cell.rows)
        return self._data


@dataclass(frozen=True)
class Answering:
    """What cells are answered with.

    Attributes:
        configs: the estimators' settings by name.
        context: device, threads, observer, stop question; every cell has its own seed.
        add: is given each record as it comes.
        versions: of what computes.
    """

    configs: Mapping[str, Any]
    context: Context
    add: Callable[[Record], None]
    versions: Mapping[str, str]


def run_cells(
    cells: Sequence[Cell], answering: Answering, *, stage: str, before: int = 0, together: int | None = None
) -> None:
    """Answer the cells in order, those that train together at the first one's turn, and hand over each record as it
    comes.

    A cell whose estimator raises an explained error gives a failed record, and the next one has its turn. Once a
    stop is asked for nothing more is begun, and a cell that was cut short leaves no record.

    Args:
        cells: the cells that are not yet done.
        answering: with what.
        stage: what progress is called.
        before: how many cells of the plan are done already.
        together: how many cells of a neural estimator may train as one batched network; None leaves that to the device.
    """
    samples, total, done, context = Samples(), before + len(cells), before, answering.context
    if together is None:
        together = CELLS_TOGETHER if context.device.startswith("cuda") else 1
    for group in batches(cells, answering.configs, together):
        for record in _answers(group, answering, samples):
            answering.add(record)
            done += 1
            said = f"{record.spec}, seed {record.seed}, {record.estimator} failed: {record.message}"
            context.observer(events.Event(stage, done, total, message=said if record.failed else ""))


def batches(cells: Sequence[Cell], configs: Mapping[str, Any], together: int) -> list[list[Cell]]:
    """The cells in order, those of a neural estimator joined by later ones of the same shape, up to so many."""
    groups: list[list[Cell]] = []
    open_ones: dict[tuple[str, int, int, int], list[Cell]] = {}
    for cell in cells:
        if together < 2 or not isinstance(configs[cell.estimator], TrainingConfig):
            groups.append([cell])
            continue
        shape = (cell.estimator, cell.rows, *columns_of(cell.task))
        most = max(1, min(together, MOST_VALUES_TOGETHER // (cell.rows * sum(shape[2:]))))
        if len(open_ones.get(shape, ())) in (0, most):
            open_ones[shape] = []
            groups.append(open_ones[shape])
        open_ones[shape].append(cell)
    return groups


def _answers(cells: Sequence[Cell], answering: Answering, samples: Samples) -> Iterator[Record]:
    """The records of cells that belong together, as they come; a stop leaves out those that it cut short."""
    if len(cells) > 1 and not answering.context.should_stop():
        try:
            yield from _answers_together(cells, answering, samples)
            return
        except MinecliError:
            pass  # which of them it was shows when each is alone
    for cell in cells:
        record = None if answering.context.should_stop() else _answer(cell, answering, samples)
        if record is None:
            return
        yield record


def _answers_together(cells: Sequence[Cell], answering: Answering, samples: Samples) -> list[Record]:
    from minecli.estimators.neural.mine import estimate_together

    started = time.perf_counter()
    contexts = [replace(answering.context, seed=cell.seed) for cell in cells]
    config = answering.configs[cells[0].estimator]
    estimates = estimate_together([samples(cell) for cell in cells], config, contexts)
    seconds = (time.perf_counter() - started) / len(cells)
    return [
        record_of(
            cell,
            estimate,
            answering.versions,
            answering.context.device,
            seconds=seconds,
            trained_together=estimate.details.get("tables_together", 1),
        )
        for cell, estimate in zip(cells, estimates, strict=True)
        if estimate.status is not Status.INTERRUPTED
    ]


def _answer(cell: Cell, answering: Answering, samples: Samples) -> Record | None:
    started = time.perf_counter()
    context, versions, config = answering.context, answering.versions, answering.configs[cell.estimator]
    surroundings = replace(context, seed=cell.seed, observer=events.ignore)
    try:
        x, z = samples(cell)
        (estimate,) = run_estimators(x, z, {cell.estimator: config}, surroundings).estimates
    except MinecliError as failure:
        return failed_record(cell, str(failure), versions, context.device, time.perf_counter() - started)
    return None if estimate.status is Status.INTERRUPTED else record_of(cell, estimate, versions, context.device)
