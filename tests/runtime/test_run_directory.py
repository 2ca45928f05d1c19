import json
from pathlib import Path

import pytest

from minecli.errors import DataError, OutputError, UsageError
from minecli.events import Event
from minecli.runtime.run_directory import EventLog, create_run, is_finished, open_run, read_events

CONFIG = {"seed": 0, "x": ["a"]}


def test_a_new_run_keeps_its_config(tmp_path):
    run = create_run(tmp_path / "deep" / "run", CONFIG)
    assert open_run(run.path).read_config() == CONFIG
    assert run.read_result() is None
    assert not is_finished(run)


def test_the_same_unfinished_run_is_taken_up(tmp_path):
    run = create_run(tmp_path / "run", CONFIG)
    run.write_result(json.dumps({"interrupted": True}))
    assert create_run(tmp_path / "run", {"seed": 0, "x": ("a",)}).path == run.path


def test_a_finished_run_is_not_overwritten(tmp_path):
    run = create_run(tmp_path / "run", CONFIG)
    run.write_result(json.dumps({"interrupted": False}))
    with pytest.raises(UsageError, match=r"holds a finished run \(choose another --run-dir, or show its result"):
        create_run(run.path, CONFIG)


def test_other_settings_are_refused(tmp_path):
    create_run(tmp_path / "run", CONFIG)
    with pytest.raises(UsageError, match="holds a run with other settings"):
        create_run(tmp_path / "run", {"seed": 1, "x": ["a"]})


def test_places_that_are_no_run(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file; --run-dir needs a folder"):
        create_run(tmp_path / "file", CONFIG)
    with pytest.raises(UsageError, match="is not empty and holds no run"):
        create_run(tmp_path, CONFIG)
    with pytest.raises(UsageError, match=r"holds no run: there is no config\.json"):
        open_run(tmp_path)
    with pytest.raises(UsageError, match="cannot write the run folder"):
        create_run(tmp_path / "file" / "run", CONFIG)


@pytest.mark.parametrize("content", ["{", "[1]", ""])
def test_damaged_config(tmp_path, content):
    run = create_run(tmp_path / "run", CONFIG)
    run.config_path.write_text(content)
    with pytest.raises(DataError, match="start the run again in another folder"):
        run.read_config()


def test_events_are_appended_and_a_cut_line_is_skipped(tmp_path):
    path = tmp_path / "events.ndjson"
    for step in (1, 2):
        log = EventLog(path)
        log(Event("mine", step, 10, {"held_out_nats": float("nan") if step == 1 else 0.5}))
        log.close()
    with open(path, "a") as file:
        file.write('{"stage": "mi')
    events = read_events(path)
    assert [e["step"] for e in events] == [1, 2]
    assert [e["values"]["held_out_nats"] for e in events] == [None, 0.5]
    assert read_events(tmp_path / "none") == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_ends_the_log_not_the_run():
    log = EventLog(Path("/dev/full"))
    for step in range(3):
        log(Event("mine", step))
    log.close()
    assert isinstance(log.failure, OutputError)
    assert "No space left on device" in str(log.failure)


def test_no_place_for_the_log(tmp_path):
    with pytest.raises(OutputError, match="No such file or directory"):
        EventLog(tmp_path / "none" / "events.ndjson")
