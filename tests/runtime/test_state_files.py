import json
import os

import pytest
from damage import DAMAGES

from minecli.errors import DataError, OutputError
from minecli.runtime import state_files
from minecli.runtime.state_files import SealedLines, read_lines, read_object, write_object

TEXT = json.dumps({"seed": 0, "values": [0.6849]}) + "\n"


def test_there_and_back_as_plain_json(tmp_path):
    path = tmp_path / "config.json"
    write_object(path, TEXT)
    assert read_object(path) == json.loads(path.read_text()) == {"seed": 0, "values": [0.6849]}
    assert path.read_text() == TEXT
    assert sorted(os.listdir(tmp_path)) == ["checksums.json", "config.json"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_is_one_line_with_a_hint(tmp_path, damage):
    path = tmp_path / "config.json"
    write_object(path, TEXT)
    DAMAGES[damage](path)
    with pytest.raises(DataError) as refused:
        read_object(path)
    assert str(path) in refused.value.problem
    assert "\n" not in str(refused.value)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("empty", "it is empty"),
        ("UTF-16", "it is no text in UTF-8"),
        ("NaN", "NaN is no number in JSON"),
        ("many digits", "a number has 5000 digits"),
        ("deep", "it is nested too deeply"),
        ("folder", "it is a folder"),
        ("pipe", "it is no regular file"),
        ("dangling link", "No such file or directory"),
        ("flipped bit", "has been damaged or edited since it was written"),
    ],
)
def test_what_is_said_of_it(tmp_path, damage, said):
    path = tmp_path / "config.json"
    write_object(path, TEXT)
    DAMAGES[damage](path)
    with pytest.raises(DataError, match=said):
        read_object(path)


def test_folders_of_earlier_versions_are_read_as_they_are(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"seed": 1}')
    assert read_object(path) == {"seed": 1}
    write_object(tmp_path / "estimate.json", TEXT)
    assert read_object(path) == {"seed": 1}


def test_an_edit_can_be_taken_as_it_is(tmp_path):
    path = tmp_path / "config.json"
    write_object(path, TEXT)
    path.write_text('{"seed": 1}')
    with pytest.raises(DataError, match=r"remove '.*checksums\.json' to take it as it is"):
        read_object(path)
    (tmp_path / "checksums.json").unlink()
    assert read_object(path) == {"seed": 1}


@pytest.mark.parametrize("earlier_version", [False, True])
def test_killed_between_checksum_and_file(tmp_path, monkeypatch, earlier_version):
    path = tmp_path / "estimate.json"
    (path.write_text if earlier_version else lambda text: write_object(path, text))('{"n": 1}')
    write = state_files.write_text

    def killed(target, text):
        if target == path:
            raise KeyboardInterrupt
        write(target, text)

    # Twice, so that the checksum of what the file holds is not pushed out by those of what it never held.
    for n in (2, 3):
        with monkeypatch.context() as patched:
            patched.setattr(state_files, "write_text", killed)
            with pytest.raises(KeyboardInterrupt):
                write_object(path, f'{{"n": {n}}}')
        assert read_object(path) == {"n": 1}
    write_object(path, '{"n": 4}')
    assert read_object(path) == {"n": 4}


def test_a_damaged_file_does_not_become_whole_by_the_next_write(tmp_path):
    path = tmp_path / "estimate.json"
    write_object(path, '{"n": 1}')
    path.write_text('{"n": 7}')
    write_object(path, '{"n": 2}')
    path.write_text('{"n": 7}')
    with pytest.raises(DataError, match="damaged or edited"):
        read_object(path)


@pytest.mark.parametrize("content", ["", "[]", '{"config.json": 1}', "\xff"])
def test_damaged_checksums_are_told_from_damaged_files(tmp_path, content):
    write_object(tmp_path / "config.json", TEXT)
    (tmp_path / "checksums.json").write_text(content, encoding="latin-1")
    with pytest.raises(DataError, match=r"checksums\.json' cannot be read: .*remove it to go on without checksums"):
        read_object(tmp_path / "config.json")


def lines_of(path, *lines):
    file = SealedLines(path)
    for line in lines:
        file.append(line)
    file.close()


def test_lines_have_a_checksum_each(tmp_path):
    path = tmp_path / "records.ndjson"
    lines_of(path, "one", "two")
    lines_of(path, "three")
    assert path.read_text() == "one\ntwo\nthree\n"
    assert read_lines(path) == [b"one", b"two", b"three"]
    path.write_text("one\ntvo\nthree\n")
    with pytest.raises(DataError, match=r"line 2 of .* damaged or edited .*\(remove the line and resume"):
        read_lines(path)
    path.write_text("one\nthree\n")
    assert read_lines(path) == [b"one", b"three"]


def test_lines_of_earlier_versions_get_theirs_when_others_join_them(tmp_path):
    path = tmp_path / "records.ndjson"
    path.write_text("one\ntwo\nthr")
    assert read_lines(path) == [b"one", b"two"]
    lines_of(path, "three")
    assert read_lines(path) == [b"one", b"two", b"three"]
    path.write_text("one\ntvo\nthree\n")
    with pytest.raises(DataError, match="line 2"):
        read_lines(path)


@pytest.mark.parametrize("damage", ["folder", "pipe", "dangling link", "loop of links"])
def test_what_cannot_be_appended_to(tmp_path, damage):
    path = tmp_path / "records.ndjson"
    path.write_text("one\n")
    DAMAGES[damage](path)
    with pytest.raises((OutputError, DataError), match=r"records\.ndjson"):
        SealedLines(path)


@pytest.mark.parametrize("damage", ["folder", "pipe", "dangling link", "loop of links"])
def test_what_is_no_file_is_not_written_to(tmp_path, damage):
    path = tmp_path / "summary.json"
    DAMAGES[damage](path)
    with pytest.raises(OutputError, match=r"cannot write '.*summary\.json': it is no regular file \(remove it\)"):
        write_object(path, TEXT)
    assert os.listdir(tmp_path) == ["summary.json"]
