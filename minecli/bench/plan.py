"""A plan of cells being worked through: which are done, where new records go, and which have still to be answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from minecli.bench.answers import Answering, run_cells
from minecli.bench.cells import Cell, Key
from minecli.bench.config import BenchRequest
from minecli.bench.records import Record, RecordFile, latest, read_records

if TYPE_CHECKING:
    from minecli.estimators.context import Context

RECORDS = "records.ndjson"


@dataclass
class Plan:
    """The cells of a request and their records.

    Attributes:
        folder: of the run, where records are kept; None for none.
        tell: is given every record, those of an earlier run first.
    """

    cells: list[Cell]
    folder: Path | None = None
    tell: Callable[[Record], None] = lambda record: None
    done: dict[Key, Record] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.folder is not None:
            self.done = latest(read_records(self.folder / RECORDS))
        for record in self.records:
            if not record.failed:
                self.tell(record)

    @property
    def left(self) -> list[Cell]:
        """Cells without a record; failed ones have another try, because their cause may have been removed."""
        return [c for c in self.cells if c.key not in self.done or self.done[c.key].failed]

    @property
    def records(self) -> list[Record]:
        """The records there are, in the order of the cells."""
        return [self.done[c.key] for c in self.cells if c.key in self.done]

    def work(self, request: BenchRequest, context: Context, versions: Mapping[str, str], together: int | None) -> None:
        """Answer the cells that are left, each record at once into the folder; a stop leaves the rest.

        Args:
            versions: of what computes.
            together: see `run_cells`.
        """
        with ExitStack() as stack:
            file = None
            if self.folder is not None:
                file = RecordFile(self.folder / RECORDS)
                stack.callback(file.close)

            def add(record: Record) -> None:
                if file is not None:
                    file.append(record)
                self.done[record.key] = record
                self.tell(record)

            left = self.left
            answering = Answering(request.estimators, context, add, versions)
            sampled = [c for c in left if not request.is_fresh(c.estimator)]
            before = len(self.cells) - len(left)
            run_cells(sampled, answering, stage=request.COMMAND, before=before, together=together)
            if request.fresh is not None:
                from minecli.bench.fresh import run_fresh

                fresh = [c for c in self.cells if request.is_fresh(c.estimator)]
                run_fresh(fresh, request.fresh, answering, done=self.done, folder=self.folder)
