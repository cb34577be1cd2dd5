"""Which versions are champions: read from the local MLflow store at once, from any other through MLflow."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from importlib import import_module
from pathlib import Path

LOCAL = "sqlite:///"
REGISTRY = "models.registry.registry"
ALIASES = "SELECT name, version FROM registered_model_aliases WHERE alias = 'champion'"


def champion_versions(tracking_uri: str, artifacts: Path, names: Iterable[str]) -> dict[str, str | None]:
    """The champion's version of each model, None where there is none.

    Loading MLflow takes seconds, so its own table is read where the store is a local file that has it.
    """
    versions = _local(Path(tracking_uri.removeprefix(LOCAL))) if tracking_uri.startswith(LOCAL) else None
    if versions is None:
        registry = import_module(REGISTRY).Registry(tracking_uri, artifacts)
        aliased = {name: registry.aliased(name) for name in names}
        return {name: version.version if version else None for name, version in aliased.items()}
    return {name: versions.get(name) for name in names}


def _local(file: Path) -> dict[str, str] | None:
    """Champions by model in an MLflow database; None where its tables are not those we know."""
    if not file.is_file() or not file.stat().st_size:
        return {}
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return {name: str(version) for name, version in connection.execute(ALIASES)}
    except sqlite3.Error:
        return None
