"""How much of a grid's quality each search finds, for how much of its time: its own trials, replayed.

    python -m snn_tune.run randman --root runs
    python tests/benchmarks/searches.py randman --root runs --figure docs/searches.svg

Every combination of the grid has been trained, so a search over the same 81 combinations needs no training: the
proposals and the stopping rules are the real ones, a trial's curve and its times are those that were recorded, and two
workers take trials in turn. What it costs to propose, to start a worker and to score is left out, of all alike.
"""

import argparse
import heapq
import random
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from scipy import stats

from snn_tune.finding import Finding
from snn_tune.known import Known
from snn_tune.proposals import Proposals
from snn_tune.pruning import Asha, Pruning
from snn_tune.study import Study
from snn_tune.study_file import read
from snn_tune.study_tables import override
from snn_tune.tracking import past
from snn_tune.tracking.store import Store, tracking_uri
from snn_tune.trial import Ending, Epoch, Trial

WORKERS = 2
METHODS = {"grid": ("grid", "none"), "random": ("random", "none"), "TPE": ("optuna", "none")}
METHODS |= {"random + ASHA": ("random", "asha"), "TPE + ASHA": ("optuna", "asha")}


@dataclass
class Course:
    """A search as it went: after each trial that finished, what had been spent, and the best by validation so far."""

    trials: list[int]
    epochs: list[int]
    seconds: list[float]
    valid: list[float]
    test: list[float]


def replay(study: Study, recorded: dict[str, Finding], method: str, scheduler: str, seed: int) -> Course:
    """One search, with two workers."""
    nb_epochs = study.budget.nb_epochs
    pruning = Pruning(asha=Asha(nb_epochs) if scheduler == "asha" else None)
    known = Known()
    if method == "grid":
        order = [found.trial for found in recorded.values()]
        random.Random(seed).shuffle(order)
        left = iter(order)
        proposals, propose = None, lambda: next(left, None)
    else:
        settings = {"method": method, "scheduler": scheduler, "samples": len(recorded), "seed": seed}
        data = next(iter(recorded.values())).trial.data
        proposals = Proposals(override(study, {}, search=settings), data, known, [], {}, lambda *_: None, pruning)
        propose = proposals.propose
    course, best, nb_begun, spent = Course([], [], [], [], []), (-1.0, 0.0), 0, 0
    ticket, events = count(), []  # (time, ticket, trial, epoch)

    def begin(at: float) -> None:
        nonlocal nb_begun
        if trial := propose():
            nb_begun += 1
            known.begun(trial)
            heapq.heappush(events, (at + _epoch_s(recorded, trial), next(ticket), trial, 1))

    for _ in range(WORKERS):
        begin(0.0)
    while events:
        now, _, trial, number = heapq.heappop(events)
        found = recorded[trial.key]
        metrics = {"valid_accuracy": found.history[number - 1], "spikes_per_neuron": 1.0}
        epoch = Epoch(number, metrics)
        known.epochs(trial, [epoch])
        spent += 1
        if number == nb_epochs:
            ending = Ending("finished", metrics=found.metrics)
            best = max(best, (found.metrics["best_valid_accuracy"], found.metrics["best_test_accuracy"]))
        elif pruning.stops(trial.key, [epoch]):
            ending = Ending("pruned")
        else:
            heapq.heappush(events, (now + _epoch_s(recorded, trial), next(ticket), trial, number + 1))
            continue
        known.ended(trial, ending)
        if proposals:
            proposals.ended(trial, ending)
        for values, value in zip(vars(course).values(), (nb_begun, spent, now, *best), strict=True):
            values.append(value)
        begin(now)
    return course


def _epoch_s(recorded: dict[str, Finding], trial: Trial) -> float:
    found = recorded[trial.key]
    return found.metrics["run_time_s"] / len(found.history)


def table(study: Study, recorded: dict[str, Finding], nb_seeds: int) -> dict[str, list[Course]]:
    """Replay all methods; print what each has found when a share of the grid's epochs is spent."""
    courses = {name: [replay(study, recorded, *how, seed) for seed in range(nb_seeds)] for name, how in METHODS.items()}
    whole = study.budget.nb_epochs * len(recorded)
    top = max(found.metrics["best_valid_accuracy"] for found in recorded.values())
    print(f"{study.name}: {len(recorded)} combinations, {whole:,} epochs; best validation {top:.2%}; {nb_seeds} seeds")
    print(
        f"{'':15}" + "".join(f"{f'{share:.0%} of the epochs':>24}" for share in SHARES) + f"{'epochs to the best':>24}"
    )
    for name, found in courses.items():
        cells = [interval([at(one, "epochs", share * whole, "valid") for one in found]) for share in SHARES]
        to_best = interval([first(one, top) / whole for one in found])
        print(f"{name:15}" + "".join(f"{100 * m:15.2f} ± {100 * h:5.2f}%" for m, h in [*cells, to_best]))
    return courses


