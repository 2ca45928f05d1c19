"""The table from options to the estimators' settings, and what an option says of its default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from minecli.cli.options import Parameters, in_words, of_setting
from minecli.cli.words import FLAGS, flag
from minecli.errors import UsageError
from minecli.estimators.registry import ESTIMATORS
from minecli.settings import Setting, settings_of

# Options named differently from the field they set; the others share its name.
_FIELD_OF = {flags[0].removeprefix("--").replace("-", "_"): field for field, flags in FLAGS.items()}


def field_of(option: str) -> str:
    """The config field an option sets.

    >>> field_of("neighbours"), field_of("folds")
    ('k', 'folds')
    """
    return _FIELD_OF.get(option, option)


def owners(option: str) -> tuple[str, ...]:
    """The estimators that have a use for an option, in the registry's order."""
    name = field_of(option)
    return tuple(
        e.name
        for e in ESTIMATORS.values()
        if name in {f.name for f in fields(e.config)} - set(getattr(e.config, "unused", ()))
    )


def default_text(option: str) -> str:
    """The default of an option in words, taken from the config classes; nothing where that is to do without.

    >>> default_text("ksg_variant"), default_text("target_precision")
    ('(default 1)', '')
    """
    by_value: dict[str, list[str]] = {}
    for owner in owners(option):
        default = next(f.default for f in fields(ESTIMATORS[owner].config) if f.name == field_of(option))
        by_value.setdefault(in_words(default), []).append(owner)
    if set(by_value) == {"None"}:
        return ""
    if len(by_value) == 1:
        return f"(default {next(iter(by_value))})"
    return "(default " + "; ".join(f"{v} for {', '.join(o)}" for v, o in by_value.items()) + ")"


def configs_from(names: Iterable[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Build one config per estimator from the options that were given (neither None nor an empty list).

    UsageError for an unknown estimator, a value its config refuses, and a setting that applies to none of
    them.
    """
    # A repeatable option that was not given is an empty list.
    given = {option: value for option, value in settings.items() if value is not None and value != []}
    chosen = tuple(dict.fromkeys(names))
    for name in chosen:
        if name not in ESTIMATORS:
            raise UsageError(f"estimator '{name}' is not known; there are {', '.join(ESTIMATORS)}", hint="try -e mine")
    for option in given:
        if not set(owners(option)) & set(chosen):
            raise UsageError(
                f"{flag(option)} applies to {', '.join(owners(option)) or 'no estimator'}, "
                f"but the estimators asked for are {', '.join(chosen)}",
                hint="leave it out" + (f" or add -e {owners(option)[0]}" if owners(option) else ""),
            )
    configs = {
        name: ESTIMATORS[name].config(
            **{field_of(option): value for option, value in given.items() if name in owners(option)}
        )
        for name in chosen
    }
    if given.get("protocol") == "paper" and "folds" in given:
        raise UsageError("--folds does not go with --protocol paper, which has none", hint="leave one of them out")
    return configs


# What the kinds of the data can choose from.
_BY_KIND = ("mine", "ksg", "mixed-ksg", "plug-in")


def check_settings(settings: Mapping[str, Any]) -> None:
    """UsageError for settings that none of the estimators has a use for that the kinds of the data may choose, or that
    their configs refuse."""
    configs_from(_BY_KIND, settings)


def default_configs(chosen: Sequence[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The configs of the estimators that the kinds of the data chose; one that is not among them joins them where a
    setting was given that it alone has a use for.

    >>> list(default_configs(("plug-in",), {"max_steps": 50}))
    ['plug-in', 'mine']
    """
    given = [option for option, value in settings.items() if value is not None and value != []]
    names = list(chosen)
    for option in given:
        if not set(owners(option)) & set(names):
            names += [name for name in reversed(_BY_KIND) if name in owners(option)][:1]
    return configs_from(names, settings)


# Every option that sets a field of some estimator's config, in the order of the help, with its panel.
_PANELS: dict[str, tuple[str, ...]] = {
    "Options": ("preprocess",),
    "Nearest neighbours (ksg, mixed-ksg)": ("neighbours", "ksg_variant", "ksg_jitter"),
    "Tables (plug-in)": ("table_correction",),
    "Neural estimators": (
        "protocol", "folds", "repeats", "target_precision", "max_repeats", "max_steps", "batch_size",
        "marginal_shifts", "hidden", "layers", "tower_layers", "weight_decay", "learning_rate", "ema_decay",
        "gaussian_base", "smile_clip", "precision",
    ),
}  # fmt: skip
SETTINGS = tuple(option for options in _PANELS.values() for option in options)


def setting_options(*options: str) -> Parameters:
    """Options that set fields of the estimators' configs: all, or those named; each with its default in the help."""
    chosen = options or SETTINGS
    return {
        option: of_setting(
            field_of(option), setting := setting_of(option), panel, f"{setting.help} {default_text(option)}".rstrip()
        )
        for panel, known in _PANELS.items()
        for option in known
        if option in chosen
    }


def setting_of(option: str) -> Setting:
    """What an option may hold: the setting of the first estimator that has a use for it."""
    return settings_of(ESTIMATORS[owners(option)[0]].config)[field_of(option)]


def settings_among(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of estimators that were given, of a command's options."""
    return {name: given[name] for name in SETTINGS if given.get(name) is not None}


def estimator_names() -> list[str]:
    """What -e can name."""
    return list(ESTIMATORS)
