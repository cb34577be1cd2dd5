"""Keeps activity as Delta tables: appends whole imports, pins them in a manifest, and hands out snapshots."""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlparse

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from features.activity.durable import make_durable
from features.activity.schema import LABELS, TABLES, TIME
from features.kernel.errors import Conflict, Invalid, NotFound

MANIFEST = "manifest"
MANIFEST_SCHEMA = pa.schema(
    [
        ("lake_version", pa.int64()),
        ("imported_at", TIME),
        ("versions", pa.string()),
        ("counts", pa.string()),
        ("newest_ingested_us", pa.string()),
        ("corrections", pa.string()),
        ("source", pa.string()),
    ]
)
STAGING = "staging"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The lake as one manifest row pins it.

    Attributes:
        version: the lake version.
        files: by table the Parquet files that hold its rows.
        derived: folder in which facts and episodes of this state may be kept.
        corrections: by table how many of its rows supersede or cancel; a table that is not named has none.
        newest_ingested_us: by table the newest microsecond at which a row was learned of; older imports named none.
    """

    version: str
    files: Mapping[str, tuple[str, ...]]
    derived: Path
    corrections: Mapping[str, int]
    newest_ingested_us: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Addition:
    """Rows of one table to append, with what the manifest says of them: see `Snapshot`."""

    rows: pa.RecordBatchReader | pa.Table
    corrections: int = 0
    newest_ingested_us: int | None = None


class Lake:
    """Activity and labels under one folder; only what the manifest pins is ever read."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def version(self) -> str | None:
        """The newest lake version, or None before the first import."""
        pinned = self._manifest()
        return str(pinned["lake_version"]) if pinned else None

    @property
    def next_version(self) -> int:
        """The version that the next import makes."""
        pinned = self._manifest()
        return int(str(pinned["lake_version"])) + 1 if pinned else 1

    def append(
        self,
        additions: Iterable[tuple[str, Addition]],
        imported_at: datetime,
        source: str | None = None,
        before_pinning: Callable[[Snapshot], None] = lambda _snapshot: None,
    ) -> str:
        """Appends the rows of one import, a table at a time, and pins them; returns the new lake version.

        What an interrupted import left behind is undone first. Everything is fsynced before the manifest names it.

        Args:
            additions: by table what is appended.
            imported_at: the import's moment.
            source: the name of where the rows come from.
            before_pinning: is called with the new state before anybody else can see it; where it raises, nothing is
                pinned.
        """
        pinned = self._manifest()
        versions: dict[str, int] = _document(pinned, "versions")
        corrections: dict[str, int] = _document(pinned, "corrections")
        newest: dict[str, int] = _document(pinned, "newest_ingested_us")
        for name in self._existing():
            undone = self._undo_unpinned(name, versions.get(name))
            versions |= {} if undone is None else {name: undone}
        for name, added in additions:
            write_deltalake(self._path(name), added.rows, mode="append", schema_mode="merge")
            versions[name] = self._make_durable(name)
            if added.corrections:
                corrections[name] = corrections.get(name, 0) + added.corrections
            if added.newest_ingested_us is not None:
                newest[name] = max(newest.get(name, added.newest_ingested_us), added.newest_ingested_us)
        following = self.next_version
        before_pinning(self._snapshot(str(following), versions, corrections, newest))
        row = {
            "lake_version": following,
            "imported_at": imported_at,
            "versions": json.dumps(versions, sort_keys=True),
            "counts": json.dumps({name: self._table(name, v).count() for name, v in sorted(versions.items())}),
            "newest_ingested_us": json.dumps(newest, sort_keys=True),
            "corrections": json.dumps(corrections, sort_keys=True),
            "source": source,
        }
        rows = pa.Table.from_pylist([row], MANIFEST_SCHEMA)
        write_deltalake(self._path(MANIFEST), rows, mode="append", schema_mode="merge")
        self._make_durable(MANIFEST)
        return str(following)

    def snapshot(self) -> Snapshot:
        """The newest pinned state.

        Raises:
            NotFound: nothing has been imported.
        """
        pinned = self._manifest()
        if pinned is None:
            raise NotFound(f"The lake at {self.root} is empty; run `mscore import DIR` or `mscore demo` first.")
        return self._snapshot(
            str(pinned["lake_version"]),
            _document(pinned, "versions"),
            _document(pinned, "corrections"),
            _document(pinned, "newest_ingested_us"),
        )

    def counts(self) -> dict[str, int]:
        """Rows per table in the newest pinned state."""
        counts: dict[str, int] = _document(self._manifest(), "counts")
        return counts

    @contextmanager
    def locked(self) -> Iterator[Path]:
        """Keeps every other import out while one reads, checks and appends; gives an empty folder to work in.

        What a killed import left in that folder is removed.

        Raises:
            Conflict: another import is under way.
            Invalid: the folder's name holds a character that readers of files take for a pattern.
        """
        if set("[]*?{}") & set(str(self.root.resolve())):
            raise Invalid(
                f"The folder {self.root} cannot hold a lake: its name has one of [ ] * ? {{ }}; take another."
            )
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "import.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Conflict("Another import into this lake is under way; try again when it is done.") from error
            staging = self.root / STAGING
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir()
            try:
                yield staging
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    def _path(self, name: str) -> str:
        return str(self.root / name)

    def _table(self, name: str, version: int | None = None) -> DeltaTable:
        return DeltaTable(self._path(name), version=version)

    def _existing(self) -> list[str]:
        return [name for name in (*TABLES, LABELS.name) if DeltaTable.is_deltatable(self._path(name))]

    def _manifest(self) -> dict[str, object] | None:
        if not DeltaTable.is_deltatable(self._path(MANIFEST)):
            return None
        rows: list[dict[str, object]] = pa.table(self._table(MANIFEST).to_pyarrow_table()).to_pylist()
        return max(rows, key=lambda row: int(str(row["lake_version"])))

    def _snapshot(
        self, version: str, versions: Mapping[str, int], corrections: Mapping[str, int], newest: Mapping[str, int]
    ) -> Snapshot:
        files = {name: tuple(map(_path_of, self._table(name, v).file_uris())) for name, v in versions.items()}
        activity = {name: v for name, v in versions.items() if name != LABELS.name}
        state = hashlib.sha256(json.dumps(activity, sort_keys=True).encode()).hexdigest()[:16]
        return Snapshot(version, files, self.root / "derived" / state, corrections, newest)

    def _undo_unpinned(self, name: str, pinned: int | None) -> int | None:
        """Undoes what no manifest names; gives back the version of a pinned table that had to be restored."""
        table = self._table(name)
        if pinned is None:
            table.delete()
        elif table.version() > pinned:
            table.restore(pinned)
            return self._make_durable(name)
        return None

    def _make_durable(self, name: str) -> int:
        table = self._table(name)
        folder = self.root / name
        log = folder / "_delta_log" / f"{table.version():020d}.json"
        added = [json.loads(line).get("add") for line in log.read_text(encoding="utf-8").split("\n") if line]
        paths = [folder / entry["path"] for entry in added if entry]
        make_durable(*paths, log, folder, log.parent)
        return int(table.version())


def _document(pinned: Mapping[str, object] | None, column: str) -> dict[str, int]:
    """A JSON column of a manifest row; empty before the first import, and where an older version did not write it."""
    written = pinned.get(column) if pinned else None
    document: dict[str, int] = json.loads(str(written)) if written else {}
    return document


def _path_of(uri: str) -> str:
    """The path behind a file URI, whose special characters come percent-encoded."""
    parsed = urlparse(uri)
    return unquote(parsed.path) if parsed.scheme == "file" else unquote(uri)
