"""Pictures of `minecli ib`: what is drawn of which run, and that the numbers drawn are those of the run."""

import io
from xml.etree import ElementTree

import numpy as np
import pytest

from minecli.report import figure_style
from minecli.report.ib_figures import pictures


def evaluation(step, **metrics):
    values = {"information_nats": 0.1 * step, "loss_nats": 1.0 / step, "divergence_nats": None}
    return {"step": step, **values, "metrics": metrics}


def entry(method, *errors, points=(), evaluations=(), spread=0.3):
    value = {"mean": float(np.mean(errors)), "standard_error": spread} if errors else {"mean": None}
    seeds = [{"seed": i, "metrics": {"error_percent": e}, "history": list(evaluations)} for i, e in enumerate(errors)]
    choosing = [
        {"beta": b, "near_ceiling": x is not None and x > 3.0,
         "summary": {"information_nats": {"mean": x}, "label_information_nats": {"mean": y}}}
        for b, x, y in points
    ]  # fmt: skip
    summary = {"error_percent": value} if errors else {}
    return {"method": method, "seeds": seeds, "summary": summary, "binomial_error_percent": 0.4, "choosing": choosing}


POINTS = ((1.0, 0.5, 1.0), (0.001, 4.0, 2.2), (0.1, 2.0, 2.1))
MINE = entry(
    "mine-additive",
    1.0,
    1.4,
    points=POINTS,
    evaluations=(evaluation(10, error_percent=3.0), evaluation(20, error_percent=1.0)),
)
BASELINE = entry("baseline", 1.5)


def payload(*methods):
    return {"methods": list(methods)}


def codes(method="mine-additive", n=60):
    return method, np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32), np.arange(n) % 3


@pytest.fixture
def figures(monkeypatch):
    """The figures themselves, by name without ending, instead of files."""
    monkeypatch.setattr(figure_style, "image", lambda figure, kind: figure)

    def draw(methods, scatters=(), classes=("a", "b", "c")):
        found = pictures(scatters, classes, payload(*methods))
        return {name.removesuffix(".png"): f for name, f in found.items() if name.endswith("png")}

    return draw


def test_png_and_svg_the_same_each_time():
    drawn = pictures([codes()], ("a", "b", "c"), payload(MINE, BASELINE))
    names = ("errors", "curves", "plane", "codes")
    assert set(drawn) == {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    assert all(content.startswith(b"\x89PNG") for name, content in drawn.items() if name.endswith("png"))
    for name in names:
        assert ElementTree.parse(io.BytesIO(drawn[f"{name}.svg"])).getroot().tag.endswith("svg")
    # Without a plane, curves and codes the errors are the same picture.
    again = pictures([], (), payload(entry("mine-additive", 1.0, 1.4), BASELINE))
    assert again == {name: drawn[name] for name in ("errors.png", "errors.svg")}


def test_errors_with_both_standard_errors_and_every_seed(figures):
    axis = figures([MINE, BASELINE])["errors"].axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["mine-additive", "baseline"]
    seeds = next(line for line in axis.lines if line.get_marker() == "|")
    assert list(seeds.get_xdata()) == [1.0, 1.4]
    bar = axis.containers[0].lines[2][0].get_segments()[0]
    # Twice the root of 0.3 squared, over seeds, and 0.4 squared, over test rows.
    assert np.allclose(bar[:, 0], [1.2 - 1.0, 1.2 + 1.0])
    # The first method is on top.
    assert axis.get_ylim()[0] > axis.get_ylim()[1]


def test_one_seed_has_the_error_of_the_test_set(figures):
    axis = figures([entry("dvb", 2.0, spread=None)])["errors"].axes[0]
    assert np.allclose(axis.containers[0].lines[2][0].get_segments()[0][:, 0], [1.2, 2.8])


def test_every_beta_is_a_point_of_the_plane(figures):
    axis = figures([MINE, BASELINE])["plane"].axes[0]
    assert len(axis.lines) == 4
    assert [line.get_markerfacecolor() == "white" for line in axis.lines[1:]] == [True, False, False]
    assert list(axis.lines[0].get_xdata()) == [4.0, 2.0, 0.5]
    assert list(axis.lines[0].get_ydata()) == [2.2, 2.1, 1.0]
    assert [text.get_text() for text in axis.texts] == ["0.001", "0.1", "1"]


def known(low, high):
    return {"information_low_nats": {"mean": low}, "information_high_nats": {"mean": high}}


def test_the_plane_shows_what_is_known_where_it_is(figures):
    method = entry("minibatch", 1.0, points=((0.01, 9.0, 2.2), (0.1, 2.0, 2.1)))
    method["choosing"][0]["summary"] |= known(6.0, 8.0)
    method["choosing"][1]["summary"] |= known(None, 5.0)
    axis = figures([method])["plane"].axes[0]
    assert list(axis.lines[0].get_xdata()) == [7.0, 2.0]
    bars = [list(line.get_xdata()) for line in axis.lines if line.get_marker() == "|"]
    assert bars == [[6.0, 8.0], [2.0, 5.0]]


def test_labels_of_points_close_to_each_other_stand_apart(figures):
    near = [(0.001 * (i + 1), 2.0 + 0.01 * i, 2.0) for i in range(5)]
    figure = figures([entry("dvb", 1.0, points=(*near, (1.0, 0.1, 0.2)))])["plane"]
    renderer = figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_one_beta_makes_no_plane(figures):
    assert "plane" not in figures([entry("dvb", 1.0, points=POINTS[:1]), BASELINE])
    unknown = entry("dvb", 1.0, points=((0.1, None, 1.0), (1.0, None, 2.0)))
    assert "plane" not in figures([unknown])


def test_methods_without_an_error_are_left_out(figures):
    found = figures([entry("dvb"), BASELINE])
    assert [label.get_text() for label in found["errors"].axes[0].get_yticklabels()] == ["baseline"]
    assert figures([entry("dvb")]) == {}


def test_curves_of_what_was_watched(figures):
    axes = figures([MINE])["curves"].axes
    shown = {a.get_title(): list(a.lines[0].get_ydata()) for a in axes if a.get_visible()}
    assert shown["error percent"] == [3.0, 1.0]
    assert shown["loss nats"] == [0.1, 0.05]
    assert "divergence nats" not in shown
    assert "curves" not in figures([BASELINE])


def test_codes_have_a_colour_per_class(figures):
    figure = figures([MINE], [codes(), codes("dvb")])["codes"]
    assert [a.get_title() for a in figure.axes] == ["mine-additive", "dvb"]
    points = figure.axes[0].collections[0]
    assert np.allclose(points.get_offsets(), codes()[1])
    colours = {tuple(c) for c in points.get_facecolors()}
    assert len(colours) == 3
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b", "c"]
    assert "codes" not in figures([MINE])


def test_of_many_classes_ten_are_named(figures):
    method, rows, _ = codes()
    names = tuple(f"class {i}" for i in range(13))
    figure = figures([MINE], [(method, rows, np.arange(60) % 13)], names)["codes"]
    assert len(figure.legends[0].get_texts()) == 10
