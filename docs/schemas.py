"""Writes docs/schemas from the models of the files that people write, so that editors complete and check them."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from features.activity.mapping.document import MappingDocument
from features.kernel.thresholds import ThresholdsDocument
from models.parameters import Parameters
from serving.policy.documents import RulesDocument
from serving.policy.floors import FloorsDocument
from serving.policy.holder_messages import MessagesDocument
from serving.reviews.priority import PriorityDocument

HERE = Path(__file__).parent
ROOT = HERE.parent
FOLDER = HERE / "schemas"
HEADER = "# yaml-language-server: $schema="

MODELS: Mapping[str, Any] = {
    "rules": RulesDocument,
    "floors": FloorsDocument,
    "holder-messages": MessagesDocument,
    "thresholds": ThresholdsDocument,
    "priority": PriorityDocument,
    "parameters": Parameters,
    "mapping": MappingDocument,
}
FILES: Mapping[str, tuple[str, ...]] = {
    "rules": ("serving/policy/rules/*.yaml",),
    "floors": ("serving/policy/floors.yaml",),
    "holder-messages": ("serving/policy/holder_messages.yaml",),
    "thresholds": ("features/facts/*.yaml", "features/patterns/*.yaml"),
    "priority": ("serving/reviews/priority.yaml",),
    "parameters": ("models/parameters.yaml",),
    "mapping": ("features/activity/mappings/*.yaml",),
}
"""By schema, the files that it describes."""


def schema_text(name: str) -> str:
    """The JSON Schema of one kind of file."""
    schema = TypeAdapter(MODELS[name]).json_schema()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(head | schema, indent=2) + "\n"


def files_of(name: str) -> Iterator[Path]:
    """The files that the schema describes."""
    for pattern in FILES[name]:
        yield from sorted(ROOT.glob(pattern))


def header_of(path: Path, name: str) -> str:
    """The first line of a file, by which editors find its schema."""
    return f"{HEADER}{Path(os.path.relpath(schema_path(name), path.parent)).as_posix()}"


def schema_path(name: str) -> Path:
    """Where the schema is written."""
    return FOLDER / f"{name}.schema.json"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in MODELS:
        schema_path(name).write_text(schema_text(name), encoding="utf-8")
