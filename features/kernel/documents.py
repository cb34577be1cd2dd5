"""Reads YAML documents against a pydantic model, and says in one sentence what is wrong with one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from features.kernel.errors import Invalid

Model = TypeVar("Model", bound="Written")

LONGEST_VALUE = 60


class Written(BaseModel):
    """A part of a document that people write: unknown keys are refused, texts are stripped."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, allow_inf_nan=False)


class _Loader(yaml.SafeLoader):
    """Safe YAML in which a key given twice is an error: the first value would be lost in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping, if each of its own keys stands there once."""
        keys = [key.value for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """What the YAML file holds.

    Raises:
        Invalid: it is no YAML, no UTF-8, or gives a key twice.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 — derived from SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{path.name} is no YAML: {' '.join(str(error).split())}") from None


def read_document(path: Path, model: type[Model]) -> Model:
    """The YAML file as the model says it.

    Raises:
        Invalid: it is no YAML or not what the model says; the sentence names the file and the field.
    """
    try:
        return model.model_validate(read_yaml(path))
    except ValidationError as error:
        raise Invalid(f"{path.name}: {sentence_of(error)}") from None


def sentence_of(error: ValidationError) -> str:
    """The first thing that is wrong, in one sentence: the field, what was found, and what it must be.

    >>> class Clock(Written):
    ...     hours: int
    >>> try:
    ...     Clock.model_validate({"hours": "many"})
    ... except ValidationError as wrong:
    ...     print(sentence_of(wrong))
    `hours` is 'many'; it must be a whole number.
    """
    first = error.errors(include_url=False)[0]
    kind, found, context = first["type"], first["input"], first.get("ctx", {})
    place = _place(first["loc"])
    if kind in ("missing", "missing_argument"):
        return f"{_place(first['loc'][:-1]) or 'it'} lacks `{first['loc'][-1]}`."
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{_place(first['loc'][:-1]) or 'it'} has the unknown key `{first['loc'][-1]}`; remove it."
    if kind == "value_error" and not place:
        return _ended(str(context["error"]))
    return _ended(f"{place or 'it'} is {_shown(found)}; it must be {_wanted(kind, context, first['msg'])}")


def _place(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return f"`{path}`" if path else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."


def _wanted(kind: str, context: Mapping[str, Any], message: str) -> str:
    if kind in ("literal_error", "enum"):
        words = str(context["expected"]).replace("'", "").replace(" or ", ", ")
        return f"one of {words}"
    if kind in _LIMITS:
        return _LIMITS[kind].format(**context)
    if kind == "value_error":
        return str(context["error"])
    return _KINDS.get(kind, f"otherwise ({message[:1].lower()}{message[1:]})")


_LIMITS = {
    "greater_than": "above {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "less_than": "below {lt:g}",
    "less_than_equal": "{le:g} or less",
}
_KINDS = {
    "string_type": "a text",
    "string_too_short": "a text that is not empty",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "date_type": "a date like 2025-10-01",
    "date_parsing": "a date like 2025-10-01",
    "date_from_datetime_parsing": "a date like 2025-10-01",
    "date_from_datetime_inexact": "a date like 2025-10-01",
    "timezone_aware": "a moment with its zone, like 2025-05-31T12:00:00Z",
    "too_short": "longer",
}
