"""The numbers of the tables of a grid, as records for CSV and JSON."""

from dataclasses import asdict
from typing import Any

import pandas as pd

from snn_tune.analysis.cells import ACCURACIES, Axes
from snn_tune.analysis.combination import Combination
from snn_tune.analysis.lines import SHORT
from snn_tune.analysis.optimum import Optimum
from snn_tune.analysis.significance import Comparison
from snn_tune.analysis.table import Row


def optimum(rows: list[Row], axes: Axes) -> pd.DataFrame:
    """The rows of the table; `interval_of` says what low and high are over, "seeds" or "samples"."""
    records = []
    for row in rows:
        texts = {name: row.parameters.get(name, "") for name in axes}
        ends = {
            f"{short}_{end}": getattr(interval, end)
            for short, interval in zip(SHORT.values(), row.intervals, strict=True)
            for end in ("low", "high")
        }
        measures = dict(zip(ACCURACIES, row.accuracies, strict=True)) | ends
        measures |= {"run_time_s": row.run_time_s, "spikes_per_neuron": row.spikes_per_neuron}
        over = next((interval.of for interval in row.intervals if interval.of), "")
        records.append({"row": row.label, **texts, **measures, "interval_of": over})
    return pd.DataFrame(records, columns=None if records else ["row", *axes, *ACCURACIES, "run_time_s"])


def marginals(found: Optimum, compared: dict[str, list[Comparison]]) -> pd.DataFrame:
    """One row for each parameter and value; `standard_error` is of `worse_by`, the paired difference to the best.

    `p_value` is of that difference, `p_corrected` that after Holm: see `significance`.
    """
    records = []
    for name, values in found.marginals.items():
        for marginal, against in zip(values, compared[name], strict=True):
            scores = marginal.scores
            records.append(
                {
                    "parameter": name,
                    "value": marginal.value,
                    "chosen": found.chosen is not None and found.chosen.parameters[name] == marginal.value,
                    "n": scores.nb_trials,
                    "nb_cells": scores.nb_cells,
                    **{f"mean_{accuracy}": getattr(scores, accuracy) for accuracy in ACCURACIES},
                    "worse_by": marginal.worse_by,
                    "standard_error": marginal.standard_error,
                    "nb_pairs": marginal.nb_pairs,
                    "p_value": against.p,
                    "p_corrected": against.corrected,
                    "difference": against.judged,
                    "mean_run_time_s": scores.run_time_s,
                }
            )
    return pd.DataFrame(records, dtype=object)  # an axis of whole numbers stays one beside an axis of fractions


def combination(one: Combination | None) -> dict[str, Any] | None:
    return asdict(one) | {"was_run": one.was_run} if one else None
