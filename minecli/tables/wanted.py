"""What a person asks of a table besides its columns: how it is read, what columns are, and which rows are used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from minecli.errors import UsageError
from minecli.tables.files.options import DEFAULT_READING, Reading

if TYPE_CHECKING:
    from minecli.tables.missing import MissingPolicy


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How a table is read (`reading`), what its columns are, and which of its rows are used.

    `categorical` and `numeric` are selectors of columns that are labels or numbers whatever their types say; of those
    selected, columns that are not used are passed over. `missing`: "drop" leaves out each row with a null or NaN in a
    column that is used, "error" refuses it, "learn" uses it with the rest (of `load_group` alone). `sample`: so many
    rows at random without replacement, `seed` deciding which, in file order; where there are no more than that, all.
    `as_text` are names of columns that are text, whatever a text table holds in them.

    Raises UsageError for another word, and for a sample of no rows.
    """

    reading: Reading = DEFAULT_READING
    categorical: Sequence[str] = ()
    numeric: Sequence[str] = ()
    missing: MissingPolicy = "error"
    sample: int | None = None
    seed: int = 0
    as_text: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.missing not in ("error", "drop", "learn"):
            raise UsageError(f"--missing is '{self.missing}'; it must be error or drop")
        if self.sample is not None and self.sample < 1:
            raise UsageError(f"--sample is {self.sample}; it must be at least 1")


# All rows of a table that is read as it is found, none of them without a value.
DEFAULT_WANTED = Wanted()
