"""Wrong calls of the front door and data that cannot be used: each an error of its own that names the parameter."""

import pickle

import numpy as np
import pandas as pd
import pytest

import minecli
from minecli.api.wording import in_words_of_python

X = np.random.Generator(np.random.PCG64(0)).standard_normal((60, 2))
FRAME = pd.DataFrame({"a": X[:, 0], "b": X[:, 1]})
WRONG = {
    "unknown estimator": ((FRAME, "a", "b"), {"estimators": "kgs"}, "'kgs' is not known.*did you mean 'ksg'"),
    "unknown setting": ((FRAME, "a", "b"), {"estimators": {"ksg": {"kk": 1}}}, "no setting 'kk' .did you mean 'k'"),
    "refused setting": ((FRAME, "a", "b"), {"estimators": {"ksg": {"k": 0}}}, "k is 0; it must be a whole number"),
    "no estimator": ((FRAME, "a", "b"), {"estimators": 3}, "estimators is 3"),
    "no mapping": ((FRAME, "a", "b"), {"estimators": {"ksg": 3}}, "settings of ksg are 3"),
    "unknown column": ((FRAME, "a", "q"), {}, "^z: there is no column 'q'.*the columns are 'a', 'b'"),
    "no match": ((FRAME, "y*", "b"), {}, "^x: no column matches.*the columns are 'a', 'b'"),
    "overlap": ((FRAME, "a,b", "b"), {}, "^x and z overlap in 1 column: 'b'.*as in z='"),
    "no x": ((FRAME,), {}, "^x is missing"),
    "no column": ((FRAME, (), "b"), {}, "selection is empty"),
    "x and data": ((FRAME, FRAME["a"], "b"), {}, "x is of type Series; it must name columns"),
    "negative seed": ((FRAME, "a", "b"), {"seed": -1}, r"^seed is -1; .*try seed=0"),
    "seed of text": ((FRAME, "a", "b"), {"seed": "1"}, "seed is '1'; it must be a whole number"),
    "no level": ((FRAME, "a", "b"), {"confidence": 95}, r"confidence is 95.0; .*try confidence=0.95"),
    "level of text": ((FRAME, "a", "b"), {"confidence": "high"}, "confidence is 'high'; it must be a number"),
    "no sample": ((FRAME, "a", "b"), {"sample": 0}, "sample is 0; it must be a whole number of at least 1"),
    "half a sample": ((FRAME, "a", "b"), {"sample": 0.5}, "sample is 0.5; it must be a whole number"),
    "no thread": ((FRAME, "a", "b"), {"threads": 0}, "threads is 0"),
    "no device": ((FRAME, "a", "b"), {"device": "tpu"}, "device 'tpu' is not known.*try device='auto'"),
    "no policy": ((FRAME, "a", "b"), {"missing": "guess"}, "^missing is 'guess'"),
    "option for text": ((FRAME, "a", "b"), {"reading": {"delimiter": ";"}}, "^delimiter applies to text tables"),
    "unknown option": ((FRAME, "a", "b"), {"reading": {"delimeter": ";"}}, "did you mean 'delimiter'"),
    "format of a frame": ((FRAME, "a", "b"), {"reading": {"input_format": "csv"}}, "input_format is of files"),
    "type of an option": (
        (FRAME, "a", "b"),
        {"reading": {"skip_rows": "x"}},
        "skip_rows is 'x'; it must be a whole number",
    ),
    "no table": ((3, "a", "b"), {}, "data is of type int, which is no table"),
    "array for a table": ((X, "a", "b"), {}, "data is of type ndarray"),
    "standard input": (("-", "a", "b"), {}, "standard input"),
    "nothing": ((), {}, "^x is missing"),
    "no data": ((None, "a", "b"), {}, "x is 'a', and there is no data"),
    "shapes": ((), {"x": X, "z": X[:50]}, "^x has 60 rows and z has 50"),
    "three dimensions": ((), {"x": X[None], "z": X}, r"x has the shape \(1, 60, 2\)"),
    "no dimension": ((), {"x": 1.0, "z": X}, "x is float"),
    "ragged": ((), {"x": [[1, 2], [3]], "z": [1, 2]}, "x is no array"),
    "complex": ((), {"x": X * 1j, "z": X}, "array of complex128"),
}
UNUSABLE = {
    "no file": (("none.csv", "a", "b"), {}, "there is no file none.csv"),
    "nan": ((), {"x": np.where(np.arange(120).reshape(60, 2) == 7, np.nan, X), "z": X[:, 0]},
            "missing values in 1 of 60 rows: 'x1' 1 .missing='drop'"),
    "masked": ((), {"x": np.ma.masked_less(X, -1.5), "z": X[:, 0] ** 2}, "missing values in"),
    "infinite": ((), {"x": np.where(np.arange(120).reshape(60, 2) == 7, np.inf, X), "z": X[:, 0]},
                 "'x1' holds 1 infinite value, the first in row 3"),
    "none left": ((), {"x": [], "z": []}, "x is empty"),
    "one row": ((), {"x": [1.0], "z": [2.0]}, "only one row"),
    "few rows": ((), {"x": [1.0, 2.0], "z": [2.5, 1.0], "estimators": "ksg"}, "2 rows are too few"),
    "same names": ((pd.concat([FRAME, FRAME], axis=1), "a", "b"), {}, "same column name more than once"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_calls(case):
    arguments, options, said = WRONG[case]
    with pytest.raises(minecli.UsageError, match=said) as caught:
        minecli.estimate(*arguments, **options)
    assert "--" not in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).hint == caught.value.hint


@pytest.mark.parametrize("case", UNUSABLE)
def test_unusable_data(case):
    arguments, options, said = UNUSABLE[case]
    with pytest.raises(minecli.DataError, match=said) as caught:
        minecli.estimate(*arguments, **options)
    assert "--" not in str(caught.value)


def test_a_missing_device_is_no_silent_fallback(monkeypatch):
    monkeypatch.setattr("minecli.runtime.device.cuda_devices", lambda: ())
    with pytest.raises(minecli.DeviceError, match=r"'cuda' is not available.*try device='cpu'"):
        minecli.estimate(FRAME, "a", "b", device="cuda")


def test_want_of_memory_is_said_as_such():
    with pytest.raises(minecli.MemoryShort), in_words_of_python():
        raise MemoryError
    with pytest.raises(ZeroDivisionError), in_words_of_python():
        raise ZeroDivisionError


def test_what_later_estimators_cannot_do_is_in_the_result(monkeypatch):
    def fails(*_):
        raise minecli.MemoryShort("too little memory for mine")

    monkeypatch.setattr("minecli.estimators.neural.mine.estimate_mine", fails)
    with pytest.warns(RuntimeWarning, match="not complete: too little memory for mine"):
        result = minecli.estimate(FRAME, "a", "b", estimators=["mine", "gaussian"])
    assert [e.estimator for e in result.estimates] == ["gaussian"]
    assert result.to_dict()["failure"] == "too little memory for mine"
    assert "too little memory for mine" in result._repr_html_()


def test_series_whose_rows_are_not_the_same_are_refused():
    with pytest.raises(minecli.UsageError, match="the indices of x and z differ"):
        minecli.estimate(x=FRAME["a"], z=FRAME["b"].iloc[::-1], estimators="ksg")


def test_threads_are_given_back(monkeypatch):
    import os

    import torch

    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    before = torch.get_num_threads()
    minecli.estimate(FRAME, "a", "b", estimators="gaussian", threads=1)
    with pytest.raises(minecli.UsageError, match="threads is 100000000000000000000; it must be at most"):
        minecli.estimate(FRAME, "a", "b", estimators="gaussian", threads=10**20)
    assert (os.environ["OMP_NUM_THREADS"], torch.get_num_threads()) == ("2", before)
