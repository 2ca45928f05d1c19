"""What is free is the least that any authority leaves; files of pretended machines."""

import subprocess
import sys

import pytest

from minecli.errors import MemoryShort
from minecli.runtime import memory
from minecli.runtime.memory import available_bytes, refuse_beyond


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Writes files of a pretended machine that has nothing else."""
    monkeypatch.setattr(memory, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "_of_the_address_space", lambda: iter(()))

    def write(**files: str) -> None:
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


MEMINFO = "MemTotal:       24684092 kB\nMemFree:        10 kB\nMemAvailable:   2000000 kB\n"


def test_nothing_is_known(machine):
    assert available_bytes() is None
    refuse_beyond(10**18, "everything", hint="no")


def test_the_machine_alone(machine):
    machine(proc__meminfo=MEMINFO)
    assert available_bytes() == 2_000_000 * 1024


def test_the_second_version_of_control_groups(machine):
    machine(
        proc__meminfo=MEMINFO,
        proc__self__cgroup="0::/jobs/mine\n",
        cgroup__jobs__mine__memory_DOT_max="max\n",
        cgroup__jobs__mine__memory_DOT_current="100\n",
        cgroup__jobs__memory_DOT_max="1000000\n",
        cgroup__jobs__memory_DOT_current="400000\n",
        cgroup__jobs__memory_DOT_stat="anon 5\ninactive_file 300000\nactive_file 7\n",
    )
    assert available_bytes() == 900_000  # the group above has the limit; pages of files are given back


def test_the_first_version_of_control_groups(machine):
    machine(
        proc__meminfo=MEMINFO,
        proc__self__cgroup="9:name=systemd:/\n4:cpu,memory:/box\n0::/\n",
        cgroup__memory__box__memory_DOT_limit_in_bytes="5000\n",
        cgroup__memory__box__memory_DOT_usage_in_bytes="4000\n",
        cgroup__memory__memory_DOT_limit_in_bytes="9223372036854771712\n",
        cgroup__memory__memory_DOT_usage_in_bytes="4000\n",
    )
    assert available_bytes() == 1000


def test_a_container_that_sees_the_path_of_its_host(machine):
    machine(
        proc__self__cgroup="0::/host/pods/17\n",
        cgroup__memory_DOT_max="700\n",
        cgroup__memory_DOT_current="800\n",
    )
    assert available_bytes() == 0  # over its limit for a moment; never negative


def test_files_that_make_no_sense(machine):
    machine(
        proc__meminfo="MemAvailable:\nMemAvailable: many kB\n",
        proc__self__cgroup="0\n0::/\nnonsense",
        cgroup__memory_DOT_max="\u00e9",
        cgroup__memory_DOT_current="1",
    )
    assert available_bytes() is None


def test_the_refusal_says_both_numbers(machine):
    machine(proc__meminfo="MemAvailable:   3027344 kB\n")
    refuse_beyond(3_000_000_000, "a table", hint="name fewer columns")
    with pytest.raises(MemoryShort) as caught:
        refuse_beyond(8_400_000_000, "a table of 10 rows", hint="name fewer columns")
    assert str(caught.value) == (
        "a table of 10 rows needs about 8.4 GB of memory, and 3.1 GB are free (name fewer columns)"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_real_limit_of_the_address_space():
    script = (
        "import resource; from minecli.runtime.memory import available_bytes\n"
        "before = available_bytes()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (400_000_000, 400_000_000))\n"
        "free = available_bytes()\n"
        "assert 0 < free < 400_000_000 < before, (free, before)\n"
        "block = bytearray(100_000_000)\n"
        "assert 99_000_000 < free - available_bytes() < 110_000_000\n"
        "try:\n"
        "    bytearray(free + 1)\n"
        "except MemoryError:\n"
        "    print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("refused\n", "")
