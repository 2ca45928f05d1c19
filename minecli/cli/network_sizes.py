"""The sizes of networks that play against each other, as they are typed: --filters for images, --widths for rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minecli.cli.options import Parameters, of_setting
from minecli.errors import UsageError
from minecli.settings import Setting

_SIZES = {
    "filters": Setting(
        kind=int, help="Filters of the largest maps, of images: generator's, or generator's,discriminator's.", least=1,
        metavar="N,N", repeated=2, hint="try --filters 32,16",
    ),
    "widths": Setting(
        kind=int, help="Units per hidden layer, of rows: generator's, or generator's,discriminator's.", least=1,
        metavar="N,N", repeated=2, hint="try --widths 128",
    ),
}  # fmt: skip
_SIZED = {"filters": "generator_filters discriminator_filters", "widths": "generator_hidden discriminator_hidden"}


def size_options(panel: str) -> Parameters:
    """--filters and --widths."""
    return {name: of_setting(name, size, panel) for name, size in _SIZES.items()}


def sizes_of(given: Mapping[str, Any], of_images: bool) -> dict[str, int]:
    """The fields of a config that --filters and --widths set, each by one number for both networks or by two.

    Args:
        given: the options.
        of_images: networks have filters, and no widths.

    Raises:
        UsageError: sizes of images for rows, or the other way round.
        SettingError: too many numbers, or one that is no size.
    """
    fields: dict[str, int] = {}
    for name, size in _SIZES.items():
        if (values := given[name]) is None:
            continue
        size.check(name, values)
        if of_images != (name == "filters"):
            other = "--widths" if name == "filters" else "--filters"
            what = "convolutions" if name == "filters" else "perceptrons"
            raise UsageError(f"--{name} is for {what}, and there are none here", hint=f"try {other}")
        fields |= dict(zip(_SIZED[name].split(), (values[0], values[-1]), strict=True))
    return fields
