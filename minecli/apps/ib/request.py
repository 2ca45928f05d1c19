"""What `minecli ib` was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from minecli.apps.comparison.request import ComparisonRequest
from minecli.apps.ib.config import METHODS, MNIST, IbConfig
from minecli.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class IbRequest(ComparisonRequest):
    """MNIST, or columns `x` of a table with the class column `target`; methods of `config.METHODS`, and their settings.

    >>> from minecli.apps.ib.config import preset
    >>> IbRequest(dataset="mnist", methods=("dbv",), seeds=(0,), preset="quick", config=preset("quick"))
    Traceback (most recent call last):
    minecli.errors.UsageError: there is no method 'dbv'; there are baseline, dropout, confidence-penalty, \
label-smoothing, dvb, dvb-additive, mine-gaussian, mine-propagated, mine-additive (did you mean dvb?)
    """

    COMMAND = "ib"
    METHODS = METHODS
    NAMED = (MNIST,)
    ROOTED = (MNIST,)
    CONFIG = IbConfig

    config: IbConfig
    target: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.is_table and self.target is None:
            raise UsageError(
                "--target does not say which column holds the classes",
                hint=f"minecli columns {self.dataset} shows them; then try --target NAME",
            )
        if self.target is not None and not self.is_table:
            raise UsageError(f"--target is for tables, and '{self.dataset}' has its own classes", hint="leave it out")

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """See `ComparisonRequest.from_json`."""
        config = content.get("config")
        if isinstance(config, Mapping) and isinstance(config.get("betas"), list):
            content = dict(content) | {"config": dict(config) | {"betas": tuple(config["betas"])}}
        return super().from_json(content)
