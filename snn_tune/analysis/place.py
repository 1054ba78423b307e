"""What a user names on the command line: a study of --root, a study of another root, or a root with all its studies."""

from dataclasses import dataclass
from pathlib import Path

from snn_tune.errors import UserError
from snn_tune.tracking.database import DATABASE, SQLITE
from snn_tune.tracking.store import Store, tracking_uri


@dataclass(frozen=True)
class Place:
    """Where a study is kept.

    Attributes:
        given: as the user named it.
        study: its name; "" of a root with all its studies.
        root: folder of the results.
        uri: of the tracking store.
    """

    given: str
    study: str
    root: Path
    uri: str

    def studies(self) -> list[str]:
        """Names of the store's experiments.

        Raises:
            UserError: the store does not answer.
        """
        return sorted(one.name for one in Store("", self.uri).experiments() if one.name != "Default")


def place(given: str, root: Path, uri: str | None) -> Place:
    """`tbl` and `studies/tbl.toml` are studies of `root`; `old/tbl` is one of the root `old`; `old` may be a root.

    Args:
        uri: of a tracking store in place of the root's; another root that is named has its own.

    Raises:
        UserError: it is empty, or names a folder that holds no results.
    """
    if not given:
        raise UserError("STUDY is empty: name a study, its file, ROOT/STUDY or a ROOT")
    path = Path(given)
    if path.suffix == ".toml" or (len(path.parts) == 1 and not (path / DATABASE).exists()):
        return Place(given, path.name.removesuffix(".toml"), root, tracking_uri(uri, root))
    there, study = (path, "") if (path / DATABASE).exists() else (path.parent, path.name)
    if not (there / DATABASE).is_file():
        raise UserError(f"{given}: there is no {there / DATABASE}; name a study, its file, ROOT/STUDY or a ROOT")
    return Place(given, study, there, tracking_uri(SQLITE + str((there / DATABASE).resolve()), there))
