"""Where studies are found, and how a file becomes one."""

import re
import tomllib
from pathlib import Path

from snn_tune.errors import UserError, near_match, one_line
from snn_tune.files import naming
from snn_tune.study import Study
from snn_tune.study_tables import build
from snn_tune.validation import one_of

PACKAGE = Path(__file__).parent
CHECKOUT = PACKAGE.parent
FOLDER = CHECKOUT / "studies" if (CHECKOUT / "pyproject.toml").is_file() else PACKAGE / "studies"
NAME = re.compile(r"(?!\.)[\w.-]{1,200}")  # names a folder, too: the hidden ones are ours


def available() -> dict[str, Path]:
    """The studies that come with the project, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def find(study: str) -> Path:
    """Path of a study given by its name, or by the path of its file.

    Raises:
        UserError: there is none; with the near match.
    """
    path, names = Path(study), available()
    if path.suffix == ".toml" or path.parent != Path():
        with naming(path):
            if path.is_file():
                return path
        raise UserError(f"there is no study file {study}")
    if study not in names:
        raise UserError(f"there is no study '{study}'{near_match(study, names)}; {one_of(names)}, or name a .toml file")
    return names[study]


def read(study: str) -> Study:
    """The study of this name, or at this path.

    Raises:
        UserError: there is none, or it is not valid: one line with file, key and near match.
    """
    path = find(study)
    if not NAME.fullmatch(path.stem) or path.stem == "Default":
        raise UserError(
            f"{path}: its name is that of an MLflow experiment: letters, digits, . _ - alone, no . first, not Default"
        )
    try:
        with naming(path):
            tables = tomllib.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # TOML, or bytes that are not UTF-8
        raise UserError(f"{path}: is not TOML: {one_line(error)}") from None
    try:
        return build(path.stem, tables)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
