"""What is found out about the data before anything is estimated."""

import numpy as np
import pytest

from minecli.estimators.choice import choice_sentence, default_estimators, suited, thin, unsuited
from minecli.estimators.config import KsgConfig
from minecli.estimators.context import Context
from minecli.estimators.diagnostics import of_facts
from minecli.estimators.facts import Block, find_facts
from minecli.estimators.parts import find_parts
from minecli.result import DiagnosticCode, Direction, Severity
from minecli.runtime.seeds import generator
from minecli.tables.value_kinds import ValueKind


def normals(seed, *shape):
    return generator(seed, "facts").standard_normal(shape)


def one_hot(codes):
    return (codes[:, None] == np.unique(codes)).astype(float)


def test_copies_are_told_from_atoms(seed):
    """A minority drawn 19 times over is copies; zeros that meet zeros are not, nor are rounded values."""
    rng = generator(seed, "facts", "copies")
    x, y = rng.standard_normal((2000, 3)), (rng.random(2000) < 0.05) * 1.0
    again = np.r_[np.arange(2000), np.repeat(np.flatnonzero(y), 18)]
    copied = find_facts(x[again], y[again, None])
    assert copied.copied
    assert copied.copies == pytest.approx(1 - 2000 / len(again))
    assert copied.x.kind is ValueKind.CONTINUOUS  # but for the copies no value repeats
    zero = find_facts(*(np.maximum(rng.standard_normal((3000, 1)), 0.4) for _ in range(2)))
    assert (zero.copies, zero.x.kind) == (0.0, ValueKind.ATOMS)
    rounded = find_facts(*(rng.standard_normal((3000, 1)).round(2) for _ in range(2)))
    assert not rounded.copied


def test_whole_numbers_are_labels_where_they_come_in_runs(seed):
    """Blocks of a class excuse slow movement; a Markov chain over a few levels does not."""
    rng = generator(seed, "facts", "runs")
    blocks = np.repeat(rng.permutation(8), 150)[:, None] * 1.0
    assert not find_facts(blocks + rng.standard_normal((1200, 1)), blocks).order.dependent
    stays = rng.random((2, 2000)) < 0.97
    chains = [np.zeros(2000), np.zeros(2000)]
    for chain, stay in zip(chains, stays, strict=True):
        for i in range(1, 2000):
            chain[i] = chain[i - 1] if stay[i] else rng.integers(0, 5)
    assert find_facts(chains[0][:, None], chains[1][:, None]).order.dependent


def test_codes_with_few_rows_each_make_neighbours_doubtful(seed):
    rng = generator(seed, "facts", "codes")
    shop = rng.integers(0, 300, 2000)
    late = (rng.random(300) < 0.5)[shop] ^ (rng.random(2000) < 0.2)
    facts = find_facts(shop[:, None] * 1.0, late[:, None] * 1.0)
    assert (facts.thin, facts.x.codes, facts.x.levels) == (True, len(np.unique(shop)), None)
    assert [d.code for d in thin("mixed-ksg", facts)] == [DiagnosticCode.THIN_TABLE]
    assert thin("mine", facts) == ()
    assert find_parts(shop[:, None] * 1.0, late[:, None] * 1.0, facts, Context(facts=facts)) == ()
    assert not find_facts(shop[:, None] % 20 * 1.0, late[:, None] * 1.0).thin


def test_few_copies_are_let_pass(seed):
    x = normals(seed, 1000, 2)
    x[:8] = x[8:16]
    assert 0.0 < find_facts(x[:, :1], x[:, 1:]).copies < 0.01
    assert not find_facts(x[:, :1], x[:, 1:]).copied


