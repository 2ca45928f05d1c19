import errno
import os
import stat
from pathlib import Path

import pytest

from minecli.errors import OutputError, UsageError
from minecli.runtime.writing import atomic_path, check_writable, write_bytes, write_text


def test_whole_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "a.txt", "grüße\n")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "grüße\n"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_failure_keeps_the_old_file(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write_half():
        with atomic_path(target) as partial:
            partial.write_text("ne")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        write_half()
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO])
def test_disk_trouble_is_an_output_error(tmp_path, monkeypatch, number):
    def fail(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match=os.strerror(number)):
        write_bytes(tmp_path / "a", b"x")
    assert os.listdir(tmp_path) == []


def test_mode_is_kept_and_new_files_follow_the_umask(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("")
    old.chmod(0o640)
    mask = os.umask(0o027)
    try:
        write_text(old, "x")
        write_text(new, "x")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert stat.S_IMODE(new.stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    link.symlink_to(real)
    write_text(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_devices_are_written_to_not_replaced():
    write_text(Path("/dev/null"), "x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_device():
    with pytest.raises(OutputError, match="cannot write '/dev/full': No space left"):
        write_text(Path("/dev/full"), "x")


def test_check_leaves_nothing(tmp_path):
    check_writable(tmp_path / "a")
    assert os.listdir(tmp_path) == []


def test_check_refuses(tmp_path):
    with pytest.raises(UsageError, match="is a folder; a file name is needed"):
        check_writable(tmp_path)
    with pytest.raises(UsageError, match=r"the folder '.*nowhere' does not exist \(mkdir -p .*nowhere\)"):
        check_writable(tmp_path / "nowhere" / "a")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_check_sees_permissions(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UsageError, match="Permission denied"):
            check_writable(tmp_path / "a")
    finally:
        tmp_path.chmod(0o700)


def test_check_tries_for_real(tmp_path, monkeypatch):
    def refuse(self, **_):
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(UsageError, match=r"Read-only file system.*choose another place"):
        check_writable(tmp_path / "a")


def test_links_that_lead_in_a_circle(tmp_path):
    path = tmp_path / "loop"
    path.symlink_to(path)
    check_writable(path)
    write_text(path, "x")
    assert path.read_text() == "x"
