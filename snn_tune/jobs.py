"""What the trials of a start run with: the data in Ray's object store, the compiled kernel, room."""

from collections.abc import Callable
from dataclasses import dataclass, field

import ray

from snn_tune import checkpoint, training
from snn_tune.cluster import Cluster, PerTrial
from snn_tune.compiled import is_compiled
from snn_tune.datasets.dataset import Dataset
from snn_tune.executor import Work
from snn_tune.parameters import Parameters
from snn_tune.place import Place
from snn_tune.study import Study
from snn_tune.trial_reports import Fit, Job
from snn_tune.where import Options

AT_ONCE = 200  # trials of a grid that ask Ray for room, at least: as many as its own grid search


@dataclass
class Jobs:
    """Makes the job of some work, as often as a start has another: its grid or search, then the best again.

    Attributes:
        first: the data at the least number of steps.
        ticket: what shows on a cluster that a machine can take part, see `nodes`.
        shared: the data sets in the object store, by number of steps.
    """

    study: Study
    options: Options
    fit: Fit
    cluster: Cluster
    per_trial: PerTrial
    first: Dataset
    ticket: Place | None = None
    shared: dict[int, ray.ObjectRef] = field(default_factory=dict)

    def of(self, work: Work, nb_left: int, steps: set[int]) -> Job:
        """What all trials of some work have in common, their data at these numbers of steps."""
        folder = self.options.trials(self.study)
        return Job(
            data=self._share(steps),
            fit=self.fit,
            folder=folder,
            kernel=self.options.kernel,
            threads=max(1, int(self.per_trial.cpus)),
            beside=min(self.cluster.slots(self.per_trial)[0], self.options.max_concurrent or nb_left, nb_left),
            rungs=work.pruning.rungs,
            lineages=checkpoint.lineages(folder),
            ticket=self.ticket,
        )

    def compile(self, one: Parameters, say: Callable[[str], None]) -> None:
        """Have the cpu kernel compiled, where a trial would wait for it."""
        kernel = self.options.kernel
        if self.fit is training.fit and kernel in ("auto", "cpu") and not is_compiled():
            say("compiling the cpu kernel, once for this machine: some seconds")
            training.compile_kernel(one, self.first, kernel)

    def at_once(self, proposed: bool) -> int:
        """Trials that Ray has at once: as many as fit, so that each is proposed when another has ended; or many more.

        Ray gives a waiting trial to the first worker that is free, and gives up the one that was starting for it: of
        few short trials, one worker might take all.
        """
        fit = sum(self.cluster.slots(self.per_trial))
        return self.options.max_concurrent or (fit if proposed else max(AT_ONCE, 2 * fit))

    def _share(self, steps: set[int]) -> dict[int, ray.ObjectRef]:
        """Put the data set into the object store once for each number of steps; only one is held here at a time."""
        for nb_steps in sorted(steps - self.shared.keys()):
            here = nb_steps == self.first.nb_steps
            self.shared[nb_steps] = ray.put(
                self.first if here else self.study.data.load(nb_steps, self.options.data_dir)
            )
        return self.shared
