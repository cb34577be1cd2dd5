"""The glossary is a table of terms, and no word it tells to avoid stands in a name or a message."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.docs.code_words import Usage, html_usages, python_usages, usages, yaml_usages
from tests.docs.glossary import ROOT, SCOPES, AvoidedWord, avoided_words, terms

ALLOWED = Path(__file__).parent / "allowed_words.yaml"
MIN_TERMS = 300


@dataclass(frozen=True, slots=True)
class Allowed:
    """A word that is right where it stands; `text` is the name, or a part of the message."""

    word: str
    path: str
    text: str
    because: str

    def covers(self, word: str, usage: Usage) -> bool:
        """Whether this use of the word is the one allowed."""
        is_text = self.text in usage.text if "messages" in usage.scopes else self.text == usage.text
        return self.word == word and usage.path.startswith(self.path) and is_text


@cache
def allowed() -> tuple[Allowed, ...]:
    return tuple(Allowed(**entry) for entry in yaml.safe_load(ALLOWED.read_text(encoding="utf-8")) or ())


@cache
def avoided_in_code() -> tuple[tuple[AvoidedWord, Usage], ...]:
    by_first: dict[str, list[AvoidedWord]] = {}
    for word in avoided_words():
        by_first.setdefault(word.word.split()[0], []).append(word)
    return tuple(
        (word, usage)
        for usage in usages(ROOT)
        for part in sorted(set(usage.words.split()))
        for word in by_first.get(part, ())
        if is_used(word, usage)
    )


def is_used(word: AvoidedWord, usage: Usage) -> bool:
    """Whether the usage holds the word in a scope in which it is avoided; of locals only the whole name counts."""
    if f" {word.word} " not in usage.words:
        return False
    if (word.scopes - {"locals"}) & usage.scopes:
        return True
    return "locals" in word.scopes & usage.scopes and usage.text == word.word


def offenders() -> Iterator[tuple[AvoidedWord, Usage]]:
    for word, usage in avoided_in_code():
        if not any(entry.covers(word.word, usage) for entry in allowed()):
            yield word, usage


def test_every_term_has_one_line_with_a_meaning() -> None:
    lines = terms()
    twice = [term for term, count in Counter(line.term for line in lines).items() if count > 1]
    assert not twice
    assert all(line.meaning for line in lines)
    assert len(lines) >= MIN_TERMS


def test_every_word_to_avoid_is_lower_case_and_has_known_scopes() -> None:
    words = avoided_words()
    assert words
    assert [word for word in words if word.word != word.word.lower() or not word.scopes <= SCOPES] == []


def test_no_term_is_made_of_a_word_that_is_avoided_everywhere() -> None:
    avoided = [word.word for word in avoided_words() if "names" in word.scopes]
    contradictions = {(line.term, word) for line in terms() for word in avoided if word in line.term.lower().split()}
    assert contradictions == {("bid-ask spread", "spread")}  # a spread is a price difference, never std / mean


def test_no_word_to_avoid_stands_in_a_name_or_a_message() -> None:
    lines = [
        f"{usage.path}:{usage.line}: {word.word!r} in {usage.text!r}; the term is {word.term!r}"
        for word, usage in offenders()
    ]
    counts = Counter(word.word for word, _ in offenders())
    assert not lines, f"{dict(counts)}\n" + "\n".join(lines)


def test_every_allowed_word_is_still_needed() -> None:
    unused = [
        entry for entry in allowed() if not any(entry.covers(word.word, usage) for word, usage in avoided_in_code())
    ]
    assert not unused


@pytest.mark.parametrize(
    ("usage", "word", "is_found"),
    [
        (next(python_usages("features/standing.py", "")), "standing", True),
        (next(python_usages("features/outstanding.py", "")), "standing", False),
        (list(python_usages("features/x.py", "class CutPoint: ..."))[1], "cut", True),
        (list(python_usages("features/x.py", "cut = 1"))[1], "cut", False),
        (list(python_usages("features/x.py", "found = 1"))[1], "found", True),
        (list(python_usages("features/x.py", "found_at = 1"))[1], "found", False),
        (list(python_usages("features/x.py", "MOST_ROWS = 1"))[1], "most", True),
        (list(python_usages("features/x.py", "most_rows = 1"))[1], "most", False),
        (list(python_usages("features/x.py", "x = f'drawn by lot: {y}'"))[2], "by lot", True),
        (next(yaml_usages("features/x.yaml", "most_rows: {source: 'what nobody says'}")), "most", True),
        (next(html_usages("serving/x.html", "<p class='lot'>Nobody was here.</p>")), "nobody", True),
    ],
)
def test_a_word_is_found_in_its_scope_only(usage: Usage, word: str, is_found: bool) -> None:
    entry = next(avoided for avoided in avoided_words() if avoided.word == word)
    assert is_used(entry, usage) is is_found


def test_docstrings_and_quoted_sources_are_no_messages() -> None:
    assert [
        u.text for u in python_usages("features/x.py", '"""What nobody reads."""\nX = 1\n"""Nobody either."""')
    ] == [
        "x",
        "X",
    ]
    assert [u.text for u in yaml_usages("features/x.yaml", "a: {source: 'said by nobody'}")] == ["a", "source"]
