"""A machine shows that it can take part."""

from pathlib import Path

import pytest

from snn_tune import tickets
from snn_tune.errors import UserError
from snn_tune.nodes import PASSES
from snn_tune.storage import Folder


def test_a_machine_shows_that_it_sees_the_storage_and_has_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = Folder(tmp_path / PASSES / "small" / "one")
    with pytest.raises(UserError, match=f"^the storage {tmp_path} is not seen .*No such file.*a bucket .--storage s3:"):
        tickets.check(ticket)
    tickets.write(ticket)
    tickets.check(ticket)
    monkeypatch.setattr(tickets, "MODEL_VERSION", -1)
    with pytest.raises(
        UserError, match=r"\(model -1\) runs there, and the command is of snn_tune .*; install the same"
    ):
        tickets.check(ticket)
