"""Claims on folders: whoever uses one holds a claim, which ends with the process; what is unclaimed may be removed."""

import fcntl
import os
import shutil
import stat
import tempfile
import time
import weakref
from collections.abc import Iterable
from pathlib import Path

CLAIM_FILE = ".claim"
LEAVING = ".leaving"
MIN_AGE_SECONDS = 60.0
"""A folder younger than this may have been made by somebody who is about to claim it."""


class Claim:
    """A shared claim on a folder, held until it is released or the process ends, however it ends.

    Raises:
        FileNotFoundError: there is no such folder, or it is being removed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        descriptor = _open(folder)
        # A descriptor and no file object: an engine is dropped with its claim, which Python would warn about.
        self._close = weakref.finalize(self, os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if not _is_of(descriptor, folder):  # removed while this process waited
            self.release()
            raise FileNotFoundError(f"{folder} has been removed.")

    def release(self) -> None:
        """Give the claim up."""
        self._close()


def claimed_folder(prefix: str) -> Claim:
    """A claim on a new folder for temporary files; what killed processes left under the prefix is removed first."""
    place = Path(tempfile.gettempdir())
    remove_unclaimed(place.glob(f"{prefix}*"))
    return Claim(Path(tempfile.mkdtemp(prefix=prefix, dir=place)))


def remove_unclaimed(folders: Iterable[Path], now: float | None = None) -> list[Path]:
    """Removes those of the folders that no process claims, apart from quite new ones; gives back which.

    A folder that was never claimed is left: a version of ours that knows no claims may be using it.
    """
    latest = (time.time() if now is None else now) - MIN_AGE_SECONDS
    return [folder for folder in folders if _is_left_behind(folder, latest) and remove(folder)]


def _is_left_behind(folder: Path, latest: float) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    return (
        (folder / CLAIM_FILE).exists()
        and stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.geteuid()
        and status.st_mtime <= latest
    )


def remove(folder: Path) -> bool:
    """Removes a folder unless somebody claims it; it loses its name first, so that nobody claims half of it."""
    leaving = folder if folder.name.endswith(LEAVING) else folder.with_name(folder.name + LEAVING)
    try:
        descriptor = _open(folder)
    except OSError:  # it belongs to somebody else, or it is gone
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        folder.rename(leaving)
        shutil.rmtree(leaving, ignore_errors=True)
    except OSError:  # somebody claims it, or another process was faster
        return False
    finally:
        os.close(descriptor)
    return True


def _open(folder: Path) -> int:
    """A descriptor of the file that is locked, for reading, so that who may not write can claim, too."""
    return os.open(folder / CLAIM_FILE, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)


def _is_of(descriptor: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), (folder / CLAIM_FILE).stat())
    except FileNotFoundError:
        return False
