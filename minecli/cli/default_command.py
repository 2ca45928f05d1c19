"""A group of commands one of which goes without a name: `minecli gan spiral` beside `minecli gan sample RUN`."""

from __future__ import annotations

from typing import Any

import typer
import typer.core

# The name under which a group keeps the command that is typed without one.
DEFAULT = "(default)"


class _InItsPlace(typer.Context):
    """A context that is called by the name of the group it stands for."""

    @property
    def command_path(self) -> str:
        return "" if self.parent is None else str(self.parent.command_path)


class DefaultCommand(typer.core.TyperCommand):
    """The command of a `GroupWithDefault` that is meant where no other is named."""

    context_class = _InItsPlace


class GroupWithDefault(typer.core.TyperGroup):
    """A group that hands everything to its command `DEFAULT` where the first word is none of its commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in self.commands:
            args = [DEFAULT, *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


def group(help: str) -> typer.Typer:
    """A Typer app whose command `DEFAULT` goes without a name."""
    settings = {"help_option_names": ["-h", "--help"]}
    return typer.Typer(cls=GroupWithDefault, help=help, rich_markup_mode="rich", context_settings=settings)
