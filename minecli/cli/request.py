"""What only the command line adds to a request: paths that last, and settings given before estimators are chosen."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from minecli.api.request import Request
from minecli.cli.settings import default_configs

if TYPE_CHECKING:
    from minecli.estimators.facts import Facts

__all__ = ["Request", "lasting_source", "resolved"]


def resolved(request: Request, facts: Facts | None) -> Request:
    """The request with estimators that fit the kinds of the data, where none was named, under the settings given."""
    return request.resolved(facts, lambda chosen: default_configs(chosen, request.settings))


def lasting_source(source: str) -> str:
    """A local path as an absolute one, so that a run can be resumed from another folder; all else as it is.

    >>> lasting_source("-"), lasting_source("s3://bucket/a.parquet")
    ('-', 's3://bucket/a.parquet')
    """
    return source if source == "-" or "://" in source else os.path.abspath(source)
