"""What listeners are told of Ray's events; test_search.py and test_interruption.py have Ray."""

from types import SimpleNamespace
from typing import Any

import pytest
from small import study

from snn_tune.relay import MOST_SHOWN, Relay
from snn_tune.stopping import GentleStop
from snn_tune.trial import Ending, Epoch, Trial

FIRST, SECOND, *_ = study().trials("data")


class Listener:
    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def begun(self, trial: Trial) -> None:
        self.told.append(("begun", trial))

    def epochs(self, trial: Trial, epochs: list[Epoch]) -> None:
        self.told.append(("epochs", trial, epochs))

    def ended(self, trial: Trial, ending: Ending) -> None:
        self.told.append(("ended", trial, ending.state, ending.reason))


@pytest.fixture
def stop() -> GentleStop:
    return GentleStop(print)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def relay(stop: GentleStop, listener: Listener) -> Relay:
    return Relay({trial.key: trial for trial in (FIRST, SECOND)}, [listener], stop)


def rays(trial: Trial, error: str = "") -> Any:
    return SimpleNamespace(config={"trial": trial}, get_error=lambda: error, get_pickled_error=lambda: None)


def result(*epochs: Epoch, **more: Any) -> dict[str, Any]:
    return {"epochs": list(epochs), "said": [], **more}


def test_a_trial_begins_reports_and_ends_once(relay: Relay, listener: Listener) -> None:
    epoch = Epoch(1, {})
    relay.on_trial_start(0, [], rays(FIRST))
    relay.on_trial_result(0, [], rays(FIRST), result())
    relay.on_trial_result(0, [], rays(FIRST), result(epoch))
    relay.on_trial_result(0, [], rays(FIRST), result(ending=Ending("finished")))
    relay.on_trial_complete(0, [], rays(FIRST))
    relay.close()
    assert listener.told[:3] == [("begun", FIRST), ("epochs", FIRST, [epoch]), ("ended", FIRST, "finished", "")]


def test_while_it_stops_running_trials_are_interrupted_and_waiting_ones_never_begin(
    relay: Relay, stop: GentleStop, listener: Listener
) -> None:
    relay.on_trial_start(0, [], rays(FIRST))
    stop.asked = True
    relay.on_trial_start(0, [], rays(SECOND))
    relay.on_trial_result(0, [], rays(SECOND), result())
    relay.on_trial_complete(0, [], rays(SECOND))
    assert not stop.stop_all()
    relay.on_trial_complete(0, [], rays(FIRST))
    assert listener.told == [("begun", FIRST), ("ended", FIRST, "interrupted", "the search was stopped")]
    assert stop.stop_all()


def test_a_worker_killed_for_memory_is_told_with_what_to_lower(relay: Relay, listener: Listener) -> None:
    relay.on_trial_start(0, [], rays(FIRST))
    relay.on_trial_error(0, [], rays(FIRST, "Task was killed due to the node running low on memory."))
    *_, reason = listener.told[-1]
    assert reason.startswith("its worker was lost: out of memory; lower batch_size, nb_hidden or --max-concurrent (")


def test_what_a_worker_logs_is_shown_and_kept_in_the_study_s_log(
    relay: Relay, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture
) -> None:
    for number in range(MOST_SHOWN + 5):
        relay.on_trial_result(0, [], rays(FIRST), result() | {"said": [f"checkpoint {number} is damaged"]})
    assert caplog.text.count("is damaged") == MOST_SHOWN + 5
    *lines, last = capsys.readouterr().out.splitlines()
    assert lines == [f"checkpoint {number} is damaged" for number in range(MOST_SHOWN - 1)]
    assert last == f"checkpoint {MOST_SHOWN - 1} is damaged; more of this is in the log"


def test_what_no_worker_could_begin_has_failed_unless_the_user_stopped(
    relay: Relay, stop: GentleStop, listener: Listener
) -> None:
    relay.on_trial_start(0, [], rays(FIRST))
    relay.on_trial_result(0, [], rays(FIRST), result(ending=Ending("finished")))
    relay.on_trial_error(0, [], rays(SECOND, "lost"))  # it waited for its worker
    assert list(relay.left) == [SECOND.key]
    relay.close()
    assert listener.told[2:] == [
        ("begun", SECOND),
        ("ended", SECOND, "failed", "no worker lived long enough to begin it"),
    ]
    stop.asked = True
    other = Relay(dict(relay.left), [listener], stop)
    other.close()
    assert len(listener.told) == 4
