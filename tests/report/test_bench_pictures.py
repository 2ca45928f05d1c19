"""Tables and pictures of benchmarks, from payloads written by hand."""

import io
import itertools
import xml.etree.ElementTree as ElementTree

import pytest

from minecli.report.bench_figures import pictures, suite_picture
from minecli.report.bench_tables import bench_markdown, bench_table, list_table
from minecli.report.figure_style import estimator_styles
from minecli.report.formats import to_csv, to_json
from minecli.report.paper_figures import fig1_picture, fig2_picture, regime
from minecli.report.payload import answer_records, bench_payload


def coverage(covered, intervals):
    low, high = (0.2, 0.8) if intervals else (None, None)
    share = covered / intervals if intervals else None
    return {"covered": covered, "intervals": intervals, "share": share, "low": low, "high": high}


def answer(estimator, mean, truth, **more):
    error = None if mean is None else mean - truth
    return {
        "estimator": estimator, "runs": 2, "valued": 0 if mean is None else 2, "failed": 2 if mean is None else 0,
        "mean_nats": mean, "error_nats": error, "covered": 1, "intervals": 2, "median_seconds": 1.25,
        "statuses": {"converged": 2}, "diagnostics": {},
    } | more  # fmt: skip


def records_of(task):
    for given in task["answers"]:
        for seed, step in ((0, -0.02), (1, 0.02)):
            value = None if given["mean_nats"] is None else given["mean_nats"] + step
            interval = None if value is None else {"low_nats": value - 0.1, "high_nats": value + 0.1, "level": 0.95}
            yield {
                "spec": task["spec"], "estimator": given["estimator"], "seed": seed, "mi_nats": value,
                "interval": interval, "status": "failed" if value is None else "converged",
                "message": "too few rows" if value is None else "", "n": 100,
            }  # fmt: skip


def payload(command, tasks, **config):
    names = list(dict.fromkeys(a["estimator"] for task in tasks for a in task["answers"]))
    row = {
        "cells": 4, "valued": 4, "failed": 0, "mean_absolute_error_nats": 0.1, "median_absolute_error_nats": 0.05,
        "mean_error_nats": -0.01, "worst_error_nats": -0.4, "worst_spec": "b", "worst_seed": 1,
        "coverage": coverage(3, 4), "coverage_weak": coverage(0, 0), "median_seconds": 1.0, "max_seconds": 2.0,
        "coverage_by_task": [{"spec": "b", "covered": 1, "intervals": 2, "error_nats": -0.4},
                             {"spec": "a", "covered": 2, "intervals": 2, "error_nats": 0.0}],
    }  # fmt: skip
    records = [r for task in tasks for r in records_of(task)]
    return bench_payload(
        {"command": command, "rows": 100, "seeds": [0, 1], "fresh": None, "estimators": {n: {} for n in names}}
        | config,
        {},
        cells=len(records) + 1,
        tasks=tasks,
        estimators=[{"estimator": name} | row for name in names],
        records=records,
    )


def task(spec, truth, *answers, group="g", **place):
    return {"spec": spec, "task": "t", "group": group, "place": place, "n": 100, "true_mi_nats": truth,
            "answers": list(answers)}  # fmt: skip


SUITE = payload(
    "bench suite",
    [
        task("a", 0.5, answer("mine", 0.45, 0.5, diagnostics={"near-log-n-ceiling": 1}), answer("ksg", 0.51, 0.5)),
        task("b", 2.0, answer("mine", 1.6, 2.0), answer("ksg", None, 2.0), group="h"),
        task("c", 0.1, answer("mine", 0.1, 0.1), answer("ksg", 0.1, 0.1)),
    ],
)
FIG1 = payload(
    "bench fig1",
    [
        task(f"{d} {r}", t, answer("mine", t, t), answer("ksg", t - 0.1, t), group=f"d = {d}", d=d, rho=r)
        for d in (1, 20)
        for r, t in ((0.0, 0.0), (0.5, 0.3), (-0.5, 0.3))
    ],
)
FIG2 = payload(
    "bench fig2",
    [
        task(f"{f} {s}", 0.5, answer("mine", 0.4, 0.5), group=f, function=f, sigma=s)
        for f in ("identity", "sine")
        for s in (0.1, 0.2)
    ],
    equal_snr=False,
    dim=2,
)


def test_the_table_says_truth_estimates_marks_failures_and_what_is_left():
    text = bench_table(SUITE)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[2].split() == ["a", "0.500", "truth"]
    assert lines[3].split() == ["mine", "0.450^", "-0.050", "1/2", "1.2"]
    assert "^ near the most that so many rows can certify" in text
    assert "failed: b, seed 0, ksg: too few rows" in text
    assert "mine: furthest off on b, seed 1." in text
    assert "3 of 4 (20 to 80 %)." in text
    assert "1 of 13 cells are not done yet." in text
    assert "\x1b[" in bench_table(SUITE, color=True)


def test_a_long_name_fits_a_line_of_80():
    name = "spiral-normal_cdf-multinormal-sparse-25-25-2-2.0"
    text = bench_table(payload("bench suite", [task(name, 1.022, answer("mixed-ksg", 0.068, 1.022))]))
    assert f"\n{name} " in text


def test_an_empty_run_has_a_table_too():
    assert "1 of 1 cells are not done yet." in bench_table(payload("bench suite", []))
    assert pictures(payload("bench suite", [])) == {}


