"""A study's best network as MLflow loads it: `mlflow.pyfunc.load_model`. Stored models name this module."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from snn_tune import model
from snn_tune.errors import UserError
from snn_tune.predict import predict


class Network:
    """Classifies files, as `python -m snn_tune.predict` does."""

    def __init__(self, path: Path) -> None:
        self.model = model.read(path)

    def predict(self, files: pd.DataFrame) -> pd.DataFrame:
        """The class and its probability of each sample of each file, in order.

        Args:
            files: `name` and `content` (bytes) of each, in the format of the model's data set. The content itself, so
                that a server that runs the model opens no file of its own for anybody.

        Returns:
            file (its place among the files), sample, class, probability.

        Raises:
            UserError: a file is damaged, or of another format than the model's data set.
        """
        rows = [
            {"file": place, **{name: row[name] for name in ("sample", "class", "probability")}}
            for place, (name, content) in enumerate(zip(files["name"], files["content"], strict=True))
            for row in self._rows(str(name), content)
        ]
        return pd.DataFrame(rows)

    def _rows(self, name: str, content: Any) -> list[dict[str, Any]]:
        if name in ("", ".", "..") or Path(name).name != name:
            raise UserError(f"name {name[:80]!r}: must be that of a file, without folders")
        with TemporaryDirectory() as folder:
            (Path(folder) / name).write_bytes(content)
            try:
                return predict(self.model, Path(folder) / name).rows()
            except UserError as error:
                raise UserError(str(error).replace(f"{folder}/", "")) from None


def _load_pyfunc(path: str) -> Network:
    """What MLflow calls."""
    return Network(Path(path))
