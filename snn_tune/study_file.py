"""Where studies are found, and how a file becomes one."""

import tomllib
from pathlib import Path

from snn_tune.errors import UserError, near_match
from snn_tune.study import Study, build, one_of

PACKAGE = Path(__file__).parent
FOLDERS = (PACKAGE / "studies", PACKAGE.parent / "studies")  # installed, or in a checkout


def available() -> dict[str, Path]:
    """The studies that come with the project, by name."""
    return {path.stem: path for folder in FOLDERS for path in sorted(folder.glob("*.toml"))}


def find(study: str) -> Path:
    """Path of a study given by its name, or by the path of its file.

    Raises:
        UserError: there is none; with the near match.
    """
    path, names = Path(study), available()
    if path.suffix == ".toml" or path.parent != Path():
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
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:  # TOML, or bytes that are not UTF-8
        raise UserError(f"{path}: is not TOML: {error}") from None
    try:
        return build(path.stem, tables)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
