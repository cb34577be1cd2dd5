"""Compares two states of the contract: each as lines of one promise, so that a broken promise is a line gone."""

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
OPTIONAL = " may be left out"
NEEDED = " is needed"


def broken(stored: set[str], present: set[str]) -> list[str]:
    """The promises that no longer hold: those that are gone, and what is needed newly where it was not."""
    new = {line for line in present - stored if line.endswith(NEEDED)}
    demanded = {line for line in new if any(line.startswith(f"{older}: ") for older in stored)}
    return sorted(stored - present | demanded)


def endpoint_lines(document: Json) -> set[str]:
    """What an OpenAPI document promises: paths, methods, parameters, fields of requests and of answers."""
    return {line for path, item in document["paths"].items() for line in _path_lines(document, path, item)}


def command_lines(document: Json) -> set[str]:
    """What the document of all commands promises: commands, arguments, options, exit codes."""
    lines = {f"exit code {code}: {meaning}" for code, meaning in document["exit_codes"].items()}
    lines |= {f"mscore {option}" for option in document["options"]}
    for name, command in document["commands"].items():
        call = f"mscore {name}"
        lines.add(call)
        for number, argument in enumerate(command["arguments"], 1):
            lines |= _asked(f"{call}: argument {number} {argument['name']}", argument["required"])
        for option in command["options"]:
            kind = "value" if option["takes_value"] else "flag"
            lines |= {f"{call}: {written} ({kind})" for written in option["names"]}
            lines |= _asked(f"{call}: {option['names'][0]}", option["required"])
    return lines


def _asked(what: str, is_required: bool) -> set[str]:
    return {what, what + (NEEDED if is_required else OPTIONAL)}


def _path_lines(document: Json, path: str, item: Json) -> Iterator[str]:
    for method in METHODS:
        if method not in item:
            continue
        operation, call = item[method], f"{method.upper()} {path}"
        yield call
        for given in (*item.get("parameters", ()), *operation.get("parameters", ())):
            parameter = _resolved(document, given)
            named = f"{call}: {parameter['in']} parameter {parameter['name']}"
            yield from _asked(named, parameter.get("required", False))
            yield from _schema_lines(document, named, parameter.get("schema", {}), ())
        body = _resolved(document, operation.get("requestBody", {}))
        for kind, content in body.get("content", {}).items():
            yield from _schema_lines(document, f"{call}: request ({kind})", content.get("schema", {}), (), True)
        for status, answer in operation.get("responses", {}).items():
            yield f"{call}: answers {status}"
            for kind, content in _resolved(document, answer).get("content", {}).items():
                yield from _schema_lines(document, f"{call}: answer {status} ({kind})", content.get("schema", {}), ())


def _schema_lines(
    document: Json, where: str, schema: Json, seen: tuple[str, ...], is_request: bool = False
) -> Iterator[str]:
    """One line a field and type; `seen` names the references that led here, so that a schema may hold itself."""
    reference = schema.get("$ref")
    if reference in seen:
        return
    if reference:
        seen = (*seen, reference)
        schema = _resolved(document, schema)
    for kind in _kinds(schema):
        yield f"{where} is {kind}"
    for value in schema.get("enum", ()):
        yield f"{where} may be {value!r}"
    for choice in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(choice, ()):
            yield from _schema_lines(document, where, part, seen, is_request)
    if isinstance(schema.get("items"), Mapping):
        yield from _schema_lines(document, f"{where}[]", schema["items"], seen, is_request)
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield from _schema_lines(document, f"{where}.*", schema["additionalProperties"], seen, is_request)
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        field = f"{where}.{name}"
        yield field
        if is_request:
            yield from _asked(field, name in required)
        elif name in required:
            yield f"{field} is always there"
        yield from _schema_lines(document, field, part, seen, is_request)


def _kinds(schema: Json) -> tuple[str, ...]:
    kind = schema.get("type", ())
    return (kind,) if isinstance(kind, str) else tuple(kind)


def _resolved(document: Json, part: Json) -> Json:
    while "$ref" in part:
        target: Any = document
        for name in str(part["$ref"]).removeprefix("#/").split("/"):
            target = target[name]
        part = target
    return part
