"""Keeps activity as Delta tables: appends whole imports, pins them in a manifest, and hands out snapshots."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlparse

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from features.activity.schema import LABELS, TABLES, TIME
from features.errors import Conflict, Invalid, NotFound

MANIFEST = "manifest"
MANIFEST_SCHEMA = pa.schema(
    [("lake_version", pa.int64()), ("imported_at", TIME), ("versions", pa.string()), ("counts", pa.string())]
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The lake as one manifest row pins it: per table the Parquet files that hold its rows."""

    version: str
    files: Mapping[str, tuple[str, ...]]
    derived: Path


class Lake:
    """Activity and labels under one folder; only what the manifest pins is ever read."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def version(self) -> str | None:
        """The newest lake version, or None before the first import."""
        pinned = self._manifest()
        return str(pinned["lake_version"]) if pinned else None

    def append(self, tables: Mapping[str, pa.RecordBatchReader | pa.Table], imported_at: datetime) -> str:
        """Appends the rows of one import and pins them; returns the new lake version.

        What an interrupted import left behind is undone first. Everything is fsynced before the manifest names it.
        """
        pinned = self._manifest()
        versions: dict[str, int] = json.loads(str(pinned["versions"])) if pinned else {}
        for name in self._existing():
            self._undo_unpinned(name, versions.get(name))
        for name, rows in tables.items():
            write_deltalake(self._path(name), rows, mode="append", schema_mode="merge")
            versions[name] = self._make_durable(name)
        following = int(str(pinned["lake_version"])) + 1 if pinned else 1
        row = {"lake_version": following, "imported_at": imported_at, "versions": json.dumps(versions, sort_keys=True)}
        counts = json.dumps({name: self._table(name, v).count() for name, v in sorted(versions.items())})
        write_deltalake(
            self._path(MANIFEST), pa.Table.from_pylist([{**row, "counts": counts}], MANIFEST_SCHEMA), mode="append"
        )
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
        versions: dict[str, int] = json.loads(str(pinned["versions"]))
        files = {
            name: tuple(map(_path_of, self._table(name, version).file_uris())) for name, version in versions.items()
        }
        activity = {name: version for name, version in versions.items() if name != LABELS.name}
        state = hashlib.sha256(json.dumps(activity, sort_keys=True).encode()).hexdigest()[:16]
        return Snapshot(str(pinned["lake_version"]), files, self.root / "derived" / state)

    def counts(self) -> dict[str, int]:
        """Rows per table in the newest pinned state."""
        pinned = self._manifest()
        counts: dict[str, int] = json.loads(str(pinned["counts"])) if pinned else {}
        return counts

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps every other import out while one reads, checks and appends.

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
            yield

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

    def _undo_unpinned(self, name: str, pinned: int | None) -> None:
        table = self._table(name)
        if pinned is None:
            table.delete()
        elif table.version() > pinned:
            table.restore(pinned)

    def _make_durable(self, name: str) -> int:
        table = self._table(name)
        folder = self.root / name
        log = folder / "_delta_log" / f"{table.version():020d}.json"
        added = [json.loads(line).get("add") for line in log.read_text(encoding="utf-8").split("\n") if line]
        paths = [folder / entry["path"] for entry in added if entry]
        for path in (*paths, log, folder, log.parent):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return int(table.version())


def _path_of(uri: str) -> str:
    """The path behind a file URI, whose special characters come percent-encoded."""
    parsed = urlparse(uri)
    return unquote(parsed.path) if parsed.scheme == "file" else unquote(uri)
