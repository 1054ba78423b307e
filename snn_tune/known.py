"""All that is known of a study's trials: what the store had at the start, and what has been told since."""

from collections.abc import Iterable, Iterator, Mapping

from snn_tune.finding import Finding
from snn_tune.trial import Ending, Epoch, Trial


class Known(Mapping[str, Finding]):
    """Findings by key, in the order in which the trials began. It is told of the course of trials, as a listener."""

    def __init__(self, earlier: Iterable[Finding] = ()) -> None:
        self._findings = {found.trial.key: found for found in earlier}
        self._epochs: dict[str, dict[int, Epoch]] = {}

    def __getitem__(self, key: str) -> Finding:
        return self._findings[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._findings)

    def __len__(self) -> int:
        return len(self._findings)

    def begun(self, trial: Trial) -> None:
        self._epochs.setdefault(trial.key, {})

    def epochs(self, trial: Trial, epochs: list[Epoch]) -> None:
        self._epochs[trial.key] |= {epoch.epoch: epoch for epoch in epochs}

    def ended(self, trial: Trial, ending: Ending) -> None:
        epochs = self._epochs.pop(trial.key)
        in_order = [epochs[number] for number in sorted(epochs)]
        last = in_order[-1].metrics if in_order else {}
        history = [epoch.metrics["valid_accuracy"] for epoch in in_order]
        self._findings[trial.key] = Finding(trial, ending.state, last | ending.metrics, history)
