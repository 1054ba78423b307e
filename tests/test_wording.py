"""Numbers in sentences."""

from snn_tune.wording import count, done


def test_one_is_no_plural() -> None:
    assert [count(number, "trial") for number in (0, 1, 2, 10_000)] == [
        "0 trials",
        "1 trial",
        "2 trials",
        "10,000 trials",
    ]


def test_what_was_pruned_is_done_and_said_to_be_so() -> None:
    assert (done(81, 60), done(81, 0)) == ("81 done (60 pruned)", "81 done")
