"""Ctrl-C while the libraries are imported."""

import os
import signal
import subprocess
import sys

import pytest

from snn_tune import interrupt


def test_ctrl_c_amid_the_imports_is_one_line() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "snn_tune.run"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        lines = iter(process.stderr.readline, "")
        next(line for line in lines if line.endswith(" numpy\n"))  # PyTorch is still to come
        process.send_signal(signal.SIGINT)
        said = [line for line in lines if not line.startswith("import time:")]
    assert process.returncode == 130
    assert said == ["stopped before anything had begun\n"]


def test_afterwards_it_is_a_keyboard_interrupt() -> None:
    interrupt.guard()
    interrupt.ready()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_who_is_started_to_ignore_it_ignores_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupt.guard()
        os.kill(os.getpid(), signal.SIGINT)
        interrupt.ready()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
