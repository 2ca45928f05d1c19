"""Which classes are answered as which, as a table and as a picture."""

import itertools

import pytest

from minecli.report.confusion import Confusion, confusion_columns, confusion_figure, least_confused


def matrix(count):
    return [[9 if i == j else 1 if abs(i - j) == 1 else 0 for j in range(count)] for i in range(count)]


def confusion(count, name="class"):
    return Confusion("dvb", [f"{name} {i}" for i in range(count)], matrix(count))


def entry(method, error, *matrices):
    return {
        "method": method,
        "summary": {"error_percent": {"mean": error}},
        "seeds": [{"confusion": m} for m in matrices],
    }


def test_the_method_with_the_least_error_is_shown_and_its_seeds_are_summed():
    diverged = {"method": "mine", "summary": {}, "seeds": [{"confusion": None}, {}]}
    payload = {
        "data": {},
        "methods": [diverged, entry("a", 2.0, [[1, 0], [0, 1]]), entry("b", 1.0, [[1, 0], [1, 0]], [[2, 0], [0, 1]])],
    }
    found = least_confused(payload)
    assert (found.method, found.classes, found.counts) == ("b", ["0", "1"], [[3, 0], [1, 1]])
    assert least_confused({"data": {}, "methods": [diverged]}) is None


def test_the_table_is_in_per_cent_of_each_class():
    head, names, columns = confusion_columns(Confusion("dvb", ["no", "yes", "none"], [[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
    assert (head, names) == ("dvb: % of", ["no", "yes", "none"])
    assert columns == {
        "as no": ["75.0", "0.0", "-"], "as yes": ["25.0", "100.0", "-"], "as none": ["0.0", "0.0", "-"],
    }  # fmt: skip
    assert confusion_columns(confusion(13)) == ("", [], {})


@pytest.mark.parametrize("count", [2, 10, 40])
def test_labels_of_the_picture_do_not_collide(count):
    figure = confusion_figure(confusion(count, "a class with quite a long name"))
    figure.canvas.draw()
    (axis,) = figure.axes
    for labels in (axis.get_xticklabels(), axis.get_yticklabels()):
        boxes = [label.get_window_extent() for label in labels]
        assert len(boxes) == count
        assert not any(a.overlaps(b) for a, b in itertools.pairwise(boxes))
    inside = figure.bbox
    assert all(inside.x0 <= b.x0 and b.x1 <= inside.x1 and inside.y0 <= b.y0 and b.y1 <= inside.y1 for b in boxes)


def test_too_many_classes_are_not_drawn():
    assert confusion_figure(confusion(41)) is None
