"""A whole training step (forward, loss, backward, Adamax) against SpyTorch's loop: `python tests/benchmarks/step.py`.

The ways alternate, run after run, on one thread; what is shown are medians, and the median of each run's ratio. Neither
way pays for packing its input: the loop gets it dense, the kernel as events.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch
from loops import SurrGradSpike, run_snn
from torch import Tensor
from workloads import Workload, all_workloads

from snn_tune.snn import max_over_time, spike_penalty, weighted_nll
from snn_tune.snn.kernels import cpu
from snn_tune.snn.kernels.cpu import Parameters


def leaves(work: Workload) -> tuple[Parameters, list[Tensor], torch.optim.Optimizer]:
    p = Parameters(*(None if each is None else each.clone().requires_grad_() for each in work.parameters))
    trained = [each for each in p if each is not None]
    return p, trained, torch.optim.Adamax(trained, lr=work.lr)


def loop_step(work: Workload, unbind: bool) -> Callable[[], tuple[float, list[Tensor]]]:
    p, trained, optimizer = leaves(work)

    def step() -> tuple[float, list[Tensor]]:
        SurrGradSpike.scale = work.model.scale
        frames, spikes = run_snn(work.dense, p, work.model, unbind)
        loss = weighted_nll(max_over_time(frames), work.labels)
        loss = loss + spike_penalty(spikes, work.strength, work.reduction)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.detach()), [each.grad for each in trained if each.grad is not None]

    return step


def kernel_step(work: Workload, threads: int) -> Callable[[], tuple[float, list[Tensor]]]:
    p, trained, optimizer = leaves(work)

    def step() -> tuple[float, list[Tensor]]:
        found = cpu.train_step(
            work.inputs, work.labels, p, work.model, strength=work.strength, reduction=work.reduction, threads=threads
        )
        grads = [grad for grad in found.gradients or () if grad is not None]
        for each, grad in zip(trained, grads, strict=True):
            each.grad = grad
        optimizer.step()
        return found.loss, grads

    return step


def compare(work: Workload, runs: int, threads: int, clock: Callable[[], float]) -> None:
    ways = {"loop": loop_step(work, False), "unbind": loop_step(work, True), "cpu": kernel_step(work, threads)}
    first = {name: way() for name, way in ways.items()}
    errors = [(a - b).norm() / b.norm() for a, b in zip(first["cpu"][1], first["unbind"][1], strict=True)]
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            start = clock()
            way()
            times[name].append((clock() - start) * 1e3)
    line = "".join(f"{name} {median(each):7.1f} ms   " for name, each in times.items())
    for name in ("loop", "unbind"):
        ratio = median(slow / fast for slow, fast in zip(times[name], times["cpu"], strict=True))
        line += f"{ratio:5.1f} x {name}   "
    print(f"{work.name:24} {line} gradients within {float(max(errors)):.0e}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cpu-time", action="store_true", help="for a machine that others use too; one thread only")
    parser.add_argument("--only", default="", help="part of a name")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for work in all_workloads():
        if arguments.only in work.name:
            clock = time.process_time if arguments.cpu_time else time.perf_counter
            compare(work, arguments.runs, arguments.threads, clock)


if __name__ == "__main__":
    main()
