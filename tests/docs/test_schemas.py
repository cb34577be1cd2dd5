"""The published JSON Schemas are those of the models, and every file is what its schema says and names it."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from docs.schemas import FILES, MODELS, ROOT, files_of, header_of, schema_path, schema_text
from features.activity.mapping.text_yaml import read_text_yaml
from features.kernel.documents import read_yaml, validated
from features.kernel.errors import Invalid

WRITTEN = [(name, path) for name in MODELS for path in files_of(name)]
each_file = pytest.mark.parametrize(("name", "path"), WRITTEN, ids=lambda value: getattr(value, "name", value))


def as_json(path: Path) -> Any:
    """What the file holds, as an editor hands it to a schema: dates are texts."""
    return json.loads(json.dumps(read_yaml(path), default=str))


def for_model(name: str, path: Path) -> Any:
    """What the file holds, as its model is given it: in a mapping every scalar is text."""
    return read_text_yaml(path.read_text(encoding="utf-8")) if name == "mapping" else read_yaml(path)


def validator(name: str) -> Draft202012Validator:
    """What holds a file against its published schema."""
    return Draft202012Validator(json.loads(schema_path(name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", MODELS)
def test_the_published_schema_is_that_of_the_model(name: str) -> None:
    assert schema_path(name).read_text(encoding="utf-8") == schema_text(name), "run `make docs`"
    Draft202012Validator.check_schema(json.loads(schema_text(name)))


@each_file
def test_a_file_is_what_its_model_and_its_schema_say(name: str, path: Path) -> None:
    validated(for_model(name, path), MODELS[name])
    assert [error.message for error in validator(name).iter_errors(as_json(path))] == []


@each_file
def test_a_file_names_its_schema_for_editors(name: str, path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == header_of(path, name)
    assert (path.parent / first.partition("=")[2]).resolve() == schema_path(name)


def test_every_file_of_the_folders_has_a_schema() -> None:
    folders = {Path(pattern).parent for patterns in FILES.values() for pattern in patterns}
    found = {path for folder in folders for path in (ROOT / folder).glob("*.yaml")}
    assert found == {path for _, path in WRITTEN}


@pytest.mark.parametrize("name", MODELS)
def test_a_key_that_nobody_knows_is_refused_by_model_and_schema_alike(name: str) -> None:
    path = next(files_of(name))
    content, plain = copy.deepcopy(for_model(name, path)), as_json(path)
    for document in (content, plain):
        top = document[0] if isinstance(document, list) else document
        top["colour"] = "red"
    with pytest.raises(Invalid, match="unknown key `colour`"):
        validated(content, MODELS[name])
    assert not validator(name).is_valid(plain)
