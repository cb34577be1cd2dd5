"""Model files on disk: plain text, JSON and skops, listed with their checksums, never a pickle."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.kernel.errors import Invalid

MANIFEST = "manifest.json"
STATE = "state.json"


def write(folder: Path, kind: str, state: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Write the files of a model of that kind, its state as JSON, and a manifest with the checksum of each."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {STATE: json.dumps(state, allow_nan=False).encode(), **files}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    (folder / MANIFEST).write_text(json.dumps({"kind": kind, "files": checksums}, indent=2), encoding="utf-8")


def read(folder: Path, kind: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The state and the other files of a model of that kind, each equal to its checksum.

    Raises:
        Invalid: a file is missing, was altered, or belongs to another kind of model.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        stored_kind, checksums = manifest["kind"], dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Invalid(f"{folder} holds no readable model: {error}; train or promote another version.") from error
    if stored_kind != kind:
        raise Invalid(f"{folder} holds a model of the kind {stored_kind!r}, not {kind!r}.")
    contents = {name: _verified(folder / name, checksum) for name, checksum in checksums.items()}
    if STATE not in contents:
        raise Invalid(f"The model in {folder} has no {STATE}; train or promote another version.")
    return json.loads(contents.pop(STATE)), contents


def _verified(file: Path, checksum: str) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Invalid(f"The model file {file.name} cannot be read: {error}.") from error
    if hashlib.sha256(content).hexdigest() != checksum:
        raise Invalid(
            f"The model file {file.name} is not the one that was written (its checksum differs); "
            "restore it or promote another version."
        )
    return content
