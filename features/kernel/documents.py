"""Reads YAML documents against a pydantic model, and says in one sentence what is wrong with one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, core_schema

from features.kernel.errors import Invalid

Model = TypeVar("Model")

MAX_VALUE_LENGTH = 60


class Written(BaseModel):
    """A part of a document that people write: unknown keys are refused, texts are stripped, nothing is converted."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        str_strip_whitespace=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


@dataclass(frozen=True, slots=True)
class OneOf:
    """Marks a text that is one of a fixed vocabulary: `Annotated[str, OneOf(WORDS)]`."""

    words: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The vocabulary as pydantic takes it."""
        return core_schema.literal_schema(list(self.words))


def is_scalar(value: Any) -> Any:
    """The value, if it is a number, a text or a boolean.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, int | float | str):
        raise ValueError("a number, a text or a boolean")
    return value


Text = Annotated[str, Field(min_length=1)]
Scalar = Annotated[bool | int | float | str, BeforeValidator(is_scalar)]


class _Loader(yaml.SafeLoader):
    """Safe YAML 1.2, in which a key given twice is an error: the first value would be lost in silence.

    `NO` and `yes` are texts, and so is `0123`; the boolean words are `true` and `false`.
    """

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {  # type: ignore[misc]
        first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] not in ("bool", "int", "float")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping, if each of its own keys stands there once."""
        keys = [key.value for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


_NUMBER_STARTS = list("-+.0123456789")
for _kind, _pattern, _starts in (
    ("bool", r"(true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9_]*)$", _NUMBER_STARTS),
    ("float", r"[-+]?(\.[0-9]+|(0|[1-9][0-9_]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", _NUMBER_STARTS),
    ("float", r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$", _NUMBER_STARTS),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(_pattern), _starts)


def read_yaml(path: Path) -> Any:
    """What the YAML file holds.

    Raises:
        Invalid: it is no YAML, no UTF-8, or gives a key twice.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 — derived from SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{path.name} is no YAML: {' '.join(str(error).split())}") from None


def adapter_of(kind: Any) -> TypeAdapter[Any]:
    """What reads and writes values of the kind; made at first use, because making it takes milliseconds."""
    return _made(kind)


@cache
def _made(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def validated(content: Any, model: type[Model]) -> Model:
    """The content as the model says it.

    Raises:
        Invalid: it is not what the model says; the sentence names the field.
    """
    try:
        value: Model = adapter_of(model).validate_python(content)
    except ValidationError as error:
        raise Invalid(sentence_of(error, content)) from None
    return value


def read_document(path: Path, model: type[Model]) -> Model:
    """The YAML file as the model says it.

    Raises:
        Invalid: it is no YAML or not what the model says; the sentence names the file and the field.
    """
    content = read_yaml(path)
    try:
        return validated(content, model)
    except Invalid as error:
        raise Invalid(f"{path.name}: {error}") from None


def sentence_of(error: ValidationError, content: Any) -> str:
    """The first thing that is wrong, in one sentence: the field, what was found, and what it must be.

    >>> class Clock(Written):
    ...     hours: int
    >>> try:
    ...     Clock.model_validate({"hours": "many"})
    ... except ValidationError as wrong:
    ...     print(sentence_of(wrong, {"hours": "many"}))
    `hours` is 'many'; it must be a whole number.
    """
    first = error.errors(include_url=False)[0]
    kind, value, context = first["type"], first["input"], first.get("ctx", {})
    place = _place(first["loc"], content) or "it"
    if kind in ("missing", "missing_argument"):
        return f"{place} lacks `{first['loc'][-1]}`."
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        key = first["loc"][-1]
        return f"{_place(first['loc'][:-1], content) or 'it'} has the unknown key `{key}`; remove it."
    return _ended(f"{place} is {_shown(value)}; it must be {_wanted(kind, context, first['msg'])}")


def _place(location: tuple[int | str, ...], content: Any) -> str:
    # Of a value that may be of several kinds pydantic adds the kind to the location; it is no key of the content.
    path = ""
    for part in location:
        if isinstance(content, Mapping) and part in content:
            path += f".{part}" if path else str(part)
        elif isinstance(content, list | tuple) and isinstance(part, int) and part < len(content):
            path += f"[{part}]"
        else:
            break
        content = content[part]
    return f"`{path}`" if path else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MAX_VALUE_LENGTH else f"{text[:MAX_VALUE_LENGTH]}…"


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
