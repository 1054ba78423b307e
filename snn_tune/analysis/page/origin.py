"""What was run: data, search, hardware, versions and command, as terms with their descriptions."""

import json
from collections import Counter

from snn_tune.analysis import words
from snn_tune.analysis.cells import GROUP
from snn_tune.analysis.formats import number
from snn_tune.analysis.trials import StudyTrials
from snn_tune.study import Study
from snn_tune.wording import count

Terms = list[tuple[str, list[str]]]


def terms(trials: StudyTrials) -> Terms:
    """In the order in which they are shown; each has one description or more."""
    study, tags = trials.study, trials.origin
    every: Terms = [
        ("Study", [study.description]),
        ("Data", _data(trials)),
        ("Search", _search(study)),
        ("The same in all", [", ".join(f"{name} {number(value)}" for name, value in study.base.items())]),
        ("Hardware", _hardware(trials)),
        ("Versions", [tags.get("versions", ""), _commit(tags.get("git_commit", ""))]),
        ("Command", [tags.get("command", "")]),
    ]
    return [(term, kept) for term, texts in every if (kept := [text for text in texts if text])]


def _data(trials: StudyTrials) -> list[str]:
    tags, samples = trials.origin, trials.samples
    sizes = words.listed(
        f"{samples[f'nb_{part}']:,} {name}"
        for part, name in (("train", "train"), ("valid", "validation"), ("test", "test"))
    )
    files = json.loads(tags.get("data_files", "{}"))
    return [
        f"{tags.get('dataset', '?')}: {sizes} samples of {trials.nb_classes} classes",
        tags.get("data_remark", ""),
        f"fingerprint {tags.get('data_fingerprint', '?')}",
        *(f"{name}: sha256 {digest}" for name, digest in files.items()),
    ]


def _search(study: Study) -> list[str]:
    search = study.search
    axes = [f"{name}: {_values(axis.written)}" for name, axis in study.space.items()]
    if search.method == "grid":
        how = f"all combinations, {count(study.budget.seeds, 'seed')} each"
    else:
        how = f"{search.method}, {count(search.samples, 'sample')}, seed {search.seed}"
        how += f", for {', '.join(search.objectives)}"
    scheduler = "" if search.scheduler == "none" else f", {search.scheduler} stops what falls behind"
    return [*axes, f"{how}, {count(study.budget.nb_epochs, 'epoch')}{scheduler}"]


def _values(written: object) -> str:
    return ", ".join(map(number, written)) if isinstance(written, list | tuple) else str(written)


def _hardware(trials: StudyTrials) -> list[str]:
    if trials.frame.empty:
        return []
    groups = Counter(zip(*(trials.frame[name] for name in GROUP), strict=True))
    return [
        f"{count(nb, 'trial')}: {device or 'device unknown'}, kernel {kernel or '?'}, "
        f"threads {threads or '?'}, trials at once {beside or '?'}"
        for (device, kernel, threads, beside), nb in groups.most_common()
        if device or kernel
    ]


def _commit(commit: str) -> str:
    changed = " with changes" if commit.endswith("-dirty") else ""
    return f"commit {commit.removesuffix('-dirty')}{changed}" if commit else ""
