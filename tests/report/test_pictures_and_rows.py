import io

import numpy as np
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from minecli.errors import UsageError
from minecli.report.figures import curves_from, learning_curve
from minecli.report.pointwise import pointwise_bytes, pointwise_format

TERMS = {"mine": np.array([0.5, np.nan, -1.0]), "mine-f": [1.0, 2.0, 3.0]}
ROWS = np.array([0, 4, 9])


def event(stage, step, **values):
    return {"stage": stage, "step": step, "values": values}


def test_repeats_share_the_panel_of_their_estimator(monkeypatch):
    from matplotlib.figure import Figure

    sizes = []
    plain = Figure.__init__

    def noting(self, *args, **kwargs):
        sizes.append(kwargs["figsize"][1])
        plain(self, *args, **kwargs)

    monkeypatch.setattr(Figure, "__init__", noting)
    curves = curves_from([event(s, i, held_out_nats=0.1 * i) for s in ("mine", "mine (repeat 2)") for i in range(3)])
    assert len(curves) == 2
    estimate = {"estimator": "mine", "mi_nats": 0.2, "interval": None}
    assert learning_curve(curves, {"data": {"n": 10}, "estimates": [estimate]}).startswith(b"\x89PNG")
    assert sizes == [pytest.approx(3.4)]


def test_curves():
    curves = curves_from(
        [
            event("mine", 2, held_out_nats=0.2, rate=0.1),
            event("mine", 1, held_out_nats=0.1),
            event("mine", 2, held_out_nats=0.3),
            event("mine", 3, held_out_nats=None),
            event("ksg", 1, held_out_nats=1.0),
        ]
    )
    assert [(c.stage, c.label, c.steps, c.values) for c in curves] == [("mine", "held out", (1, 2), (0.1, 0.3))]


def test_learning_curve_is_a_picture_and_the_same_each_time():
    curves = curves_from([event("mine", s, held_out_nats=0.1 * s, training_nats=0.2 * s) for s in range(5)])
    entry = {"estimator": "mine", "mi_nats": 0.4, "interval": {"low_nats": 0.3, "high_nats": 0.5}}
    payload = {"data": {"n": 100}, "estimates": [entry]}
    first = learning_curve(curves, payload)
    assert first.startswith(b"\x89PNG")
    assert first == learning_curve(curves, payload)
    assert first != learning_curve(curves, {"data": {"n": 100}, "estimates": []})


@pytest.mark.parametrize(("name", "read"), [("a.csv", pacsv.read_csv), ("a.parquet", pq.read_table)])
def test_pointwise(name, read):
    table = read(io.BytesIO(pointwise_bytes(name, ROWS, TERMS))).to_pydict()
    assert table == {
        "row": [0, 4, 9],
        "log_ratio_mine_nats": [0.5, None, -1.0],
        "log_ratio_mine_f_nats": [1.0, 2.0, 3.0],
    }


def test_pointwise_unknown_ending():
    with pytest.raises(UsageError, match=r"the ending of 'a\.txt' names no known format; allowed are \.csv and"):
        pointwise_format("a.txt")
