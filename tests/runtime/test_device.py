import os
import sys

import pytest

from minecli.errors import DeviceError, UsageError
from minecli.runtime import device
from minecli.runtime.device import apply_threads, resolve_device, resolve_threads


@pytest.fixture
def gpus(monkeypatch):
    def pretend(*names):
        monkeypatch.setattr(device, "cuda_devices", lambda: names)

    return pretend


def test_auto_takes_a_gpu_and_says_which(gpus):
    gpus("Fast One", "Other")
    assert resolve_device("auto") == device.Device("cuda:0", "auto: Fast One is present")


def test_auto_falls_to_the_cpu_and_says_why(gpus, monkeypatch):
    gpus()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert resolve_device("auto") == device.Device("cpu", "auto: CUDA_VISIBLE_DEVICES hides every GPU")


def test_why_there_is_no_gpu(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(device, "_driver_present", lambda: False)
    assert device.why_no_cuda() == "no GPU driver was found on this machine"
    assert device.cuda_devices() == ()


def test_missing_gpu_is_an_error_that_names_what_is_there(gpus):
    gpus("Fast One")
    with pytest.raises(DeviceError, match=r"'cuda:3' is not available; there is cuda:0 \(Fast One\)"):
        resolve_device("cuda:3")
    assert resolve_device("cuda").name == "cuda:0"


def test_no_gpu_at_all(gpus):
    gpus()
    with pytest.raises(DeviceError, match=r"'cuda' is not available: .*try --device cpu"):
        resolve_device("cuda")


@pytest.mark.parametrize("word", ["gpu", "cuda:", "cuda:x", "CPU", ""])
def test_unknown_device(word):
    with pytest.raises(UsageError, match="allowed are auto, cpu, cuda and cuda:N"):
        resolve_device(word)


def test_threads_in_order_of_precedence():
    both = {"SLURM_CPUS_PER_TASK": "3", "OMP_NUM_THREADS": "2"}
    assert resolve_threads(5, both).count == 5
    assert resolve_threads(None, both).count == 3
    assert resolve_threads(None, {"OMP_NUM_THREADS": "2"}).reason == "OMP_NUM_THREADS"
    assert resolve_threads(None, {"OMP_NUM_THREADS": "many"}).count >= 1
    assert resolve_threads(None, {}).count <= (os.cpu_count() or 1)


def test_container_quota_limits_threads(monkeypatch, tmp_path):
    quota = tmp_path / "cpu.max"
    quota.write_text("100000 100000\n")
    monkeypatch.setattr(device, "_CGROUP_QUOTA", quota)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert resolve_threads(None, {}) == device.Threads(1, "cores granted by the container")
    quota.write_text("max 100000\n")
    assert resolve_threads(None, {}).count == 8


def test_no_threads():
    with pytest.raises(UsageError, match="--threads is 0; it must be at least 1"):
        resolve_threads(0)


def test_waiting_threads_sleep_unless_the_user_says_otherwise(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    apply_threads(1)
    assert os.environ["GOMP_SPINCOUNT"] == "10000"
    monkeypatch.delenv("GOMP_SPINCOUNT")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    apply_threads(1)
    assert "GOMP_SPINCOUNT" not in os.environ


def test_threads_are_applied():
    import torch

    apply_threads(1)
    assert torch.get_num_threads() == 1
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert "torch" in sys.modules


@pytest.mark.gpu
def test_a_real_gpu_is_found():
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no GPU that torch can use")
    assert resolve_device("auto").name == "cuda:0"
    assert torch.ones(2, device=resolve_device("cuda").name).sum().item() == 2.0
