"""`python -m minecli.docs`, at the root of a checkout: write the tables of all pages anew."""

from __future__ import annotations

from pathlib import Path

from minecli.docs.tables import RECORDS, regenerated

if __name__ == "__main__":
    for path in Path(__file__).parent.glob("*.md"):
        path.write_text(regenerated(path.read_text(encoding="utf-8"), RECORDS), encoding="utf-8")
