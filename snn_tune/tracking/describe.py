"""What MLflow's pages say of a study: of its experiment, and of its run, before the trials and after them."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress

from mlflow.entities import RunTag
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_SOURCE_NAME, MLFLOW_SOURCE_TYPE
from mlflow.utils.validation import MAX_TAG_VAL_LENGTH

from snn_tune.axis import Axis, Choice
from snn_tune.errors import UserError
from snn_tune.study import Study
from snn_tune.tracking import view
from snn_tune.tracking.data_input import as_input
from snn_tune.tracking.names import short
from snn_tune.tracking.store import Store
from snn_tune.wording import count

NOTE = "mlflow.note.content"  # the tag that MLflow's pages show as the description
SHOWN = 8  # values of an axis
LATER = "The optimal combination will be here when the trials are over."


def describe_study(
    store: Store, study_run: str, study: Study, shared_tags: dict[str, str], data: dict[str, str] | None = None
) -> None:
    """The study's run keeps this start's resolved study, says what runs, and runs; so does its experiment.

    Args:
        data: an input of the run, see `data_input`.

    Raises:
        UserError: the study is longer than a tag may be, or the store does not answer.
    """
    resolved = json.dumps(study.tables())
    if len(resolved) > MAX_TAG_VAL_LENGTH:
        most = f"{len(resolved):,} characters as JSON, more than the {MAX_TAG_VAL_LENGTH:,} that MLflow keeps"
        raise UserError(f"study '{study.name}' is too long ({most}); shorten its description or its axes")
    tags = {"study": resolved, NOTE: note(study, shared_tags, LATER), **shared_tags}
    tags |= {MLFLOW_SOURCE_NAME: "snn_tune.run", MLFLOW_SOURCE_TYPE: "LOCAL"}
    tags |= {MLFLOW_GIT_COMMIT: commit} if (commit := shared_tags.get("git_commit")) else {}
    store.ask(lambda: store.client.log_batch(study_run, tags=[RunTag(*item) for item in tags.items()]))
    if data:
        store.ask(lambda: store.client.log_inputs(study_run, [as_input(data)]))
    of_experiment = {
        NOTE: f"{plain(study.description)}\n\n{EXPERIMENT}",
        view.TAG: view.saved(study, store.experiment.creation_time),
    }
    with suppress(Exception):  # for the eye alone: a server may allow less
        for name, value in of_experiment.items():
            if store.experiment.tags.get(name) != value:
                store.client.set_experiment_tag(store.experiment_id, name, value)
    store.ask(lambda: store.client.update_run(study_run, status="RUNNING"))


EXPERIMENT = (
    "The run that has the study's name holds the study: its description has the optimal combination, its artifacts "
    "the report, its model the best network. Below it is one run for each trial: its name tells the values of what is "
    f"varied, and after # the seed. Under Views, '{view.NAME}' has them with these values and their scores."
)


def note(study: Study, tags: Mapping[str, str], first: str) -> str:
    """The description of a study's run, in Markdown: `first`, and what was run. No longer than a tag may be."""
    single = {name: values[0] for name, values in study.grid.items() if len(values) == 1}
    varied = [[name, _values(axis)] for name, axis in study.space.items() if name not in single]
    fixed = ", ".join(f"{name} {short(value)}" for name, value in {**study.base, **single}.items())
    samples = json.loads(tags.get("samples", "{}"))
    parts = ", ".join(f"{samples[name]:,} {name.removeprefix('nb_')}" for name in samples)
    paragraphs = [
        first,
        plain(study.description),
        f"**{plain(_trials(study))}**",
        table(["varied", "values"], varied) if varied else "",
        f"The same in all trials: {plain(fixed)}.",
        f"Data: {plain(study.data.name)}, samples: {parts}." if parts else "",
        plain(tags.get("data_remark", "")),
        f"Command: {_code(tags['command'])}" if "command" in tags else "",
        plain(tags.get("versions", "")),
    ]
    return "\n\n".join(filter(None, paragraphs))[:MAX_TAG_VAL_LENGTH]


def plain(text: str) -> str:
    """The text as Markdown shows it, with nothing in it that makes a link, an image or HTML of it."""
    marked = re.sub(r"([\\`*_\[\]<>|~#])", r"\\\1", " ".join(text.split()))
    return marked.replace("://", ":\u200b//").replace("www.", "www\u200b.")  # Markdown makes links of bare addresses


def table(heads: list[str], rows: list[list[str]]) -> str:
    """In Markdown, with spaces that stay: MLflow's page sets the columns close together."""
    cells = [[f"\u00a0{plain(text)}\u00a0" for text in row] for row in [heads, *rows]]
    return "\n".join(f"| {' | '.join(row)} |" for row in [cells[0], ["---"] * len(heads), *cells[1:]])


def bullets(lines: list[str]) -> str:
    """A list in Markdown."""
    return "\n".join(f"- {plain(line)}" for line in lines)


def _code(text: str) -> str:
    return f"`{' '.join(text.split()).replace('`', ' ')}`"


def _trials(study: Study) -> str:
    search, epochs = study.search, count(study.budget.nb_epochs, "epoch")
    if search.method == "grid":
        nb_cells = len(study.cells())
        repeated = f", {count(study.budget.seeds, 'seed')} each" if study.budget.seeds > 1 else ""
        text = f"{count(nb_cells * study.budget.seeds, 'trial')}: all combinations{repeated}, {epochs} each"
    else:
        text = f"{count(study.nb_samples, 'trial')} chosen by {search.method}, at most {epochs} each"
    text += "" if search.scheduler == "none" else f"; {search.scheduler} stops those that fall behind"
    return text + (f"; then the best {search.confirm} again with other seeds" if search.confirm else "")


def _values(axis: Axis) -> str:
    if not isinstance(axis.what, Choice):
        return str(axis.written)
    values = list(map(short, axis.what.values))
    more = f", ... ({count(len(values), 'value')})" if len(values) > SHOWN else ""
    condition = f" if {axis.condition[0]} = {', '.join(map(str, axis.condition[1]))}" if axis.condition else ""
    return ", ".join(values[:SHOWN]) + more + condition
