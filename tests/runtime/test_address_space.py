"""Under `ulimit -v` libraries are loaded while there is room, or refused; without it nothing happens."""

import json
import subprocess
import sys

import pytest

from minecli.errors import MemoryShort
from minecli.runtime import address_space
from minecli.runtime.address_space import secure_libraries


@pytest.fixture
def limited(monkeypatch):
    """Pretend a limit, with 30 MB taken, and that nothing is loaded."""
    used = []

    def limit(megabytes):
        monkeypatch.setattr(address_space, "address_space_limit", lambda: megabytes and megabytes * 10**6)
        monkeypatch.setattr(address_space, "mapped_bytes", lambda: 30 * 10**6)
        monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", "as before")
        library = address_space._Library(100, 50, lambda: used.append("big"))
        monkeypatch.setattr(address_space, "_LIBRARIES", {"big": library, "sys": library})
        return used

    return limit


def test_room_for_what_is_not_loaded_yet(limited):
    used = limited(130)
    secure_libraries(["big", "sys"], threads=1)
    assert used == ["big"]


def test_no_room(limited):
    used = limited(129)
    with pytest.raises(MemoryShort, match=r"need about 100 MB, and ulimit -v leaves 99 MB \(raise ulimit -v\)$"):
        secure_libraries(["big"], threads=1)
    with pytest.raises(MemoryShort, match=r"need about 200 MB.*or use --threads 1"):
        secure_libraries(["big"], threads=3)
    assert used == []


def test_without_a_limit_nothing_is_loaded(limited):
    used = limited(None)
    secure_libraries(["big"], threads=10**6)
    assert used == []


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux alone")
def test_libraries_fit_into_what_they_are_said_to_need():
    """Each is loaded in a process that has little more room than that."""
    script = (
        "import json, resource, sys\n"
        "from minecli.runtime.address_space import secure_libraries\n"
        "from minecli.runtime.memory import mapped_bytes\n"
        "limit = mapped_bytes() + 605 * 10**6\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "secure_libraries(['numpy', 'pyarrow', 'scipy'], threads=1)\n"
        "print(json.dumps([name in sys.modules for name in ('numpy', 'pyarrow', 'scipy', 'torch')]))\n"
    )
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=one_thread, check=False)
    assert done.stderr == ""
    assert json.loads(done.stdout) == [True, True, True, False]
