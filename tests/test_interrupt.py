"""Ctrl-C while the libraries are imported."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from snn_tune import interrupt
from snn_tune.stopping import GentleStop

pytestmark = pytest.mark.usefixtures("same_handlers_afterwards")


def test_ctrl_c_amid_the_imports_is_one_line() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "snn_tune.run"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        lines = iter(process.stderr.readline, "")
        next(line for line in lines if line.endswith(" numpy\n"))  # PyTorch is still to come
        process.send_signal(signal.SIGINT)
        said = [line for line in lines if not line.startswith("import time:")]
    assert process.returncode == 130
    assert said == ["stopped before anything had begun\n"]


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_afterwards_it_is_a_keyboard_interrupt(which: signal.Signals) -> None:
    interrupt.guard()
    interrupt.ready()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), which)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_is_dropped_still_stops_the_search_before_it_begins() -> None:
    class Noisy:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    interrupt.ready()
    with GentleStop(print):
        pass
    noisy = Noisy()
    del noisy
    with pytest.raises(KeyboardInterrupt), GentleStop(print):
        pytest.fail("the search has begun")


def test_who_is_started_to_ignore_it_ignores_it() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupt.guard()
    os.kill(os.getpid(), signal.SIGINT)
    interrupt.ready()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_in_a_thread_handlers_stay_as_they_are() -> None:
    before = signal.getsignal(signal.SIGTERM)

    def within() -> str:
        with interrupt.our_sigterm():
            return "done"

    with ThreadPoolExecutor() as threads:
        assert threads.submit(within).result() == "done"
    assert signal.getsignal(signal.SIGTERM) is before
