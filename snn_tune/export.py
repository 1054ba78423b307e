"""`python -m snn_tune.export FOLDER`: a copy of all results, small enough to be sent or committed.

It is a folder of results like any other (--root FOLDER): tables and reports are made of it, and studies go on in it.
What it leaves out: checkpoints, reports, runs in MLflow's bin; the model and the figures' data of all trials but each
study's best; the values of each epoch of trials that are over, but for the best, the median and the worst.
"""

import argparse
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from snn_tune.analysis.figures import curves
from snn_tune.analysis.from_store import analyse
from snn_tune.command import exit_status
from snn_tune.errors import UserError, one_line
from snn_tune.files import naming, write_whole
from snn_tune.options import OptionParser, add_root
from snn_tune.tracking.addresses import is_local, readdress
from snn_tune.tracking.database import ARTIFACTS, DATABASE, database_uri
from snn_tune.tracking.question import ask
from snn_tune.tracking.store import Store
from snn_tune.trial import OVER
from snn_tune.wording import count

FILES = ("model.pt", "evidence.npz")
LEAN = """
CREATE TEMP TABLE bin AS SELECT run_uuid FROM runs WHERE lifecycle_stage = 'deleted';
DELETE FROM metrics WHERE run_uuid IN bin;
DELETE FROM latest_metrics WHERE run_uuid IN bin;
DELETE FROM params WHERE run_uuid IN bin;
DELETE FROM tags WHERE run_uuid IN bin;
DELETE FROM input_tags WHERE input_uuid IN (SELECT input_uuid FROM inputs WHERE destination_id IN bin);
DELETE FROM inputs WHERE destination_id IN bin;
DELETE FROM runs WHERE run_uuid IN bin;
DELETE FROM metrics
WHERE run_uuid IN (SELECT run_uuid FROM tags WHERE key = 'state' AND value IN (SELECT state FROM over))
AND run_uuid NOT IN (SELECT run_uuid FROM drawn)
AND step < (SELECT step FROM latest_metrics AS last WHERE last.run_uuid = metrics.run_uuid AND last.key = metrics.key);
DELETE FROM tags WHERE key IN ('lease', 'lease_beat');
DELETE FROM logged_model_metrics;
DELETE FROM logged_model_params;
DELETE FROM logged_model_tags;
DELETE FROM logged_models;
"""  # models: their files are not copied


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status, 2 for something to mend, 130 if stopped."""
    about, _, more = (__doc__ or "").partition("\n\n")
    parser = OptionParser("python -m snn_tune.export", about, more)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where the copy goes; an earlier copy is replaced")
    add_root(parser)
    options = parser.parse_args(arguments)
    return exit_status(lambda: _answer(options))


def _answer(options: argparse.Namespace) -> int:
    for line in export(options.root, options.folder):
        print(line)
    return 0


def export(root: Path, folder: Path) -> list[str]:
    """Copy the results of a root folder into another.

    Returns:
        A line for each study, and for what is left out that should not be.

    Raises:
        UserError: the root has no database, or not one of results; the folder has results of its own, or cannot be
            written.
    """
    if not (root / DATABASE).is_file():
        raise UserError(f"there is no {root / DATABASE}; name the folder of the results with --root")
    source = database_uri(root)
    Store("", source)  # that it is one
    _refuse_results(root, folder)
    with naming(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".export.") as name:
            new = Path(name) / "new"
            new.mkdir()
            ask(source, _snapshot, root / DATABASE, new / DATABASE)
            lines = _fill(new, source)
            (new / DATABASE).replace(folder / DATABASE)  # first: killed here, it is still a copy, which is replaced
            if (folder / ARTIFACTS).exists():
                (folder / ARTIFACTS).rename(Path(name) / "old")  # which goes with the temporary folder
            (new / ARTIFACTS).rename(folder / ARTIFACTS)
    waits = any(file.is_file() for file in (root / "journal").rglob("*"))
    return lines + [f"not copied: what waits in {root / 'journal'}; `run` delivers it"] * waits


def _refuse_results(root: Path, folder: Path) -> None:
    """What is no copy is not replaced: its artifacts have a whole address, or no database at all."""
    if folder.resolve() == root.resolve():
        raise UserError(f"{folder} is what is to be copied; name another folder")
    mine = not (folder / ARTIFACTS).exists()
    if (folder / DATABASE).exists():
        there = Store("", database_uri(folder)).experiments()
        mine = not any(is_local(one.artifact_location) for one in there)
    if not mine:
        raise UserError(f"{folder} holds results that are no copy; name another folder")


def _snapshot(database: Path, copy: Path) -> None:
    """The database as it is at this moment, also while a study runs."""
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as source:
        source.execute("VACUUM INTO ?", (str(copy),))


def _fill(new: Path, source: str) -> list[str]:
    """Files of the best, taken from the source; then the database is made lean."""
    uri, lines, drawn = database_uri(new), [], set[str]()
    (new / ARTIFACTS).mkdir()
    for study in sorted(one.name for one in Store("", uri).experiments() if one.name != "Default"):
        try:
            analysis = analyse(study, uri)
        except UserError as error:
            lines.append(f"{study}: copied as it is: {one_line(error)}")
            continue
        trials = analysis.trials
        drawn |= set(curves.drawn(trials))
        if best := analysis.tables.best_key:
            _keep_files(Store(study, source), trials.run_ids[best], new / ARTIFACTS / study)
        lines.append(f"{study}: {count(len(trials.run_ids), 'trial')}")
    ask(uri, _make_lean, new / DATABASE, drawn)
    return lines


def _keep_files(store: Store, best: str, folder: Path) -> None:
    with TemporaryDirectory() as here:
        for name in FILES:
            if file := store.artifact(best, name, here):
                write_whole(folder / best / "artifacts" / name, [file.read_bytes()])


def _make_lean(database: Path, drawn: set[str]) -> None:
    """Without what the copy leaves out, and with addresses that hold beside the database, wherever that is."""
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript("CREATE TEMP TABLE drawn (run_uuid); CREATE TEMP TABLE over (state)")
        connection.executemany("INSERT INTO drawn VALUES (?)", [(run_id,) for run_id in drawn])
        connection.executemany("INSERT INTO over VALUES (?)", [(state,) for state in OVER])
        connection.executescript(LEAN)
        for study, address in connection.execute("SELECT name, artifact_location FROM experiments").fetchall():
            if is_local(address):
                readdress(connection, address, f"{ARTIFACTS}/{study}")
        connection.commit()
        connection.execute("VACUUM")


if __name__ == "__main__":
    sys.exit(main())
