"""What is printed: a row for each study and kernel, and what stands behind it."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from snn_tune.bench.estimate import Result
from snn_tune.bench.plan import Plan

UNITS = (("d", 86400.0), ("h", 3600.0), ("min", 60.0))


def show(console: Console, benches: list[tuple[Plan, list[Result]]], machine: str, left_out: dict[str, str]) -> None:
    """The table and its lines; plain text where the console is no terminal."""
    console.print(Text(machine))
    console.print()
    if benches:
        console.print(_table(benches))
        console.print()
    for plan, found in benches:
        console.print(Text(_line(plan, found)))
    for study, reason in left_out.items():
        console.print(Text(f"{study} is left out: {reason}"))


def _table(benches: list[tuple[Plan, list[Result]]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("study", no_wrap=True)
    table.add_column("kernel", no_wrap=True)
    for heading in ("epoch", "against\nreference", "input\nspikes/s", "peak\nmemory", "whole\nstudy"):
        table.add_column(heading, justify="right", no_wrap=True)
    for plan, found in benches:
        for result in found:
            on = "" if result.way.device == "cpu" else f" ({result.way.device})"
            table.add_row(
                plan.study.name,
                result.way.kernel + on,
                duration(result.epoch_s),
                "-" if result.speedup is None else f"{result.speedup:.1f} x",
                f"{result.spikes_per_s / 1e6:.3g} M",
                f"{result.measured.peak_memory / 1e6:.0f} MB",
                duration(result.study_s),
            )
    return table


def _line(plan: Plan, found: list[Result]) -> str:
    cell, trials = plan.cells[0], len(plan.study.cells()) * plan.study.budget.seeds
    units = " + ".join(map(str, cell.hidden))
    kind = "recurrent" if cell.recurrent else "feed-forward"
    crowding = ", ".join(
        f"{result.at_once} at a time ({result.way.kernel}: each {100 * (result.measured.crowding - 1):.0f} % slower)"
        for result in found
    )
    return (
        f"{plan.study.name}: {units} hidden units, {kind}, {cell.nb_steps} steps, {plan.samples['train']:,} "
        f"samples in batches of {cell.batch_size}; study: {trials} trials of {cell.nb_epochs} epochs, {crowding}"
    )


def duration(seconds: float) -> str:
    """Three digits and the largest unit of which there is at least one."""
    for unit, size in UNITS:
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s" if seconds >= 0.1 else f"{1e3 * seconds:.3g} ms"
