"""The manual: pages of Markdown beside this file. What stands in a page between `<!-- table: NAME -->` and
`<!-- /table -->` is written by `python -m minecli.docs` from the code and the records; see `tables`.
"""

from __future__ import annotations

import difflib
from importlib.resources import files

from minecli.errors import UsageError

_PAGE = ".md"


def topics() -> dict[str, str]:
    """From the name of each page to what it is about, in one line: its title, which begins with the name.

    >>> topics()["glossary"]
    'words as they are used here'
    """
    names = sorted(item.name.removesuffix(_PAGE) for item in files(__name__).iterdir() if item.name.endswith(_PAGE))
    return {name: page(name).partition("\n")[0].partition(": ")[2] for name in names}


def page(topic: str) -> str:
    """The page `topic`, as Markdown.

    Raises:
        UsageError: there is no such page.

    >>> page("glossary").splitlines()[0]
    '# glossary: words as they are used here'
    """
    names = [item.name for item in files(__name__).iterdir()]
    if topic + _PAGE in names:
        return files(__name__).joinpath(topic + _PAGE).read_text(encoding="utf-8")
    near = difflib.get_close_matches(topic, topics(), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "minecli docs lists them"
    raise UsageError(f"there is no page '{topic}'; there are {', '.join(topics())}", hint=hint)