SHARES = (0.05, 0.1, 0.25, 0.5)


def at(course: Course, axis: str, spent: float, what: str) -> float:
    """The best so far when this much was spent; 0 before any trial had finished."""
    place = int(np.searchsorted(getattr(course, axis), spent, side="right")) - 1
    return float(getattr(course, what)[place]) if place >= 0 else 0.0


def first(course: Course, accuracy: float) -> float:
    """Epochs until this validation accuracy; all that were spent if it was missed."""
    place = next((i for i, value in enumerate(course.valid) if value >= accuracy), -1)
    return course.epochs[place]


def interval(values: list[float]) -> tuple[float, float]:
    """Mean and half width of its 95 % interval."""
    spread = float(np.std(values, ddof=1)) / np.sqrt(len(values))
    return float(np.mean(values)), float(stats.t.ppf(0.975, len(values) - 1)) * spread


def figure(courses: dict[str, dict[str, list[Course]]], path: Path) -> None:
    """Validation (solid) and test accuracy (dashed) of the best so far, against trials, epochs and time."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    plt.rcParams |= {"svg.hashsalt": "searches", "font.size": 8, "axes.spines.top": False, "axes.spines.right": False}
    colours = dict(zip(METHODS, ("0.45", "#E69F00", "#0072B2", "#D55E00", "#009E73"), strict=True))
    axes = {"trials": "trials begun", "epochs": "epochs trained", "seconds": "seconds, two workers"}
    fig, panels = plt.subplots(len(courses), 3, figsize=(9, 2.7 * len(courses)), squeeze=False, layout="constrained")
    for row, (study, methods) in zip(panels, courses.items(), strict=True):
        floor = min(at(one, "epochs", 0.1 * max(one.epochs), "test") for one in methods["random"])
        for panel, (axis, label) in zip(row, axes.items(), strict=True):
            for name, found in methods.items():
                grid = np.linspace(0, max(getattr(one, axis)[-1] for one in methods["grid"]), 150)
                for what, style in (("valid", "-"), ("test", ":")):
                    every = np.array([[at(one, axis, spent, what) or np.nan for spent in grid] for one in found])
                    some = np.isfinite(every).all(axis=0) & (grid <= max(getattr(one, axis)[-1] for one in found))
                    mean = every[:, some].mean(axis=0)
                    half = stats.t.ppf(0.975, len(found) - 1) * every[:, some].std(axis=0, ddof=1) / len(found) ** 0.5
                    label_ = name if what == "valid" else None
                    panel.plot(grid[some], 100 * mean, style, color=colours[name], lw=1.2, label=label_)
                    if what == "valid":
                        panel.fill_between(
                            grid[some], 100 * (mean - half), 100 * (mean + half), color=colours[name], alpha=0.18, lw=0
                        )
            panel.set_xlabel(label)
            panel.set_ylim(bottom=100 * floor)
        row[0].set_ylabel(f"{study}\nbest so far, %")
    panels[0][0].legend(frameon=False, fontsize=7, loc="lower right")
    fig.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", nargs="+")
    parser.add_argument("--root", type=Path, default=Path("runs"))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--labels", nargs="+", help="of the studies, in the figure (default: their names)")
    options = parser.parse_args()
    labels = options.labels or options.study
    if len(labels) != len(options.study):
        parser.error(f"--labels: {len(labels)} for {len(options.study)} studies; give one for each")
    courses = {}
    for name, label in zip(options.study, labels, strict=True):
        study = read(name)
        every = past.of_study(Store(name, tracking_uri(None, options.root)))
        data = every[-1].trial.data if every else ""
        keys = {trial.key for trial in study.trials(data)}
        recorded = {one.trial.key: one for one in every if one.trial.key in keys and one.state == "finished"}
        if len(recorded) < len(keys):
            raise SystemExit(f"{name}: {len(recorded)} of {len(keys)} trials have finished; run the grid first")
        courses[label] = table(study, recorded, options.seeds)
    if options.figure:
        figure(courses, options.figure)


if __name__ == "__main__":
    main()
