"""The first signal asks, the second one stops now."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from small import study

from snn_tune import stopping
from snn_tune.pruning import Asha, Pruning
from snn_tune.stopping import GentleStop
from snn_tune.trial import Ending, Epoch

TRIAL, *_ = study().trials("data")
REPORT: dict[str, Any] = {"key": "key", "epochs": []}


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def stop(said: list[str]) -> Iterator[GentleStop]:
    with GentleStop(said.append) as stop:
        yield stop


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_stops_each_trial_at_its_report_and_the_second_now(
    which: signal.Signals, stop: GentleStop, said: list[str]
) -> None:
    stop.running["key"] = TRIAL
    assert not stop.stop_all()
    assert not stop("id", REPORT)
    os.kill(os.getpid(), which)
    assert stop("id", REPORT)
    assert not stop.stop_all()
    assert not stop.stop_all()
    assert said == ["stopping: the running trials save their state; once more to stop now"]
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), which)
    stop.running.clear()
    assert stop.stop_all()


def test_the_second_signal_waits_for_a_listener_but_the_third_does_not(stop: GentleStop) -> None:
    def ask() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    ask()
    done = False
    with pytest.raises(KeyboardInterrupt), stop.shielded():
        ask()
        done = True
    assert done
    with stop.shielded():  # it has been obeyed
        pass
    with pytest.raises(KeyboardInterrupt), stop.shielded():
        ask()
        ask()
        done = False
    assert done


def test_a_trial_is_pruned_at_its_report_but_not_at_its_end_and_others_are_compared_with_it() -> None:
    stop = GentleStop(print, Pruning(asha=Asha(9)))
    epochs = {level: [Epoch(1, {"valid_accuracy": level})] for level in (0.9, 0.1)}
    for key in ("a", "b", "c"):
        assert not stop("id", {"key": key, "epochs": epochs[0.9], "ending": Ending("finished"), "done": True})
    assert not stop("id", {"key": "d", "epochs": epochs[0.1], "ending": Ending("finished"), "done": True})
    assert not stop("id", {"key": "e", "epochs": epochs[0.9]})
    assert stop("id", {"key": "f", "epochs": epochs[0.1]})
    assert stop("id", {"key": "f", "epochs": []})


def test_the_time_is_up_once_and_then_it_stops_as_if_asked(said: list[str]) -> None:
    stop = GentleStop(said.append, time_s=0.0)
    stop.running["key"] = TRIAL
    assert not stop("id", REPORT)
    assert not stop.stop_all()
    assert stop.time_is_up
    assert stop("id", REPORT)
    assert not stop("id", REPORT | {"ending": Ending("finished")})
    assert not stop.stop_all()
    stop.running.clear()
    assert stop.stop_all()
    assert said == ["the time budget is used up: the running trials save their state"]


def test_the_wait_is_bounded(stop: GentleStop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "WAIT_S", 0.0)
    stop.running["key"] = TRIAL
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop.stop_all()


def test_the_handlers_that_were_there_come_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with GentleStop(print):
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
