"""Reading a study's trials from the store."""

from pathlib import Path

import pytest

from snn_tune.analysis.trials import load
from snn_tune.errors import UserError
from snn_tune.tracking.store import writable


def test_a_study_that_the_store_lacks_is_named_with_the_near_match_that_it_holds(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    writable("my_study", uri, tmp_path)
    with pytest.raises(UserError, match=r"no trials of 'my_stdy' .* \(did you mean 'my_study'\?\)$"):
        load("my_stdy", uri)
    with pytest.raises(UserError, match="no trials of 'my_study' .*; run them with: python -m snn_tune.run my_study"):
        load("my_study", uri)
