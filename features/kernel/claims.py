"""Claims on folders: whoever uses one holds a claim, which ends with the process; what is unclaimed may be removed."""

import fcntl
import os
import shutil
import time
import weakref
from collections.abc import Iterable
from pathlib import Path

CLAIM_FILE = ".claim"
MIN_AGE_SECONDS = 60.0
"""A folder younger than this may have been made by somebody who is about to claim it."""


class Claim:
    """A shared claim on a folder, held until it is released or the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        descriptor = os.open(folder / CLAIM_FILE, os.O_CREAT | os.O_RDWR, 0o644)
        self._release = weakref.finalize(self, os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_SH)

    def release(self) -> None:
        """Give the claim up."""
        self._release()


def remove_unclaimed(folders: Iterable[Path], now: float | None = None) -> list[Path]:
    """Removes those of the folders that no process claims, apart from quite new ones; gives back which."""
    latest = (time.time() if now is None else now) - MIN_AGE_SECONDS
    return [folder for folder in folders if _is_left_behind(folder, latest) and _remove(folder)]


def _is_left_behind(folder: Path, latest: float) -> bool:
    try:
        return folder.stat().st_mtime <= latest
    except OSError:
        return False


def _remove(folder: Path) -> bool:
    try:
        with (folder / CLAIM_FILE).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # somebody claims it, it belongs to somebody else, or it is gone
        return False
    return True
