"""Where and how a study runs: what of a start is no part of the study."""

from dataclasses import dataclass, field
from pathlib import Path

from snn_tune.datasets.source import data_folder
from snn_tune.place import Place
from snn_tune.storage import at
from snn_tune.study import Study


@dataclass(frozen=True)
class Options:
    """Where and how a study runs; see `python -m snn_tune.run --help`."""

    root: Path = Path("runs")
    data_dir: Path = field(default_factory=data_folder)
    tracking_uri: str | None = None
    address: str | None = None
    kernel: str = "auto"
    max_concurrent: int | None = None
    cpus_per_trial: float | None = None
    gpus_per_trial: float | None = None
    fresh: bool = False
    storage: str | Path | None = None

    def log(self, study: Study) -> Path:
        """What the libraries say."""
        return self.root / "ray" / f"{study.name}.log"

    def trials(self, study: Study) -> Place:
        """A folder for each trial: its checkpoints, and what it leaves until that is in the tracking store.

        Raises:
            UserError: there is no such storage.
        """
        return at(str(self.storage or self.root.resolve())) / "trials" / study.name
