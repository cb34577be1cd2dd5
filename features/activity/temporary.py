"""Folders for the copies that an import makes: they go with it, or with the next import where it was killed."""

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.kernel.claims import Claim, claimed_folder, remove_unclaimed

TEMPORARY = "mscore-import-"


def folder_of(owner: object) -> Path:
    """A new folder, which is removed when nobody refers to its owner any more."""
    claim = claimed_folder(TEMPORARY)
    weakref.finalize(owner, _remove, claim)
    return claim.folder


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new folder, which is removed at the end."""
    claim = claimed_folder(TEMPORARY)
    try:
        yield claim.folder
    finally:
        _remove(claim)


def remove_left_behind() -> None:
    """Removes the folders of imports that were killed."""
    remove_unclaimed(Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*"))


def _remove(claim: Claim) -> None:
    shutil.rmtree(claim.folder, ignore_errors=True)
    claim.release()
