"""`python -m snn_tune.export FOLDER`: a copy of all results, small enough to be sent or committed.

It is a folder of results like any other (`--root FOLDER`): tables and reports are made of it, and studies go on in it.
What it leaves out: checkpoints; the files, and the values of each epoch, of trials that no report draws one by one.
"""

import argparse
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from snn_tune.analysis.figures import curves
from snn_tune.analysis.place import DATABASE
from snn_tune.analysis.whole import analyse
from snn_tune.command import exit_status
from snn_tune.errors import UserError
from snn_tune.files import naming, write_whole
from snn_tune.options import OptionParser, add_root
from snn_tune.tracking.addresses import readdress
from snn_tune.tracking.store import SQLITE, Store
from snn_tune.wording import count

FILES = ("model.pt", "evidence.npz")  # of the best network
LEAN = """
DELETE FROM metrics WHERE run_uuid NOT IN (SELECT run_uuid FROM drawn) AND step < (
    SELECT step FROM latest_metrics AS last WHERE last.run_uuid = metrics.run_uuid AND last.key = metrics.key);
DELETE FROM tags WHERE key IN ('lease', 'lease_beat')
"""


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
        A line for each study.

    Raises:
        UserError: the root has no database, the folder has results of its own or cannot be written.
    """
    database = root / DATABASE
    if not database.is_file():
        raise UserError(f"there is no {database}; name the folder of the results with --root")
    _refuse_results(folder)
    uri = SQLITE + str(database.resolve())
    stores = [Store(one.name, uri) for one in Store("", uri).experiments()]
    found = {store: analyse(store.study, uri) for store in stores if store.parent()}
    drawn = {run_id for one in found.values() for run_id in curves.drawn(one.trials)}
    with naming(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".export.") as part:
            _copy(database, Path(part) / DATABASE, drawn, stores)
            (Path(part) / DATABASE).replace(folder / DATABASE)
    for store, one in found.items():
        _keep_files(store, one.trials.run_ids.get(one.tables.best_key, ""), folder / "artifacts" / store.study)
    return [f"{store.study}: {count(len(one.trials.run_ids), 'trial')}" for store, one in found.items()]


def _refuse_results(folder: Path) -> None:
    """What is no copy is not replaced: its artifacts have a whole address."""
    if (folder / DATABASE).exists():
        there = Store("", SQLITE + str((folder / DATABASE).resolve())).experiments()
        if any(one.artifact_location != _address(one.name) for one in there):
            raise UserError(f"{folder} holds results that are no copy; name another folder")


def _address(study: str) -> str:
    """Of a study's artifacts in a copy: beside the database, wherever that is."""
    return f"artifacts/{study}"


def _copy(database: Path, copy: Path, drawn: set[str], stores: list[Store]) -> None:
    """The database without what the copy leaves out; of the `drawn` runs the values of all epochs stay."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as source, closing(sqlite3.connect(copy)) as to:
        source.backup(to)
        to.execute("CREATE TEMP TABLE drawn (run_uuid)")
        to.executemany("INSERT INTO drawn VALUES (?)", [(run_id,) for run_id in drawn])
        to.executescript(LEAN)
        for store in stores:
            readdress(to, store.experiment.artifact_location, _address(store.study))
        to.commit()
        to.execute("VACUUM")


def _keep_files(store: Store, best: str, folder: Path) -> None:
    """Files of the best network's run; those of one that was best before are deleted."""
    if folder.is_dir():
        shutil.rmtree(folder)
    with TemporaryDirectory() as here:
        for name in FILES if best else ():
            if file := store.artifact(best, name, here):
                write_whole(folder / best / "artifacts" / name, [file.read_bytes()])


if __name__ == "__main__":
    sys.exit(main())
