import errno
import os

import numpy as np
import pytest
import torch
from damage import DAMAGES

from minecli.errors import DataError, OutputError, UsageError
from minecli.runtime.checkpoint import (
    PeriodicCheckpoint,
    checkpoint_path,
    fingerprint,
    load_checkpoint,
    previous_path,
    remove_checkpoint,
    resume_from,
    save_checkpoint,
)


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


def test_torch_can_read_the_file(tmp_path):
    save_checkpoint(tmp_path / "c.pt", {"weights": torch.arange(3.0)}, fingerprint="f")
    assert torch.equal(torch.load(tmp_path / "c.pt", weights_only=True)["state"]["weights"], torch.arange(3.0))


def test_every_flipped_bit_is_refused(tmp_path):
    path = tmp_path / "c.pt"
    save_checkpoint(path, {"weights": torch.arange(4.0), "step": 1}, fingerprint="f")
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        content = bytearray(whole)
        content[at] ^= 1 << at % 8
        path.write_bytes(bytes(content))
        with pytest.raises(DataError, match="cannot be read") as refused:
            load_checkpoint(path, fingerprint="f")
        assert "weights_only" not in str(refused.value)


def test_a_checkpoint_of_an_earlier_version_has_no_checksum(tmp_path):
    torch.save({"format": 1, "fingerprint": "f", "state": {"step": 7}}, tmp_path / "c.pt")
    assert load_checkpoint(tmp_path / "c.pt", fingerprint="f") == {"step": 7}
    torch.save({"format": 2, "fingerprint": "f", "state": {"step": 7}}, tmp_path / "c.pt")
    with pytest.raises(DataError, match="its checksum is missing"):
        load_checkpoint(tmp_path / "c.pt", fingerprint="f")


@pytest.mark.parametrize("odd", [torch.arange(3), [1], None, {"a": 1}])
def test_what_only_looks_like_a_checkpoint(tmp_path, odd):
    for content in ({"format": odd}, {"format": 1, "fingerprint": odd}, odd):
        torch.save(content, tmp_path / "c.pt")
        with pytest.raises(UsageError, match=r"another version|other data or other settings"):
            load_checkpoint(tmp_path / "c.pt", fingerprint="f")
    torch.save({"format": 1, "fingerprint": "f", "state": 3}, tmp_path / "c.pt")
    with pytest.raises(DataError, match="it holds no state"):
        load_checkpoint(tmp_path / "c.pt", fingerprint="f")


@pytest.fixture
def saved(tmp_path):
    """A checkpoint of step 2, and that of step 1 before it."""
    path = checkpoint_path(tmp_path, "mine")
    periodic = PeriodicCheckpoint(path, "f", pytest.fail)
    for step in (1, 2):
        periodic.save({"step": step}, at_once=True)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["checkpoint-mine.previous.pt", "checkpoint-mine.pt"]
    return path


def test_a_checkpoint_that_cannot_be_written_costs_neither_the_one_before_nor_leaves_anything(saved, monkeypatch):
    def full(*_, **__):
        raise OutputError("cannot write: No space left on device")

    said = []
    monkeypatch.setattr("minecli.runtime.checkpoint.save_checkpoint", full)
    periodic = PeriodicCheckpoint(saved, "f", said.append)
    for _ in range(3):
        periodic.save({"step": 3}, at_once=True)
    assert said == ["no checkpoint: cannot write: No space left on device"] * 3
    assert sorted(each.name for each in saved.parent.iterdir()) == [previous_path(saved).name, saved.name]
    assert taken_up(saved) == ([2], [])


def taken_up(path, load=None):
    states, said = [], []
    resume_from(path, fingerprint="f", load=load or states.append, say=said.append)
    return [state["step"] for state in states], said


def test_the_newest_is_taken_up(saved):
    assert taken_up(saved) == ([2], [])
    saved.unlink()  # killed while the one was to replace the other, on a file system without links
    assert taken_up(saved) == ([1], [])
    previous_path(saved).unlink()
    assert taken_up(saved) == ([], [])


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_one_before_is_taken_up_where_the_newest_is_damaged(saved, damage):
    DAMAGES[damage](saved)
    steps, (said,) = taken_up(saved)
    assert steps == [1]
    assert "checkpoint-mine.pt' cannot be read: " in said
    assert said.endswith("; going on from the one before")


def test_none_is_taken_up_where_both_are_damaged(saved):
    saved.write_bytes(b"")
    previous_path(saved).write_bytes(b"")
    with pytest.raises(DataError, match=r"checkpoint-mine\.pt' cannot be read"):
        taken_up(saved)


def test_a_state_that_does_not_fit_is_damage_too(saved):
    def load(state):
        raise KeyError("network")

    with pytest.raises(DataError, match="it is not what this version of minecli wrote"):
        taken_up(saved, load)


def test_another_run_is_not_looked_for_in_the_one_before(saved):
    save_checkpoint(saved, {"step": 3}, fingerprint="another")
    with pytest.raises(UsageError, match="other settings"):
        taken_up(saved)


def test_both_are_removed_when_the_work_is_done(saved):
    remove_checkpoint(saved)
    assert list(saved.parent.iterdir()) == []
    remove_checkpoint(saved)


def test_a_file_system_without_links(saved, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "no links")

    monkeypatch.setattr(os, "link", refuse)
    PeriodicCheckpoint(saved, "f", pytest.fail).save({"step": 3}, at_once=True)
    assert taken_up(saved) == ([3], [])
    saved.write_bytes(b"")
    assert taken_up(saved)[0] == [2]


def test_what_stands_in_its_place_is_told(tmp_path):
    (tmp_path / "c.pt").mkdir()
    said = []
    PeriodicCheckpoint(tmp_path / "c.pt", "f", said.append).save({"step": 1}, at_once=True)
    assert said == [f"no checkpoint: cannot write '{tmp_path / 'c.pt'}': it is no regular file"]
