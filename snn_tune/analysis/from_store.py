"""A study's analysis, from the tracking store."""

from typing import Any

import pandas as pd

from snn_tune.analysis import claims, confirmed
from snn_tune.analysis.cells import levels
from snn_tune.analysis.differences import differences
from snn_tune.analysis.effects import effects
from snn_tune.analysis.formats import number
from snn_tune.analysis.found import found
from snn_tune.analysis.pareto import pareto
from snn_tune.analysis.part import WHOLE, Part, titled
from snn_tune.analysis.report import Tables, tables
from snn_tune.analysis.trials import StudyTrials, load
from snn_tune.analysis.whole import Analysis
from snn_tune.confirm import Finalist


def analyse(name: str, uri: str, part: Part = WHOLE) -> Analysis:
    """The tables of a study in this tracking store, or of a part of its grid.

    Raises:
        UserError: the store does not answer, or holds no such study or part.
    """
    trials = load(name, uri, part)
    study, frame = trials.study, trials.frame
    grid = study.search.method == "grid"
    result = _grid(trials) if grid else found(study, trials.findings)
    claimed = study.thesis.claims if study.thesis and grid else []
    return Analysis(
        study,
        result,
        _finalists(trials),
        trials,
        effects(frame, study.space),
        pareto(frame, list(study.space)),
        differences(frame, levels(study)) if grid else pd.DataFrame(),
        claims.judge(claimed, frame, levels(study)) if claimed else [],
    )


def _finalists(trials: StudyTrials) -> list[Finalist]:
    """Of a part those that lie in it, as they were chosen from the whole."""
    if not trials.findings:
        return []
    data = trials.origin["data_fingerprint"]
    grid = trials.whole.search.method == "grid"
    searched = {trial.key for trial in trials.whole.trials(data)} if grid else set(trials.frame.get("key", []))
    mine = [one for one in trials.findings if one.trial.key in searched]
    finalists = confirmed.confirmed(trials.whole, trials.findings, mine)
    held = set(trials.study.cells()) if grid else set()
    return [one for one in finalists if not grid or one.parameters in held]


def _thesis(trials: StudyTrials) -> dict[str, Any] | None:
    """What it found, unless a part leaves out a value of its combination that the whole has."""
    if trials.whole.thesis is None:
        return None
    found = trials.whole.thesis.model_dump()
    for name, values in trials.study.grid.items():
        value = str(found.get(name, "")).rstrip("+-")
        if value in map(number, trials.whole.grid[name]) and value not in map(number, values):
            return None
    return found


def _grid(trials: StudyTrials) -> Tables:
    return tables(
        trials.frame,
        levels(trials.study),
        title=f"{titled(trials.study, trials.whole)}: optimal combinations",
        samples=trials.samples,
        nb_classes=trials.nb_classes,
        thesis=_thesis(trials),
        others=trials.others,
        nb_cells=len(trials.study.cells()),
    )
