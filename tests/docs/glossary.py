"""Reads the glossary: its terms, and the words to avoid with the scope in which each is avoided."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
SCOPES = frozenset({"names", "classes", "constants", "settings", "locals", "messages"})
EVERYWHERE = frozenset({"names", "messages"})
_WORD = re.compile(r"`([^`]+)`(?: \(([^)]*)\))?")


@dataclass(frozen=True, slots=True)
class Term:
    """One line of the glossary."""

    term: str
    meaning: str
    avoided: str


@dataclass(frozen=True, slots=True)
class AvoidedWord:
    """A word to avoid, the scopes in which it is avoided, and the term to use for it."""

    word: str
    scopes: frozenset[str]
    term: str


def terms() -> tuple[Term, ...]:
    """All lines of the glossary's tables."""
    return tuple(_terms(GLOSSARY.read_text(encoding="utf-8")))


def avoided_words() -> tuple[AvoidedWord, ...]:
    """All words of the last column, in the order of the page."""
    return tuple(
        AvoidedWord(word, frozenset(scopes.split(", ")) if scopes else EVERYWHERE, term.term)
        for term in terms()
        for word, scopes in _WORD.findall(term.avoided)
    )


def _terms(text: str) -> Iterator[Term]:
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| term |"):
            yield Term(*(cell.strip() for cell in line.strip("|").split("|")))