def test_markdown_has_one_line_per_task_and_per_estimator():
    lines = bench_markdown(SUITE).splitlines()
    assert "| `a` | 0.500 | 0.450^ (-0.050, 1/2, 1.2 s) | 0.510 (+0.010, 1/2, 1.2 s) |" in lines
    assert "| `b` | 2.000 | 1.600 (-0.400, 1/2, 1.2 s) | failed |" in lines
    widths = {line.count("|") for line in lines if line.startswith(("| `", "| task", "|---|---|---|---|"))}
    assert 5 in widths
    assert (
        "| mine | 4/4 | 0.100 | 0.050 | -0.010 | -0.400 (`b`) | 3 of 4 (20 to 80 %) |  | `b` 1/2 | 1.0 | 2.0 |" in lines
    )


def test_csv_and_json():
    rows = to_csv(answer_records(FIG1)).splitlines()
    assert rows[0].startswith("spec,group,d,rho,true_mi_nats,estimator,mean_nats,error_nats")
    assert len(rows) == 1 + 6 * 2
    assert '"cells_failed": 2' in to_json(SUITE)


def test_list():
    text = list_table([{"spec": "a", "x_columns": 2, "z_columns": 1, "true_mi_nats": 0.5}])
    assert text.splitlines()[2].split() == ["a", "2", "+", "1", "0.500"]


@pytest.mark.parametrize("content", [SUITE, FIG1, FIG2], ids=lambda p: p["command"])
def test_pictures_are_png_and_svg_and_the_same_each_time(content):
    name = content["command"].split()[1]
    drawn = pictures(content)
    assert set(drawn) == {f"{name}.png", f"{name}.svg"}
    assert drawn[f"{name}.png"].startswith(b"\x89PNG")
    assert ElementTree.parse(io.BytesIO(drawn[f"{name}.svg"])).getroot().tag.endswith("svg")
    assert drawn == pictures(content)


def labels(axes):
    return [text.get_text() for text in axes.get_yticklabels()]


def test_the_suite_picture_puts_groups_together_and_marks_every_truth():
    figure = suite_picture(SUITE)
    left, right = figure.axes
    assert labels(left) == ["a", "c", "b"]
    ticks = [line for line in left.lines if line.get_linewidth() == 2.2]
    assert [line.get_xdata()[0] for line in ticks] == [0.5, 0.1, 2.0]
    means = [float(line.get_xdata()[0]) for line in right.lines if line.get_marker() == "o"]
    assert means == pytest.approx([-0.05, 0.0, -0.4])


def test_labels_of_neighbouring_tasks_do_not_touch():
    many = [task(f"task-number-{i}", 0.5, answer("mine", 0.4, 0.5), answer("ksg", 0.4, 0.5)) for i in range(40)]
    figure = suite_picture(payload("bench suite", many))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].get_yticklabels()]
    ordered = sorted(boxes, key=lambda box: box.y0)
    assert all(a.y1 <= b.y0 for a, b in itertools.pairwise(ordered))
    assert all(box.x0 >= 0 for box in boxes)


def test_figure_1_has_a_panel_per_dimension_in_order_of_rho():
    figure = fig1_picture(FIG1)
    assert [axes.get_title() for axes in figure.axes] == ["d = 1", "d = 20"]
    truth = figure.axes[0].lines[0]
    assert list(truth.get_xdata()) == [-0.5, 0.0, 0.5]
    assert list(truth.get_ydata()) == [0.3, 0.0, 0.3]


def test_doubtful_points_of_figure_1_are_hollow():
    doubt = payload(
        "bench fig1",
        [task("a", 9.0, answer("mine", 8.0, 9.0, diagnostics={"near-log-n-ceiling": 2}), group="d = 20", rho=0.9)],
    )
    figure = fig1_picture(doubt)
    drawn = [line for line in figure.axes[0].lines if line.get_marker() == "o" and len(line.get_xdata())]
    faces = [line.get_markerfacecolor() for line in drawn]
    assert faces == ["white"]
    assert any("hollow" in text.get_text() for text in figure.legends[0].get_texts())


def test_figure_2_writes_estimate_truth_and_difference_in_the_cells():
    estimate, truth, difference = fig2_picture(FIG2).axes
    assert [t.get_text() for t in estimate.texts] == ["0.40"] * 4
    assert [t.get_text() for t in truth.texts] == ["0.50"] * 4
    assert [t.get_text() for t in difference.texts] == ["-0.10"] * 4
    assert labels(estimate) == ["identity", "sine"]


def test_regimes():
    fresh = {"evaluation_rows": 65536, "plain": True}
    estimators = {"mine": {"batch_size": 512}, "ksg": {"k": 3}}
    assert regime({"config": {"rows": 100, "fresh": fresh, "estimators": estimators}}) == (
        "the paper's plain network, new rows at every step, evaluated on 65,536 more; ksg: samples of 100 rows"
    )


def test_estimators_have_colours_and_markers_of_their_own():
    from minecli.estimators.registry import ESTIMATORS

    names = [*ESTIMATORS, "one", "two", "three"]
    assert len({color for color, _ in estimator_styles(names).values()}) == len(names)
    # Known ones look the same whoever stands beside them.
    assert all(estimator_styles([name]) == {name: estimator_styles(names)[name]} for name in ESTIMATORS)
