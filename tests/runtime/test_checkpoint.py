import numpy as np
import pytest
import torch

from minecli.errors import DataError, UsageError
from minecli.runtime.checkpoint import fingerprint, load_checkpoint, save_checkpoint


def test_round_trip(tmp_path):
    path = tmp_path / "c.pt"
    state = {"weights": torch.arange(3.0), "step": 7, "nested": {"a": [1, 2.5, "x"]}}
    save_checkpoint(path, state, fingerprint="f")
    loaded = load_checkpoint(path, fingerprint="f")
    assert torch.equal(loaded["weights"], state["weights"])
    assert (loaded["step"], loaded["nested"]) == (7, {"a": [1, 2.5, "x"]})


def test_another_run_is_refused(tmp_path):
    save_checkpoint(tmp_path / "c.pt", {}, fingerprint="f")
    with pytest.raises(UsageError, match="belongs to other data or other settings"):
        load_checkpoint(tmp_path / "c.pt", fingerprint="g")


def test_another_format_is_refused(tmp_path):
    torch.save({"format": 0}, tmp_path / "c.pt")
    with pytest.raises(UsageError, match="written by another version"):
        load_checkpoint(tmp_path / "c.pt", fingerprint="f")


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_damaged_file(tmp_path, content):
    path = tmp_path / "c.pt"
    if content is None:
        save_checkpoint(path, {"weights": torch.ones(1000)}, fingerprint="f")
        content = path.read_bytes()[:1500]
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be read: .+\(remove it and start again\)"):
        load_checkpoint(path, fingerprint="f")


def test_no_code_from_the_file(tmp_path):
    torch.save({"format": 1, "fingerprint": "f", "state": {"x": print}}, tmp_path / "c.pt")
    with pytest.raises(DataError):
        load_checkpoint(tmp_path / "c.pt", fingerprint="f")


def test_fingerprint_sees_values_shapes_types_and_config():
    a = np.arange(6.0)
    marks = {
        fingerprint({"s": 0}, a),
        fingerprint({"s": 1}, a),
        fingerprint({"s": 0}, a.reshape(2, 3)),
        fingerprint({"s": 0}, a.reshape(3, 2)),
        fingerprint({"s": 0}, a.astype(np.float32)),
        fingerprint({"s": 0}, a + 1e-12),
        fingerprint({"s": 0}, a, a),
    }
    assert len(marks) == 7
    strided = np.arange(12.0)[::2]
    assert fingerprint({}, strided) == fingerprint({}, strided.copy())
