"""A curve as tags of a run."""

import json

from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils.validation import MAX_TAG_VAL_LENGTH

from snn_tune.tracking import curve


@given(st.integers(0, 2500), st.integers(0, 100_000))
def test_a_curve_of_any_length_comes_back_in_the_order_of_its_epochs(nb_epochs, start):
    history = {epoch: (start + 7 * epoch) % 100_001 / 100_000 for epoch in range(nb_epochs, 0, -1)}
    tags = curve.tags(history)
    assert all(len(value) <= MAX_TAG_VAL_LENGTH for value in tags.values())
    assert json.loads(curve.text(tags)) == [history[epoch] for epoch in range(1, nb_epochs + 1)]


def test_eight_hundred_epochs_are_one_tag_and_longer_curves_go_on_in_others():
    for nb_epochs, nb_tags in ((1, 1), (800, 1), (801, 2), (10_000, 13)):
        assert len(curve.tags(dict.fromkeys(range(nb_epochs), 0.12345))) == nb_tags
    assert set(curve.tags(dict.fromkeys(range(801), 0.5))) == {"valid_history", "valid_history.2"}


def test_no_tag_is_no_curve():
    assert curve.text({}) == "[]"
    assert curve.text({"valid_history.2": "[1]"}) == "[]"
