"""The contract: what outside programs call stays, and whatever is new is recorded."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docs.contract.comparing import broken, command_lines, endpoint_lines
from docs.contract.recording import ENDPOINTS, LINES, commands, endpoints
from serving.cli import main
from serving.contract import CONTRACT_VERSION, package_version

Change = Callable[[dict[str, Any]], Any]


def stored(path: Path) -> Any:
    """What was recorded last."""
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("recorded", "present", "lines"),
    [(ENDPOINTS, endpoints, endpoint_lines), (LINES, commands, command_lines)],
    ids=["endpoints", "commands"],
)
def test_the_contract_keeps_what_was_recorded_and_records_what_is_new(
    recorded: Path, present: Callable[[], Any], lines: Callable[[Any], set[str]]
) -> None:
    before, now = lines(stored(recorded)), lines(present())
    assert broken(before, now) == [], "outside programs call these: extend, never remove or rename"
    assert sorted(now - before) == [], "new in the contract: run `make contract` and commit what it writes"


ENDPOINT_DOCUMENT: dict[str, Any] = {
    "paths": {
        "/v1/cases": {
            "get": {
                "parameters": [
                    {"name": "page", "in": "query", "required": False, "schema": {"type": "integer"}},
                    {"name": "kind", "in": "query", "required": True, "schema": {"enum": ["a", "b"]}},
                ],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Cases"}}}},
                    "404": {"description": "none"},
                },
            },
            "post": {
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["who"],
                                "properties": {"who": {"type": "string"}, "why": {"type": "string"}},
                            }
                        }
                    }
                },
                "responses": {"201": {"description": "made"}},
            },
        },
        "/v1/others": {"get": {"responses": {"200": {"description": "others"}}}},
    },
    "components": {
        "schemas": {
            "Cases": {
                "type": "object",
                "required": ["rows"],
                "properties": {
                    "rows": {"type": "array", "items": {"$ref": "#/components/schemas/Case"}},
                    "next": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                },
            },
            "Case": {
                "type": "object",
                "properties": {
                    "score": {"type": "number"},
                    "parent": {"$ref": "#/components/schemas/Case"},
                    "extra": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            },
        }
    },
}


def get(document: dict[str, Any]) -> Any:
    """The operation that lists."""
    return document["paths"]["/v1/cases"]["get"]


def sent(document: dict[str, Any]) -> Any:
    """The schema of what is posted."""
    return document["paths"]["/v1/cases"]["post"]["requestBody"]["content"]["application/json"]["schema"]


def schema(document: dict[str, Any], name: str) -> Any:
    """A named schema."""
    return document["components"]["schemas"][name]


def renamed(holder: dict[str, Any], name: str) -> None:
    """Gives an entry another name."""
    holder[f"{name}_new"] = holder.pop(name)


BREAKING: dict[str, Change] = {
    "a path is gone": lambda d: d["paths"].pop("/v1/others"),
    "a path has another name": lambda d: renamed(d["paths"], "/v1/others"),
    "a method is gone": lambda d: d["paths"]["/v1/cases"].pop("post"),
    "a parameter is gone": lambda d: get(d)["parameters"].pop(0),
    "a parameter has another name": lambda d: get(d)["parameters"][0].update(name="pages"),
    "a parameter stands elsewhere": lambda d: get(d)["parameters"][0].update({"in": "header"}),
    "a parameter has another type": lambda d: get(d)["parameters"][0]["schema"].update(type="string"),
    "a parameter is needed": lambda d: get(d)["parameters"][0].update(required=True),
    "a new parameter is needed": lambda d: get(d)["parameters"].append({"name": "n", "in": "query", "required": True}),
    "a word is gone": lambda d: get(d)["parameters"][1]["schema"]["enum"].remove("b"),
    "a status is gone": lambda d: get(d)["responses"].pop("404"),
    "an answer has no content": lambda d: get(d)["responses"]["200"].pop("content"),
    "a field of an answer is gone": lambda d: schema(d, "Cases")["properties"].pop("next"),
    "a field of an answer has another name": lambda d: renamed(schema(d, "Case")["properties"], "score"),
    "a field of an answer has another type": lambda d: schema(d, "Case")["properties"]["score"].update(type="string"),
    "a field of an answer is not always there": lambda d: schema(d, "Cases").pop("required"),
    "a list is none": lambda d: schema(d, "Cases")["properties"].update(rows={"type": "object"}),
    "values of a mapping have another type": lambda d: schema(d, "Case")["properties"]["extra"].pop(
        "additionalProperties"
    ),
    "a field of a request is gone": lambda d: sent(d)["properties"].pop("why"),
    "a field of a request is needed": lambda d: sent(d)["required"].append("why"),
    "a new field of a request is needed": lambda d: (
        sent(d)["properties"].update(new={"type": "string"}),
        sent(d)["required"].append("new"),
    ),
}
ADDING: dict[str, Change] = {
    "a path": lambda d: d["paths"].update({"/v1/new": {"get": {"responses": {}}}}),
    "a path that needs a parameter": lambda d: d["paths"].update(
        {"/v1/new": {"get": {"parameters": [{"name": "n", "in": "query", "required": True}], "responses": {}}}}
    ),
    "a method": lambda d: d["paths"]["/v1/others"].update(post={"responses": {}}),
    "a parameter": lambda d: get(d)["parameters"].append({"name": "n", "in": "query"}),
    "a status": lambda d: get(d)["responses"].update({"409": {}}),
    "a field of an answer": lambda d: schema(d, "Case")["properties"].update(new={"type": "string"}),
    "a field of a request": lambda d: sent(d)["properties"].update(new={"type": "string"}),
}


@pytest.mark.parametrize("change", BREAKING)
def test_a_broken_promise_of_an_endpoint_is_named(change: str) -> None:
    changed = copy.deepcopy(ENDPOINT_DOCUMENT)
    BREAKING[change](changed)
    assert broken(endpoint_lines(ENDPOINT_DOCUMENT), endpoint_lines(changed))


@pytest.mark.parametrize("change", ADDING)
def test_an_addition_to_endpoints_breaks_nothing_and_is_seen(change: str) -> None:
    changed = copy.deepcopy(ENDPOINT_DOCUMENT)
    ADDING[change](changed)
    before, now = endpoint_lines(ENDPOINT_DOCUMENT), endpoint_lines(changed)
    assert broken(before, now) == []
    assert now > before


COMMAND_DOCUMENT: dict[str, Any] = {
    "exit_codes": {"0": "done", "2": "wrong call"},
    "options": ["--help"],
    "commands": {
        "cases list": {
            "arguments": [],
            "options": [{"names": ["--drawn", "--not-drawn"], "required": False, "takes_value": False}],
        },
        "cases show": {
            "arguments": [{"name": "case_id", "required": True}, {"name": "account", "required": False}],
            "options": [{"names": ["--by"], "required": True, "takes_value": True}],
        },
    },
}


def of(document: dict[str, Any], name: str, kind: str) -> Any:
    """The arguments or options of a command."""
    return document["commands"][name][kind]


COMMAND_CHANGES: dict[str, tuple[Change, bool]] = {
    "a command is gone": (lambda d: d["commands"].pop("cases list"), True),
    "a command has another name": (lambda d: renamed(d["commands"], "cases list"), True),
    "an option is gone": (lambda d: of(d, "cases list", "options").clear(), True),
    "an option has another name": (lambda d: of(d, "cases show", "options")[0].update(names=["--who"]), True),
    "one of its names is gone": (lambda d: of(d, "cases list", "options")[0]["names"].pop(), True),
    "a flag takes a value": (lambda d: of(d, "cases list", "options")[0].update(takes_value=True), True),
    "an option is needed": (lambda d: of(d, "cases list", "options")[0].update(required=True), True),
    "a new option is needed": (
        lambda d: of(d, "cases list", "options").append({"names": ["--n"], "required": True, "takes_value": True}),
        True,
    ),
    "an argument is gone": (lambda d: of(d, "cases show", "arguments").pop(), True),
    "arguments change places": (lambda d: of(d, "cases show", "arguments").reverse(), True),
    "an argument is needed": (lambda d: of(d, "cases show", "arguments")[1].update(required=True), True),
    "an exit code means something else": (lambda d: d["exit_codes"].update({"2": "done"}), True),
    "an option of all is gone": (lambda d: d["options"].clear(), True),
    "a new command": (lambda d: d["commands"].update(new={"arguments": [], "options": []}), False),
    "a new option": (
        lambda d: of(d, "cases show", "options").append({"names": ["--n"], "required": False, "takes_value": True}),
        False,
    ),
    "another name of an option": (lambda d: of(d, "cases show", "options")[0]["names"].append("-b"), False),
}


@pytest.mark.parametrize("change", COMMAND_CHANGES)
def test_a_broken_promise_of_a_command_is_named_and_an_addition_is_none(change: str) -> None:
    changed = copy.deepcopy(COMMAND_DOCUMENT)
    make, breaks = COMMAND_CHANGES[change]
    make(changed)
    before, now = command_lines(COMMAND_DOCUMENT), command_lines(changed)
    assert bool(broken(before, now)) == breaks
    assert now != before


def test_the_version_of_the_contract_is_told_by_command_and_endpoint(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version", "--json"])
    assert json.loads(capsys.readouterr().out) == {"version": package_version(), "contract": CONTRACT_VERSION}
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"mscore {package_version()}, contract {CONTRACT_VERSION}\n"
    assert endpoints()["info"]["version"] == CONTRACT_VERSION
    assert [stored(ENDPOINTS)["info"]["version"], stored(LINES)["version"]] == [CONTRACT_VERSION, CONTRACT_VERSION]
