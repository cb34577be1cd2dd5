"""Claims: a claimed folder stays, whatever happens to others; what a killed process claimed is removed later."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from features.kernel.claims import CLAIM_FILE, Claim, claimed_folder, remove_unclaimed

HOLD = """
import sys
from pathlib import Path
from features.kernel.claims import Claim, claimed_folder
claim = Claim(Path(sys.argv[1])) if len(sys.argv) > 1 else claimed_folder("mscore-test-")
print(claim.folder, flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that claims a folder until it is killed, and the folder."""
    command = [sys.executable, "-c", HOLD, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def kill(process: subprocess.Popen[str]) -> None:
    """Ends a process as the kernel does when memory runs out."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def aged(folder: Path) -> Path:
    """The folder as if it had been made long ago."""
    os.utime(folder, (0, 0))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with something in it, made long ago."""
    place = tmp_path / "state"
    place.mkdir()
    (place / "rows").write_text("rows")
    return aged(place)


def test_a_folder_is_kept_while_a_process_claims_it_and_removed_once_it_is_killed(folder: Path) -> None:
    with holder(str(folder)) as (process, _):
        aged(folder)
        assert remove_unclaimed([folder]) == []
        assert (folder / "rows").is_file()
        kill(process)
    assert remove_unclaimed([folder]) == [folder]
    assert list(folder.parent.iterdir()) == []


def test_of_two_claims_the_last_one_decides(folder: Path) -> None:
    first, second = Claim(folder), Claim(folder)
    aged(folder)
    first.release()
    assert remove_unclaimed([folder]) == []
    second.release()
    assert remove_unclaimed([folder]) == [folder]


def test_a_new_folder_is_left_to_who_is_about_to_claim_it(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    assert remove_unclaimed([tmp_path / "new"]) == []


def test_only_folders_of_ones_own_are_removed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "file").write_text("text")
    os.utime(tmp_path / "file", (0, 0))
    assert remove_unclaimed([tmp_path / "link", tmp_path / "file", tmp_path / "gone"]) == []
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    assert remove_unclaimed([folder]) == []
    assert (folder / "rows").is_file()


def test_who_waits_for_a_folder_that_is_removed_gets_none_of_it(folder: Path) -> None:
    (folder / CLAIM_FILE).touch()
    outcome: list[object] = []

    def claim() -> None:
        try:
            outcome.append(Claim(folder))
        except FileNotFoundError as error:
            outcome.append(error)

    with (folder / CLAIM_FILE).open("rb") as removing:
        fcntl.flock(removing, fcntl.LOCK_EX)
        waiting = threading.Thread(target=claim)
        waiting.start()
        waiting.join(0.2)
        assert outcome == []
        folder.rename(folder.with_name("elsewhere"))
    waiting.join()
    assert [type(one) for one in outcome] == [FileNotFoundError]


def test_a_folder_loses_its_name_before_its_content(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[bool] = []
    (folder / CLAIM_FILE).touch()
    aged(folder)
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: there.append(folder.exists()))
    assert remove_unclaimed([folder]) == [folder]
    assert there == [False]


def test_the_next_temporary_folder_clears_what_a_killed_process_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with holder() as (killed, left), holder() as (_living, used):
        kill(killed)
        aged(left)
        aged(used)
        mine = claimed_folder("mscore-test-")
        assert sorted(tmp_path.iterdir()) == sorted([used, mine.folder])
