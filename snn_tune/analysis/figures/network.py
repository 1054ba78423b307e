"""The best network on real samples: its input, its spikes and its membranes (thesis, figures 5 and 7)."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes as Panel
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from snn_tune.analysis import words
from snn_tune.analysis.figures import style
from snn_tune.analysis.figures.drawing import Drawing

Arrays = dict[str, NDArray[Any]]
MOST_VECTORS = 4000  # spikes of a panel; more are drawn as an image
THRESHOLD = 1.0


def draw(evidence: Arrays) -> Drawing:
    """A column for each sample, rows of what the network saw and did; `evidence`: see `snn_tune.evidence`."""
    rows = [name for name in ("input", "encoded", "spikes", "membrane") if name in evidence or _events(evidence, name)]
    nb_samples, nb_steps = evidence["spikes"].shape[:2]
    with style.styled():
        heights = [{"membrane": 1.5, "input": 1.1}.get(name, 1.0) for name in rows]
        figure, panels = style.panels(
            style.WIDE, 1.0 + 1.45 * len(rows), len(rows), nb_samples, sharex=True, sharey="row", height_ratios=heights
        )
        for place, panel in enumerate(panels):
            name, sample = rows[place // nb_samples], place % nb_samples
            _panel(panel, evidence, name, sample)
            panel.set_xlim(-0.5, nb_steps - 0.5)
            panel.grid(False)
            if not sample:
                panel.set_ylabel(_label(evidence, name))
            if place < nb_samples:
                panel.set_title(f"class {evidence['label'][sample]}, read as {evidence['prediction'][sample]}")
            if place >= len(panels) - nb_samples:
                panel.set_xlabel("time step")
        figure.align_ylabels()
    alt = f"For each of {nb_samples} test samples, over time: {words.listed(_label(evidence, name) for name in rows)}."
    return Drawing("network", "The best network at work", alt, figure, _numbers(evidence), _says(evidence), wide=True)


def _events(evidence: Arrays, name: str) -> bool:
    return name == "input" and "input_unit" in evidence


def _panel(panel: Panel, evidence: Arrays, name: str, sample: int) -> None:
    if name == "membrane":
        _traces(panel, evidence["membrane"][sample], _span(evidence["membrane"]))
    elif name == "input" and "input" in evidence:
        for channel, values in enumerate(evidence["input"][sample].T):
            panel.plot(values, lw=1, color=style.SERIES[channel % len(style.SERIES)])
    else:
        step, unit = _spikes(evidence, name, sample)
        _raster(panel, step, unit, {"spikes": style.BLUE, "encoded": style.GREEN}.get(name, style.INK))


def _spikes(evidence: Arrays, name: str, sample: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Steps and units."""
    if name != "input":
        step, unit = np.nonzero(evidence[name][sample])
        return step, unit
    mine = evidence["input_sample"] == sample
    return evidence["input_step"][mine], evidence["input_unit"][mine]


def _raster(panel: Panel, step: NDArray[Any], unit: NDArray[Any], colour: str) -> None:
    panel.plot(
        step,
        unit,
        "|" if len(step) < 400 else ".",
        color=colour,
        ms=3 if len(step) < 400 else 1.6,
        mew=0.9,
        rasterized=len(step) > MOST_VECTORS,
    )
    panel.margins(y=0.04)


def _span(membrane: NDArray[Any]) -> float:
    """The distance of traces at which they rarely meet."""
    low, high = np.percentile(membrane, [2, 98])
    return 1.1 * max(float(high), THRESHOLD) - min(float(low), 0.0)


def _traces(panel: Panel, membrane: NDArray[Any], span: float) -> None:
    """One above the other, each with its threshold."""
    base = span * np.arange(membrane.shape[1])
    steps = np.arange(len(membrane))
    lines = [np.column_stack([steps, trace + at]) for trace, at in zip(membrane.T, base, strict=True)]
    panel.add_collection(LineCollection(lines, colors=style.PURPLE, linewidths=1))
    panel.hlines(base + THRESHOLD, 0, len(membrane) - 1, color=style.FAINT, lw=0.5, ls=(0, (2, 2)))
    panel.set_yticks([])
    panel.set_ylim(min(0.0, float(membrane[:, 0].min())) - 0.1, base[-1] + max(1.3, float(membrane[:, -1].max()) + 0.1))


def _label(evidence: Arrays, name: str) -> str:
    nb = evidence["membrane"].shape[2]
    return {
        "input": "input unit" if _events(evidence, name) else "input",
        "encoded": "encoder unit",
        "spikes": "hidden unit",
        "membrane": f"{nb} membranes",
    }[name]


def _numbers(evidence: Arrays) -> pd.DataFrame:
    """A row for each spike, event and value: what, sample, step, unit, value."""
    parts = []
    for name in ("spikes", "encoded", "input", "membrane"):
        if name not in evidence:
            continue
        sample, step, unit = np.nonzero(evidence[name] if evidence[name].dtype == bool else np.isfinite(evidence[name]))
        value = evidence[name][sample, step, unit].astype(float)
        unit = evidence["traced"][unit] if name == "membrane" else unit
        parts.append(pd.DataFrame({"what": name, "sample": sample, "step": step, "unit": unit, "value": value}))
    if _events(evidence, "input"):
        columns = {name: evidence[f"input_{name}"] for name in ("sample", "step", "unit")}
        parts.append(pd.DataFrame({"what": "input", **columns, "value": evidence["input_count"].astype(float)}))
    numbers = pd.concat(parts, ignore_index=True)
    return numbers.assign(sample=evidence["sample"][numbers["sample"]])


def _says(evidence: Arrays) -> str:
    spikes = evidence["spikes"]
    right = int((evidence["label"] == evidence["prediction"]).sum())
    silent = int((~spikes.any(axis=(0, 1))).sum())
    each = [f"{count:,}" for count in spikes.sum(axis=(1, 2))]
    text = (
        f"{len(spikes)} test samples, the first of the first classes; {right} of them read right. The "
        f"{spikes.shape[2]} hidden units spike {words.listed(each)} times"
    )
    text += f"; {silent} of them never. " if silent else ". "
    return text + "Dashed: the threshold of each membrane."
