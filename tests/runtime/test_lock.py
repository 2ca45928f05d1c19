import os
import signal
import socket
import subprocess
import sys

import pytest

from minecli.errors import UsageError
from minecli.runtime.lock import locked

HOLDING = (
    "import sys, time\nfrom pathlib import Path\nfrom minecli.runtime.lock import locked\n"
    "with locked(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
)


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLDING, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_second_is_told_who_is_first(tmp_path, holder):
    with (
        pytest.raises(UsageError, match=rf"is being worked on by process {holder.pid} on host {socket.gethostname()}"),
        locked(tmp_path),
    ):
        pass


def test_a_killed_process_leaves_no_lock(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert os.listdir(tmp_path) == [".lock"]
    with locked(tmp_path):
        pass
    assert os.listdir(tmp_path) == []


def hold(folder, work):
    with locked(folder):
        work()


def test_it_is_given_back_on_failure_and_can_be_had_again(tmp_path):
    for _ in range(2):
        with pytest.raises(UsageError, match=f"process {os.getpid()} "):
            hold(tmp_path, lambda: hold(tmp_path, pytest.fail))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("nowhere", path)])
def test_what_is_no_lock_file(tmp_path, make):
    make(tmp_path / ".lock")
    with pytest.raises(UsageError, match=r"cannot write '.*\.lock'"), locked(tmp_path):
        pass


def test_no_folder(tmp_path):
    with pytest.raises(UsageError, match="No such file or directory"), locked(tmp_path / "none"):
        pass
