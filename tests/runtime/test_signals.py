import os
import signal
import threading

import pytest

from minecli.runtime import signals
from minecli.runtime.signals import stop_on_signals


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_asks_to_stop_and_is_remembered(number, code):
    seen = []
    with stop_on_signals(seen.append) as interruption:
        assert not interruption.should_stop()
        assert interruption.exit_code is None
        os.kill(os.getpid(), number)
        assert interruption.should_stop()
    assert interruption.exit_code == code
    assert seen == [number]


def test_second_ctrl_c_stops_at_once():
    with stop_on_signals() as interruption:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert interruption.exit_code == 143


def test_a_second_sigterm_stops_at_once_when_the_first_was_not_obeyed(monkeypatch):
    with stop_on_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)  # the same one, delivered twice
        monkeypatch.setattr(signals, "PATIENCE_SECONDS", -1.0)
        with pytest.raises(SystemExit) as stop:
            os.kill(os.getpid(), signal.SIGTERM)
    assert stop.value.code == 143


def test_handlers_come_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with stop_on_signals():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_ignored_signals_stay_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stop_on_signals():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_get_no_handlers():
    answers = []

    def work():
        with stop_on_signals() as interruption:
            answers.append(interruption.should_stop())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert answers == [False]
