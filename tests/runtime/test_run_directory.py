import json
import os
from pathlib import Path

import pytest

from minecli.errors import DataError, OutputError, UsageError
from minecli.events import Event
from minecli.runtime.run_directory import EventLog, create_run, open_run, read_events
from minecli.runtime.writing import write_text

CONFIG = {"seed": 0, "x": ["a"]}


def test_a_new_run_keeps_its_config(tmp_path):
    run = create_run(tmp_path / "deep" / "run", CONFIG)
    assert open_run(run.path).read_config() == CONFIG
    assert run.read_result() is None
    assert run.new


def test_the_same_unfinished_run_is_taken_up(tmp_path):
    run = create_run(tmp_path / "run", CONFIG)
    run.write_result(json.dumps({"interrupted": True}))
    assert create_run(tmp_path / "run", {"seed": 0, "x": ("a",)}).path == run.path


def test_a_finished_run_is_not_overwritten(tmp_path):
    run = create_run(tmp_path / "run", CONFIG)
    run.write_result(json.dumps({"interrupted": False}))
    again = create_run(run.path, CONFIG)
    assert (again.read_result(), again.new) == ({"interrupted": False}, False)


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


def events_of(path, *lines):
    path.write_text("".join(line + "\n" for line in lines))
    return read_events(path)


def test_what_is_no_event_is_left_out(tmp_path):
    good = '{"stage": "mine", "step": 1, "values": {"held_out_nats": 0.5}}'
    odd = ("[1]", "NaN", '{"stage": "mine"}', good.replace("0.5", '"a"'), good.replace("0.5", "1e999"), "[" * 100_000)
    assert len(events_of(tmp_path / "events.ndjson", good, *odd, good)) == 2


def test_a_line_cut_short_does_not_spoil_the_next(tmp_path):
    path = tmp_path / "events.ndjson"
    path.write_text('{"stage": "mi')
    log = EventLog(path)
    log(Event("mine", 3))
    log.close()
    assert [event["step"] for event in read_events(path)] == [3]


@pytest.mark.parametrize(
    "left", [(), (".lock",), (".config.json.999999999-0123abcd.partial", "checksums.json"), ("events.ndjson",)]
)
def test_what_a_killed_start_has_left_is_no_hindrance(tmp_path, left):
    path = tmp_path / "run"
    path.mkdir()
    for name in left:
        (path / name).write_text("")
    assert create_run(path, CONFIG).new
    assert open_run(path).read_config() == CONFIG
    assert not list(path.glob(".*"))


@pytest.mark.parametrize("name", ["data.json", "notes.txt", "a.partial", "checkpoint-mine.pt"])
def test_what_is_someones_own_is_left_alone(tmp_path, name):
    (tmp_path / name).write_text("")
    with pytest.raises(UsageError, match="is not empty and holds no run"):
        create_run(tmp_path, CONFIG)
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_an_event_log_with_events_is_no_leftover(tmp_path):
    (tmp_path / "events.ndjson").write_text("{}\n")
    with pytest.raises(UsageError, match="is not empty"):
        create_run(tmp_path, CONFIG)


def failing(run, *files):
    def work():
        with run.working():
            run.remember_data("f")
            EventLog(run.events_path).close()
            for name in files:
                (run.path / name).write_text("{}")
            raise DataError("too few rows")

    with pytest.raises(DataError, match="too few rows"):
        work()


def test_a_start_that_fails_leaves_no_trace(tmp_path):
    run = create_run(tmp_path / "deep" / "run", CONFIG)
    failing(run)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty").mkdir()
    failing(create_run(tmp_path / "empty", CONFIG))
    assert [each.name for each in tmp_path.iterdir()] == ["empty"]
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.parametrize("name", ["checkpoint-mine.pt", "records.ndjson", "estimate.json", "samples-gan.parquet"])
def test_what_a_failed_run_has_come_to_stays(tmp_path, name):
    run = create_run(tmp_path / "run", CONFIG)
    failing(run, name)
    assert (run.path / name).exists()
    assert open_run(run.path).read_config() == CONFIG


def test_a_run_that_was_there_before_is_never_undone(tmp_path):
    create_run(tmp_path / "run", CONFIG)
    failing(create_run(tmp_path / "run", CONFIG))
    failing(open_run(tmp_path / "run"))
    assert open_run(tmp_path / "run").read_config() == CONFIG


def test_who_is_refused_undoes_nothing(tmp_path):
    first = create_run(tmp_path / "run", CONFIG)
    with first.working():
        with pytest.raises(UsageError, match="is being worked on by process"), first.working():
            pass
        first.undo()
        assert open_run(tmp_path / "run").read_config() == CONFIG


def test_no_folder_without_a_config(tmp_path, monkeypatch):
    def full(path, text):
        if path.name == "config.json":
            raise OutputError("full")
        write_text(path, text)

    monkeypatch.setattr("minecli.runtime.state_files.write_text", full)
    with pytest.raises(OutputError):
        create_run(tmp_path / "deep" / "run", CONFIG)
    assert list(tmp_path.iterdir()) == []


def test_partial_files_of_dead_processes_are_swept(tmp_path):
    run = create_run(tmp_path / "run", CONFIG)
    dead, alive = run.path / ".a.pt.999999999-0123abcd.partial", run.path / f".a.pt.{os.getppid()}-0123abcd.partial"
    for each in (dead, alive):
        each.write_text("")
    with run.working():
        assert (dead.exists(), alive.exists()) == (False, True)


def test_data_are_remembered(tmp_path):
    run = create_run(tmp_path / "run", CONFIG)
    for _ in range(2):
        run.remember_data("f")
    with pytest.raises(UsageError, match=r"are no longer those that the run in '.*' began with"):
        run.remember_data("g")


def test_a_result_of_another_name(tmp_path):
    run = create_run(tmp_path / "run", CONFIG, "summary.json")
    run.write_result('{"interrupted": false}')
    assert open_run(run.path, "summary.json").read_result() == {"interrupted": False}
    assert open_run(run.path).read_result() is None
    assert create_run(run.path, CONFIG, "summary.json") == open_run(run.path, "summary.json")


def test_a_config_that_is_none_is_damage(tmp_path):
    run = create_run(tmp_path / "run", CONFIG)
    with pytest.raises(DataError, match=r"it is not what this version of minecli wrote \(KeyError: 'none'\)"):
        run.read_request(lambda config: config["none"])
