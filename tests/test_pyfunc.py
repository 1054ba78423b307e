"""The best network as MLflow loads it, on the formats that need a file's name, and what it refuses."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from test_model import DATA, PARAMETERS, trained
from writers import write_fashion

from snn_tune import model
from snn_tune.datasets.fashion_mnist import FashionMnist
from snn_tune.errors import UserError
from snn_tune.predict import predict
from snn_tune.pyfunc import _load_pyfunc


def test_packed_files_are_read_by_their_names(tmp_path: Path) -> None:
    write_fashion(tmp_path / "data")
    data = FashionMnist(name="fashion_mnist").load(80, tmp_path / "data")
    torch.save(trained(PARAMETERS.model_copy(update={"nb_steps": 80}), data)[0].model, tmp_path / "best.pt")
    (file,) = (tmp_path / "data").rglob("t10k-images*")
    found = _load_pyfunc(str(tmp_path / "best.pt")).predict(
        pd.DataFrame([{"name": file.name, "content": file.read_bytes()}])
    )
    expected = predict(model.read(tmp_path / "best.pt"), file).rows()
    assert found.to_dict("records") == [
        {"file": 0, **{name: row[name] for name in ("sample", "class", "probability")}} for row in expected
    ]


@pytest.mark.parametrize("name", ["../up.npz", "/etc/passwd", "", ".", "..", "a/b"])
def test_a_name_that_is_a_path_is_refused(name: str, tmp_path: Path) -> None:
    torch.save(trained(PARAMETERS, DATA.load(30, tmp_path))[0].model, tmp_path / "best.pt")
    network = _load_pyfunc(str(tmp_path / "best.pt"))
    with pytest.raises(UserError, match="must be that of a file, without folders"):
        network.predict(pd.DataFrame([{"name": name, "content": b""}]))
    with pytest.raises(UserError, match="^spikes.npz: not an .npz file of spikes"):
        network.predict(pd.DataFrame([{"name": "spikes.npz", "content": b"garbage"}]))
