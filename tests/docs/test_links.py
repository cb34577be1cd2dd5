"""Every link in the pages, the docstrings and the YAML files leads to a file and a heading that exist."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", *sorted(DOCS.glob("*.md")))
SOURCES = tuple(
    path
    for folder in ("features", "models", "serving", "tests", "docs")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".yaml"} and path.parent != Path(__file__).parent
)
NEEDED_PAGES = ("activity-schema.md", "glossary.md", "layout.md", "methods.md", "reference.md")
_INLINE = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
_DOCS_PATH = re.compile(r"docs/[\w-]+\.md(?:#[\w-]*)?")
_FENCE = re.compile(r"^(?:```|~~~).*?^(?:```|~~~)", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it is written, the file it stands in, and the folder it is relative to."""

    path: Path
    target: str
    base: Path


def links_of_page(path: Path, text: str) -> Iterator[Link]:
    """Relative links of a Markdown page; examples in code and outside addresses are left out."""
    for target in _INLINE.findall(_CODE.sub("", _FENCE.sub("", text))):
        if not re.match(r"[a-z]+:", target):
            yield Link(path, target, path.parent)


def links_of_source(path: Path, text: str) -> Iterator[Link]:
    """Links of the form `docs/page.md#heading` in docstrings, comments and YAML fields; they start at the root."""
    for target in _DOCS_PATH.findall(text):
        yield Link(path, target, ROOT)


def fault_of(link: Link) -> str | None:
    """What is wrong with a link, None where it leads to something."""
    name, _, anchor = link.target.partition("#")
    target = (link.base / name).resolve() if name else link.path
    place = f"{link.path.relative_to(ROOT)}: {link.target}"
    if not target.exists():
        return f"{place}: there is no such file"
    if "#" in link.target and anchor not in anchors(target):
        return f"{place}: the page has no such heading"
    return None


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub makes them: repeats get a number."""
    return frozenset(anchors_of(path.read_text(encoding="utf-8"))) if path.suffix == ".md" else frozenset()


def anchors_of(text: str) -> Iterator[str]:
    """The anchor of each heading."""
    repeats: Counter[str] = Counter()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", _FENCE.sub("", text), re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        yield f"{anchor}-{repeats[anchor]}" if repeats[anchor] else anchor
        repeats[anchor] += 1


@pytest.mark.parametrize("name", NEEDED_PAGES)
def test_a_page_that_others_link_to_is_there(name: str) -> None:
    assert (DOCS / name).is_file()


def test_no_link_of_a_page_is_dead() -> None:
    faults = [fault_of(link) for path in PAGES for link in links_of_page(path, path.read_text(encoding="utf-8"))]
    assert [fault for fault in faults if fault] == []


def test_no_link_from_the_code_to_a_page_is_dead() -> None:
    faults = [fault_of(link) for path in SOURCES for link in links_of_source(path, path.read_text(encoding="utf-8"))]
    assert [fault for fault in faults if fault] == []


@pytest.mark.parametrize("path", [page for page in PAGES if page.name != "README.md"], ids=lambda path: path.name)
def test_a_page_has_one_title_and_no_two_equal_headings(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(re.findall(r"^# ", _FENCE.sub("", text), re.MULTILINE)) == 1
    assert path.name == "reference.md" or not [a for a in anchors_of(text) if re.search(r"-\d$", a)]


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("glossary.md", None),
        ("glossary.md#code", None),
        ("../README.md", None),
        ("glossary.md#nothing", "the page has no such heading"),
        ("gone.md", "there is no such file"),
        ("#glossary", None),
        ("#", "the page has no such heading"),
    ],
)
def test_a_dead_link_is_named(target: str, fault: str | None) -> None:
    (link,) = links_of_page(
        DOCS / "glossary.md", f"see [it]({target}), `[not](this.md)` and [that](https://example.org/x)"
    )
    assert fault_of(link) == (f"docs/glossary.md: {target}: {fault}" if fault else None)


def test_links_in_docstrings_and_yaml_are_found() -> None:
    (link,) = links_of_source(ROOT / "features" / "x.py", '"""Layering (docs/methods.md#d99-nothing)."""')
    assert fault_of(link) == "features/x.py: docs/methods.md#d99-nothing: the page has no such heading"


def test_headings_become_anchors_as_on_github() -> None:
    text = "# M Score\n## D05 Layering: *two* forms\n```\n# no heading\n```\n## A\n## A\n"
    assert list(anchors_of(text)) == ["m-score", "d05-layering-two-forms", "a", "a-1"]
