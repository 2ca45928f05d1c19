"""Which estimators fit the kinds of the data: the default, and what to think of one that was asked for all the same."""

from __future__ import annotations

from typing import Any

from minecli.estimators.facts import Facts
from minecli.result import Diagnostic, DiagnosticCode
from minecli.tables.value_kinds import ValueKind

NEURAL = "mine"
# Numbers of so few levels are no numbers to the Gaussian formula.
FEW_LEVELS = 10


def suited(facts: Facts) -> str:
    """The estimator without networks that fits the kinds: a table where both sides are discrete, nearest neighbours
    elsewhere, those for atoms where there are some.

    >>> import numpy as np
    >>> from minecli.estimators.facts import find_facts
    >>> x = np.random.default_rng(0).standard_normal((500, 1))
    >>> [suited(find_facts(a, b)) for a, b in [(x, x + 1), (x, x.round()), (x > 0, x > 1)]]
    ['ksg', 'mixed-ksg', 'plug-in']
    """
    if facts.tabular:
        return "plug-in"
    return "ksg" if facts.continuous else "mixed-ksg"


def default_estimators(facts: Facts) -> tuple[str, ...]:
    """The estimators that run where none was named: the suited one, and `mine` unless a table answers exactly.

    >>> import numpy as np
    >>> from minecli.estimators.facts import find_facts
    >>> x = np.random.default_rng(0).standard_normal((500, 1))
    >>> default_estimators(find_facts(x, x + 1)), default_estimators(find_facts(x > 0, x > 1))
    (('ksg', 'mine'), ('plug-in',))
    """
    return (suited(facts),) if facts.tabular else (suited(facts), NEURAL)


def choice_sentence(facts: Facts) -> str:
    """Say in one line why these data have these default estimators.

    >>> import numpy as np
    >>> from minecli.estimators.facts import find_facts
    >>> x = np.random.default_rng(0).standard_normal((500, 1))
    >>> choice_sentence(find_facts(x, x > 0))
    'x is continuous, z is discrete: mine and mixed-ksg'
    """
    x, z = facts.x.kind, facts.z.kind
    if x is z:
        kinds = "x and z have values that repeat" if x is ValueKind.ATOMS else f"x and z are {x}"
    else:
        kinds = f"{_said('x', x)}, {_said('z', z)}"
    if facts.tabular:
        return f"{kinds}, so that their table answers: {suited(facts)}"
    if facts.discrete:
        kinds += f", but {facts.cells:,} cells are too many for {facts.rows:,} rows"
    return f"{kinds}: {NEURAL} and {suited(facts)}"


def thin(name: str, facts: Facts) -> tuple[Diagnostic, ...]:
    """A warning where nearest neighbours mistake chance for dependence: among codes with few rows each."""
    if name not in ("ksg", "mixed-ksg") or not facts.thin:
        return ()
    levels = max(facts.x.codes or 0, facts.z.codes or 0)
    message = (
        f"{facts.rows:,} rows are few for {levels:,} codes or counts: what neighbours of a code share by chance raises "
        "the value; if these are labels, join rare ones and say --categorical"
    )
    return (Diagnostic(DiagnosticCode.THIN_TABLE, message),)


def _said(side: str, kind: ValueKind) -> str:
    return f"{side} has values that repeat" if kind is ValueKind.ATOMS else f"{side} is {kind}"


def unsuited(name: str, config: Any, facts: Facts) -> tuple[Diagnostic, ...]:
    """A warning where the value of estimator `name` means nothing for data of these kinds.

    >>> import numpy as np
    >>> from minecli.estimators.facts import find_facts
    >>> x = np.random.default_rng(0).standard_normal((500, 1))
    >>> unsuited("plug-in", None, find_facts(x, x > 0))[0].message
    "a table needs levels on both sides, and 'x column 1' is continuous: the value means nothing here; add -e mixed-ksg"
    """
    better = suited(facts)
    why = ""
    if name == "ksg" and not facts.continuous and getattr(config, "jitter", 0.0) == 0.0:
        tied = _where(facts, {ValueKind.ATOMS, ValueKind.DISCRETE})
        why = f"the formula assumes that no value occurs twice, and {tied}"
    elif name == "gaussian" and min(s.levels or FEW_LEVELS + 1 for s in (facts.x, facts.z)) <= FEW_LEVELS:
        why = f"the formula needs numbers on both sides, and {_where(facts, {ValueKind.DISCRETE})}"
    elif name == "plug-in" and not facts.discrete:
        why = f"a table needs levels on both sides, and {_where(facts, {ValueKind.CONTINUOUS, ValueKind.ATOMS})}"
    if not why:
        return ()
    return (Diagnostic(DiagnosticCode.UNSUITED_KINDS, f"{why}: the value means nothing here; add -e {better}"),)


def _where(facts: Facts, kinds: set[ValueKind]) -> str:
    """Which columns are of one of these kinds, in words."""
    for side in (facts.x, facts.z):
        for block in side.blocks:
            kind = side.kinds[block.start]
            if kind in kinds:
                return _said(f"'{block.name}'", kind)
    return "the columns are of another kind"
