"""A program of its own that reads one sheet of a workbook: from standard input to standard output, by pickle.

The package that reads workbooks ends the whole process where it runs out of memory, which a damaged file, or a stray
value in a far corner of a sheet, can make it do. In a process of its own that is an error like others. It imports
nothing of the product, to start quickly.
"""

from __future__ import annotations

import contextlib
import io
import pickle
import sys
from typing import Any, BinaryIO


def sheet_of(content: bytes, wanted: str | None, most_cells: int) -> dict[str, Any]:
    """The `names` of all sheets, the visible ones that are `filled`, and of the sheet `wanted`, else of the only
    filled one, its name as `chosen`, its `extent` and, unless it has more than `most_cells`, its `rows`: all from the
    first on, blank or not, with "" for cells without a value."""
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_object(io.BytesIO(content))
        names = book.sheet_names
        visible = [
            sheet.name
            for sheet in book.sheets_metadata
            if str(sheet.visible).endswith(".Visible") and str(sheet.typ).endswith(".WorkSheet")
        ]
        looked_at = visible if wanted is None else [wanted] if wanted in names else []
        sheets = {name: book.get_sheet_by_name(name) for name in looked_at}
        filled = [name for name, sheet in sheets.items() if sheet.height]
        answer: dict[str, Any] = {"names": names, "filled": filled}
        if len(choice := looked_at if wanted is not None else filled) == 1:
            chosen, sheet = choice[0], sheets[choice[0]]
            rows, columns = (end + 1 for end in sheet.end or (-1, -1))
            fits = rows * columns <= most_cells
            answer |= {"chosen": chosen, "extent": (rows, columns)}
            answer["rows"] = sheet.to_python(skip_empty_area=False) if fits else None
        return answer
    except python_calamine.PasswordError:
        return {"error": "it is protected by a password"}
    except python_calamine.CalamineError as error:
        return {"error": str(error).partition("\n")[0]}


def limit_memory(most_bytes: int | None) -> None:
    """Have memory refused beyond so many bytes, where the system can; otherwise it may end other processes too."""
    if most_bytes is None:
        return
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, resource.getrlimit(resource.RLIMIT_AS)[1]))


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer one question: how much memory there is, and what `sheet_of` takes."""
    most_bytes, *question = pickle.load(questions)
    limit_memory(most_bytes)
    pickle.dump(sheet_of(*question), answers, pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
