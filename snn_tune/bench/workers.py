"""The processes that measure: new ones for each kernel, so that none finds memory that another left."""

import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch

from snn_tune.bench.cost import Cost, cost
from snn_tune.bench.memory import PeakMemory
from snn_tune.bench.plan import Job
from snn_tune.training import compile_kernel

MIDDLE_S, CORNER_S, CROWD_S = 3.0, 1.0, 2.0  # seconds for which each is measured, warm-up aside
TIMEOUT_S = 900.0  # for the others, while one of them compiles or measures

_barrier: Any = None


@dataclass(frozen=True)
class Measured:
    """Of one kernel.

    Attributes:
        costs: of each network of the job, measured alone.
        peak_memory: bytes that training the first of them takes beside what was loaded.
        crowding: how much longer a step of it takes while as many processes train as a study runs at once.
    """

    costs: list[Cost]
    peak_memory: int
    crowding: float


def measure(job: Job, at_once: int) -> Measured:
    """Measure alone, then in so many processes at once; one thread each."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(at_once)
    with ProcessPoolExecutor(at_once, context, _begin, (barrier,)) as pool:
        first, *others = [pool.submit(_work, job, index == 0) for index in range(at_once)]
        costs, peak_memory, crowded = first.result()
        steps = [crowded, *(other.result()[2] for other in others)]
    return Measured(costs, peak_memory, max(1.0, median(steps) / costs[0].train_s))


def _begin(barrier: Any) -> None:
    global _barrier
    _barrier = barrier
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # stopped with the command, without a word of its own


def _work(job: Job, first: bool) -> tuple[list[Cost], int, float]:
    """Costs and memory, if this is the first process; and seconds for a sample while all train at once."""
    try:
        costs, peak_memory = _alone(job) if first else ([], 0)
        _wait()  # each process has one call: whoever waits here is never given a second one
        return costs, peak_memory, _cost(job, 0, CROWD_S, _wait).train_s
    except BaseException:
        _barrier.abort()
        raise


def _alone(job: Job) -> tuple[list[Cost], int]:
    middle = job.cells[0]
    compile_kernel(middle, job.data[middle.nb_steps], job.way.kernel)
    memory = PeakMemory(job.way.device)
    costs = [_cost(job, 0, MIDDLE_S)]
    peak_memory = memory.bytes()
    return [*costs, *(_cost(job, index, CORNER_S) for index in range(1, len(job.cells)))], peak_memory


def _cost(job: Job, index: int, seconds: float, ready: Any = lambda: None) -> Cost:
    cell = job.cells[index]
    return cost(cell, job.data[cell.nb_steps], job.way.kernel, job.way.device, seconds, ready)


def _wait() -> None:
    _barrier.wait(TIMEOUT_S)
