"""Dates that a file holds as text: with which formats they can be read."""

from __future__ import annotations

import itertools
import re
import shlex
from typing import Any

import pyarrow.compute as pc

_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m", "%Y/%m",
    "%d.%m.%y", "%d.%m.%Y", "%d/%m/%y", "%d/%m/%Y", "%m/%d/%y", "%m/%d/%Y", "%d-%m-%y", "%d-%m-%Y", "%m-%d-%y",
    "%m-%d-%Y", "%m/%Y", "%m-%Y",
    "%d %b %y", "%d %b %Y", "%d-%b-%y", "%d-%b-%Y", "%d. %b %Y", "%d%b%Y", "%b %d, %Y", "%b %d %Y",
    "%b %y", "%b %Y", "%b-%y", "%b-%Y", "%Y %b", "%Y-%b", "%Y-%b-%d",
)  # fmt: skip
_CLOCKS = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%I %p", "%I%p")
_FORMATS = (*_DATES, *_CLOCKS, *(f"{date}{gap}{clock}" for date in _DATES for gap in " T" for clock in _CLOCKS))
_BEGINNING = 50


def date_formats(values: Any) -> tuple[str, ...]:
    """The formats of strptime with which all texts of an Arrow column read as dates or times; at most two.

    >>> import pyarrow as pa
    >>> date_formats(pa.chunked_array([["03/2020", "11/2021"]])), date_formats(pa.chunked_array([["3/4/2020"]]))
    (('%m/%Y',), ('%d/%m/%Y', '%m/%d/%Y'))
    """
    beginning = values.slice(0, _BEGINNING)
    # To strptime, the year of 31.12.20 may be 31.
    years = all(re.search(r"\d{4}", text) for text in beginning.to_pylist())
    forms = (form for form in _FORMATS if years or "%Y" not in form)
    fits = (form for form in forms if _reads(beginning, form) and _reads(values, form))
    return tuple(itertools.islice(fits, 2))


def date_option(values: Any) -> str:
    """The option that reads all texts of an Arrow column as dates or times, "" if there is none.

    >>> import pyarrow as pa
    >>> date_option(pa.chunked_array([["31.12.2020 23:59"]]))
    "--date-format '%d.%m.%Y %H:%M'"
    """
    forms = [shlex.quote(form) for form in date_formats(values)]
    return f"--date-format {' or '.join(forms)}" if forms else ""


def _reads(values: Any, form: str) -> bool:
    return bool(pc.strptime(values, form, "s", error_is_null=True).null_count == 0)
