"""Options of the command line: made of the fields that hold their help, range and default, and put onto commands."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minecli.cli.words import FLAGS, flag, numbers
from minecli.settings import MOST, Setting, settings_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True)
class Parameter:
    """One option or argument of a command: what Typer makes of it, and its value where nobody gives one."""

    annotation: Any
    default: Any = None


Parameters = Mapping[str, Parameter]

# How columns are named, in a few words.
COLUMNS_HELP = "names, gene_*, x0:x19, /regex/, @file"


def option(
    kind: Any,
    help: str,
    *flags: str,
    default: Any = None,
    panel: str | None = None,
    metavar: str | None = None,
    **more: Any,
) -> Parameter:
    """An option for values of `kind`; its default is shown where it says something."""
    shown = default is not None and default is not False and default != 0
    more = {"show_default": shown} | more
    return Parameter(
        Annotated[kind, typer.Option(*flags, help=help, rich_help_panel=panel, metavar=metavar, **more)], default
    )


def whole_option(name: str, help: str, *flags: str, most: int = MOST, **more: Any) -> Parameter:
    """An option for a whole number of at most `most`; what is too small for it is found where it is used."""
    setting = Setting(kind=int, help=help, most=most)

    def within(value: int | None) -> int | None:
        if value is not None:
            setting.check(name, value)
        return value

    return option(int if more.get("default") is not None else int | None, help, *flags, callback=within, **more)


def argument(
    kind: Any, help: str, metavar: str, *, default: Any = None, completions: Callable[[], Iterable[str]] | None = None
) -> Parameter:
    """An argument, with the words that complete it."""
    complete = None if completions is None else lambda: list(completions())
    about = typer.Argument(metavar=metavar, help=help, show_default=False, autocompletion=complete)
    return Parameter(Annotated[kind, about], default)


def of_setting(name: str, setting: Setting, panel: str | None, help: str | None = None) -> Parameter:
    """The option that sets the field `name` of a config; None where it is not given. The config holds values against
    the range."""
    help, flags = help or setting.help, FLAGS.get(name, (flag(name),))
    if setting.repeated:
        kind: Any = list[str] | None
        more: dict[str, Any] = {"callback": _together(name, setting.kind)}
    else:
        kind, more = setting.kind | None, {}
    if setting.kind is bool:
        if setting.default is False:
            return option(bool, help, *flags, default=False, panel=panel)
        flags = (f"{flags[0]}/--no-{flags[0].removeprefix('--')}",)
    if setting.choices:
        choices = [str(choice) for choice in setting.choices]
        more = {"autocompletion": lambda: choices}
    named = setting.kind is bool or (setting.kind is str and setting.metavar == "N")
    return option(kind, help, *flags, panel=panel, metavar=None if named else setting.metavar, **more)


def of_fields(
    config: type[DataclassInstance], panel: str | None, *names: str, show_default: bool = False
) -> Parameters:
    """Options for those fields of a config, in this order, without values of their own: the config has them.

    Args:
        show_default: say the config's default in the help, where no preset has others.
    """
    made = {}
    for name in names:
        setting = settings_of(config)[name]
        known = (
            f" (default {in_words(setting.default)})" if show_default and setting.default not in (None, False) else ""
        )
        made[name] = of_setting(name, setting, panel, setting.help + known)
    return MappingProxyType(made)


def in_words(default: object) -> str:
    """A default as it would be typed.

    >>> in_words((0.1, 1.0)), in_words("rank")
    ('0.1,1', 'rank')
    """
    if isinstance(default, tuple):
        return ",".join(value if isinstance(value, str) else f"{value:g}" for value in default)
    return str(default)


def given_fields(given: Mapping[str, Any], options: Parameters) -> dict[str, Any]:
    """The values of those options that were given, by the names of the fields that they set."""
    return {name: given[name] for name in options if given[name] is not None}


def _together(name: str, kind: type) -> Callable[[list[str] | None], tuple[Any, ...] | None]:
    """Texts as they are repeated, numbers separated by commas as well; None where nothing was said, for which there is
    an empty list."""
    if kind is str:
        return lambda words: tuple(words) if words else None
    return lambda words: numbers(name, ",".join(words), kind) if words else None


def takes(*groups: Parameters) -> Callable[[Callable[[typer.Context], None]], Callable[..., None]]:
    """A command with these options. It is given its context alone, and finds their values in `ctx.params`."""
    parameters = {name: parameter for group in groups for name, parameter in group.items()}

    def decorate(command: Callable[[typer.Context], None]) -> Callable[..., None]:
        @functools.wraps(command)
        def wrapped(ctx: typer.Context, **given: Any) -> None:
            command(ctx)

        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        signed: Any = wrapped
        signed.__signature__ = inspect.Signature(
            [
                inspect.Parameter("ctx", kind, annotation=typer.Context),
                *(
                    inspect.Parameter(n, kind, default=p.default, annotation=p.annotation)
                    for n, p in parameters.items()
                ),
            ]
        )
        return wrapped

    return decorate


def was_typed(ctx: typer.Context, name: str) -> bool:
    """Whether an option was given on the command line, rather than left to its default."""
    return "COMMANDLINE" in str(ctx.get_parameter_source(name))
