"""What a study would run: its trials, counted and measured, without starting anything."""

import torch

from snn_tune.axis import Choice
from snn_tune.snn import kernels
from snn_tune.study import Study, nb_weights
from snn_tune.wording import count


def show(study: Study) -> None:
    """Print the axes, the number of trials and of epochs, and the sizes of the networks."""
    searched = study.search.method != "grid"
    cells = study.probes() if searched else study.cells()
    print(f"{study.name}: {study.description}")
    for name, axis in study.space.items():
        written = ", ".join(map(str, axis.what.values)) if isinstance(axis.what, Choice) else axis.written
        condition = f"  (if {axis.condition[0]} = {', '.join(map(str, axis.condition[1]))})" if axis.condition else ""
        print(f"  {name:22}{written}{condition if isinstance(axis.what, Choice) else ''}")
    nb_trials = study.nb_samples if searched else len(cells) * study.budget.seeds
    if searched:
        stops = "" if study.search.scheduler == "none" else f", {study.search.scheduler} stops some early"
        most = count(max_epochs(study), "epoch")
        print(f"{count(nb_trials, 'trial')}, by --search {study.search.method}{stops}; at most {most} each")
    else:
        nb_epochs = study.budget.seeds * sum(cell.nb_epochs for cell in cells)
        seeds = study.budget.seeds
        combinations = count(len(cells), "combination")
        print(
            f"{count(nb_trials, 'trial')}: {combinations}, seeds of each: {seeds}; {count(nb_epochs, 'epoch')} in all"
        )
    if study.search.confirm:
        print(f"then the best {study.search.confirm} again, with {study.search.confirm_seeds} other seeds each")
    sizes = sorted(nb_weights(study.data, cell) for cell in cells)
    megabytes = 4e-6 * (sizes[-1] * nb_trials if searched else sum(sizes) * study.budget.seeds)
    most = "at most " * searched
    print(f"networks of {sizes[0]:,} to {sizes[-1]:,} weights; the best of each trial, kept: {most}{megabytes:.1f} MB")


def foresee(study: Study, kernel: str, has_gpu: bool) -> None:
    """What this machine makes of the kernel; a cluster is another matter."""
    cells = study.cells() if study.search.method == "grid" else study.probes()
    has_gpu = has_gpu and torch.cuda.is_available()
    if told := kernels.foresee(kernel, "cuda" if has_gpu else "cpu", [cell.shape for cell in cells]):
        print(told)


def max_epochs(study: Study) -> int:
    """Of the longest trial."""
    return int(max(study.grid.get("nb_epochs", [study.budget.nb_epochs])))
