"""Checks of the folders and files that a command line names, before anything is made."""

from pathlib import Path

from features.kernel.errors import Invalid, NotFound


def require_home(folder: Path) -> Path:
    """The folder of a home, for commands that need what an earlier one wrote there.

    Raises:
        NotFound: there is no such folder.
    """
    if not folder.is_dir():
        raise NotFound(
            f"There is no home {folder}; check --home or MSCORE_HOME. `mscore import DIR` and `mscore demo` make one."
        )
    return folder


def require_folder(path: Path, wanted: str) -> Path:
    """The path, if it is a folder; `wanted` names what belongs there.

    Raises:
        Invalid: it is a file.
        NotFound: there is nothing.
    """
    if path.is_file():
        raise Invalid(f"{path} is a file; give {wanted}.")
    if not path.is_dir():
        raise NotFound(f"There is no folder {path}; give {wanted}.")
    return path


def require_file(path: Path, wanted: str) -> Path:
    """The path, if it is a file; `wanted` names what belongs there.

    Raises:
        Invalid: it is a folder.
        NotFound: there is nothing.
    """
    if path.is_dir():
        raise Invalid(f"{path} is a folder; give {wanted}.")
    if not path.is_file():
        raise NotFound(f"There is no file {path}; give {wanted}.")
    return path


def parquet_file(path: Path) -> Path:
    """A file to write vectors or predictions to.

    Raises:
        Invalid: it is a folder, or its name promises something else than Parquet.
    """
    if path.is_dir():
        raise Invalid(f"--out {path} is a folder; name a Parquet file.")
    if path.suffix.lower() != ".parquet":
        raise Invalid(f"--out {path} would hold Parquet; name it {path.with_suffix('.parquet').name}.")
    return path