def test_numbers_of_shops_are_no_copies(seed):
    """500 shops, each with its own town: rows repeat because both are codes."""
    rng = generator(seed, "facts", "shops")
    shop = rng.integers(0, 500, 5000)
    facts = find_facts(shop[:, None] * 1.0, (shop // 3)[:, None] * 1.0)
    assert not facts.copied


def test_integers_of_a_wide_range_can_be_copies(seed):
    price = np.floor(np.exp(normals(seed, 1000, 2) + 12.0))
    facts = find_facts(np.tile(price[:, :1], (3, 1)), np.tile(price[:, 1:], (3, 1)))
    assert facts.copies == pytest.approx(2 / 3)


def test_labels_that_repeat_are_no_copies(seed):
    rng = generator(seed, "facts", "labels")
    facts = find_facts(one_hot(rng.integers(0, 4, 2000)), one_hot(rng.integers(0, 3, 2000)))
    assert (facts.copies, facts.discrete, facts.tabular) == (0.0, True, True)
    assert (facts.x.levels, facts.z.levels, facts.cells) == (4, 3, 12)
    assert facts.entropy_nats == pytest.approx(np.log(3), abs=0.01)


def test_a_thin_table_is_no_table(seed):
    rng = generator(seed, "facts", "thin")
    facts = find_facts(*(np.c_[rng.integers(0, 2, (500, 8))] * 1.0 for _ in range(2)))
    assert facts.discrete
    assert not facts.tabular
    assert suited(facts) == "mixed-ksg"


def test_what_determines_what(seed):
    codes = generator(seed, "facts", "codes").integers(0, 6, 1000)
    facts = find_facts(one_hot(codes), one_hot(codes // 2))
    assert facts.determined == "z"
    assert find_facts(one_hot(codes), one_hot(5 - codes)).determined == "both"
    told = [d for d in of_facts(facts) if d.code is DiagnosticCode.DETERMINED]
    assert "x determines z" in told[0].message
    assert told[0].severity is Severity.NOTE


def test_dimensions_count_labels_once(seed):
    labels = one_hot(generator(seed, "facts", "dims").integers(0, 10, 1000))
    facts = find_facts(np.c_[normals(seed, 1000, 2), labels], labels)
    assert (facts.x.dimensions, facts.z.dimensions) == (3, 1)


def test_columns_bear_their_names(seed):
    x = normals(seed, 100, 2)
    names, blocks = (["age", "height"], ["born"]), ([Block("age", 0), Block("height", 1)], [Block("born", 0)])
    assert find_facts(x, -x[:, 1:], names, blocks=blocks).identical == ((1, 0),)


@pytest.mark.parametrize(
    ("make", "chosen"),
    [
        (lambda g: (g, g + 1), ("ksg", "mine")),
        (lambda g: (g, np.maximum(g, 0.0)), ("mixed-ksg", "mine")),
        (lambda g: (g, (g > 0) * 1.0), ("mixed-ksg", "mine")),
        (lambda g: ((g > 1) * 1.0, (g > 0) * 1.0), ("plug-in",)),
    ],
)
def test_the_default_follows_the_kinds(make, chosen, seed):
    facts = find_facts(*make(normals(seed, 500, 1)))
    assert default_estimators(facts) == chosen
    assert all(name in choice_sentence(facts) for name in chosen)


@pytest.mark.parametrize(
    ("name", "make", "meant"),
    [
        ("ksg", lambda g: (g, g + 1), True),
        ("ksg", lambda g: (g, (g > 0) * 1.0), False),
        ("ksg", lambda g: (g, g.round(1)), False),
        ("gaussian", lambda g: (g, g.round(1)), True),
        ("gaussian", lambda g: (g, (g > 0) * 1.0), False),
        ("plug-in", lambda g: (g, (g > 0) * 1.0), False),
        ("plug-in", lambda g: ((g > 1) * 1.0, (g > 0) * 1.0), True),
        ("mixed-ksg", lambda g: (g.round(1), (g > 0) * 1.0), True),
    ],
)
def test_estimators_that_mean_nothing_for_the_kinds_are_said(name, make, meant, seed):
    found = unsuited(name, None, find_facts(*make(normals(seed, 2000, 1))))
    assert (found == ()) is meant
    if found:
        assert found[0].code is DiagnosticCode.UNSUITED_KINDS
        assert "-e " in found[0].message


def test_jitter_makes_ksg_fit_for_ties(seed):
    g = normals(seed, 2000, 1).round(1)
    assert unsuited("ksg", KsgConfig(jitter=1e-8), find_facts(g, g[::-1])) == ()


def test_warnings_of_the_facts_say_in_which_direction_the_number_errs(seed):
    walk = normals(seed, 1000, 2).cumsum(0)
    told = of_facts(find_facts(walk[:, :1], walk[:, 1:], rows_dropped=400))
    assert [d.code for d in told] == [DiagnosticCode.ROWS_DEPEND, DiagnosticCode.INCOMPLETE_ROWS]
    assert told[0].code.direction is Direction.TOO_HIGH
    assert "400 rows (29%)" in told[1].message
    assert of_facts(find_facts(walk[:, :1], walk[:, 1:], ordered=False)) == ()
