"""Collects what the code calls things and what it tells people: names with their scopes, and messages."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

PACKAGES = ("features", "models", "serving")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_MARKUP = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<[^>]*>", re.DOTALL)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_DOCUMENTED = (ast.Module, *_DEFINITIONS)


@dataclass(frozen=True, slots=True)
class Usage:
    """A name or a message, where it stands, and the scopes of the glossary it belongs to.

    `words` is the text in lower case, each word between two blanks.
    """

    path: str
    line: int
    text: str
    words: str
    scopes: frozenset[str]


def usages(root: Path) -> Iterator[Usage]:
    """Every name and message of the three packages."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            place = str(path.relative_to(root))
            if path.suffix == ".py":
                yield from python_usages(place, path.read_text(encoding="utf-8"))
            elif path.suffix == ".yaml":
                yield from yaml_usages(place, path.read_text(encoding="utf-8"))
            elif path.suffix == ".html":
                yield from html_usages(place, path.read_text(encoding="utf-8"))


def python_usages(place: str, source: str) -> Iterator[Usage]:
    """Names that a module defines, and its string literals with a blank; docstrings are left to readers."""
    tree = ast.parse(source)
    yield _name(place, 1, Path(place).stem, ())
    documentation = set(_docstrings(tree))
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef():
                yield _name(place, node.lineno, node.name, ("classes",))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield _name(place, node.lineno, node.name, ())
            case ast.arg():
                yield _name(place, node.lineno, node.arg, ("locals",))
            case ast.Name(ctx=ast.Store()):
                yield _name(place, node.lineno, node.id, ("constants",) if node.id.isupper() else ("locals",))
            case ast.alias(asname=str() as name):
                yield _name(place, node.lineno, name, ())
            case ast.Constant(value=str() as text) if " " in text and id(node) not in documentation:
                yield _message(place, node.lineno, text)


def yaml_usages(place: str, source: str) -> Iterator[Usage]:
    """Keys, and values with a blank; the sources of numbers quote others and are left out."""
    for document in yaml.compose_all(source, Loader=yaml.SafeLoader):
        yield from _yaml_node(place, document)


def html_usages(place: str, source: str) -> Iterator[Usage]:
    """The text between the tags of a template."""
    text = _MARKUP.sub(lambda markup: "\n" * markup.group().count("\n"), source)
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield _message(place, number, line.strip())


def _yaml_node(place: str, node: yaml.Node | None) -> Iterator[Usage]:
    match node:
        case yaml.MappingNode():
            for key, value in node.value:
                yield _name(place, key.start_mark.line + 1, str(key.value), ("settings",))
                if key.value != "source":
                    yield from _yaml_node(place, value)
        case yaml.SequenceNode():
            for value in node.value:
                yield from _yaml_node(place, value)
        case yaml.ScalarNode() if " " in node.value:
            yield _message(place, node.start_mark.line + 1, node.value)


def _docstrings(tree: ast.Module) -> Iterator[int]:
    """Ids of string expressions: docstrings, and those below an attribute or constant."""
    for node in ast.walk(tree):
        for statement in getattr(node, "body", ()) if isinstance(node, _DOCUMENTED) else ():
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                yield id(statement.value)


def _name(place: str, line: int, name: str, scopes: Sequence[str]) -> Usage:
    return Usage(place, line, name, _spaced(_PART.findall(name)), frozenset({"names", *scopes}))


def _message(place: str, line: int, text: str) -> Usage:
    return Usage(place, line, text, _spaced(re.findall(r"[A-Za-z]+", text)), frozenset({"messages"}))


def _spaced(words: Sequence[str]) -> str:
    return f" {' '.join(words).lower()} "
