"""What is printed while a study runs."""

import io

from rich.console import Console
from small import study

from snn_tune.progress import ProgressLine, duration
from snn_tune.quiet import Screen
from snn_tune.trial import Ending, Epoch

FIRST, SECOND, *_ = study().trials("data")


def test_plain_lines_where_there_is_no_terminal() -> None:
    console = Screen(io.StringIO())
    with ProgressLine(console, ["nb_hidden", "nb_steps"], total=3, done=1, nb_epochs=6) as progress:
        for trial in (FIRST, SECOND, SECOND):  # the second one's worker is lost, and it starts again
            progress.begun(trial)
        assert progress.line() == "2 running, 0 failed"
        progress.epochs(FIRST, [Epoch(1, {}), Epoch(2, {}), Epoch(3, {})])
        progress.ended(FIRST, Ending("finished", metrics={"best_valid_accuracy": 0.5}))
        assert progress.line().endswith("left, best validation 50.00% (nb_hidden=5 nb_steps=20)")
        progress.ended(SECOND, Ending("failed", "RuntimeError: [no] luck"))
    lines = console.file.getvalue().splitlines()
    assert "failed: nb_hidden=5 nb_steps=30: RuntimeError: [no] luck" in lines
    assert lines[-1].startswith("2/3 done, 0 running, 1 failed")
    assert "\x1b" not in console.file.getvalue()


def test_a_terminal_of_80_columns_shows_the_time_left_and_the_best() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    with ProgressLine(console, ["nb_hidden"], total=81, done=80, nb_epochs=3) as progress:
        progress.begun(FIRST)
        progress.epochs(FIRST, [Epoch(1, {})])
        progress.ended(FIRST, Ending("finished", metrics={"best_valid_accuracy": 0.5}))
    assert "0 running, 0 failed, about 0 s left, best validation 50.00%" in console.file.getvalue()


def test_what_was_known_is_done_and_what_is_pruned_has_no_more_to_train() -> None:
    with ProgressLine(Screen(io.StringIO()), [], total=3, done=0, nb_epochs=9) as progress:
        progress.adopted(FIRST)
        assert (progress.done, progress.nb_epochs) == (1, 6)
        progress.begun(SECOND)
        progress.epochs(SECOND, [Epoch(1, {})])
        progress.ended(SECOND, Ending("pruned"))
        assert (progress.done, progress.nb_epochs) == (2, 4)


def test_an_interrupted_trial_is_neither_done_nor_failed() -> None:
    with ProgressLine(Screen(io.StringIO()), [], total=1, done=0, nb_epochs=3) as progress:
        progress.begun(FIRST)
        progress.ended(FIRST, Ending("interrupted"))
        assert (progress.done, progress.failed) == (0, 0)


def test_epochs_of_an_earlier_start_are_no_measure_of_speed_and_none_counts_twice() -> None:
    with ProgressLine(Screen(io.StringIO()), [], total=1, done=0, nb_epochs=100) as progress:
        progress.begun(FIRST)
        old = [Epoch(number, {}, time_ms=0) for number in range(1, 101)]
        progress.epochs(FIRST, old)
        assert "left" not in progress.line()
        progress.started -= 10.0  # ten seconds for two epochs: 98 are left
        for _ in range(2):
            progress.epochs(FIRST, [*old, Epoch(101, {}), Epoch(102, {})])
        assert "about 8 min left" in progress.line()


def test_durations() -> None:
    assert [duration(seconds) for seconds in (0.4, 99, 100, 5940, 12000)] == [
        "0 s",
        "99 s",
        "2 min",
        "99 min",
        "3 h 20 min",
    ]
