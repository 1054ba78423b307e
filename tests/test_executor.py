"""What Ray is given to run; test_search.py and test_interruption.py have Ray."""

from small import study

from snn_tune.executor import Feed
from snn_tune.relay import Relay
from snn_tune.stopping import GentleStop

FIRST, SECOND, *_ = study().trials("data")


def test_proposals_follow_what_waits_and_one_that_fails_is_one_line() -> None:
    stop = GentleStop(print)
    relay = Relay({trial.key: trial for trial in (FIRST, SECOND)}, [], stop)
    third, *_ = study(budget={"nb_epochs": 9}).trials("data")
    proposed = iter([third])
    feed = Feed(relay, lambda: next(proposed))  # then StopIteration
    assert [feed.suggest(str(number))["trial"] for number in range(3)] == [FIRST, SECOND, third]
    assert list(relay.left) == [FIRST.key, SECOND.key, third.key]
    assert feed.suggest("3") == Feed.FINISHED
    (trouble,) = relay.troubles
    assert trouble.startswith("no more trials could be proposed: ")
    stop.asked = True
    assert Feed(Relay({}, [], stop), lambda: third).suggest("0") == Feed.FINISHED
