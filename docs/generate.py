"""Writes docs/reference.md from the code: the activity tables, the feature catalogue, the rules."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from docs.clauses import clause_table, left_out
from features.activity.schema import LABELS, TABLES, Table
from features.definitions import CATALOGUE, FAMILIES
from features.derivation import steps
from serving.commands.rulebook import load_policy

HERE = Path(__file__).parent
REFERENCE = HERE / "reference.md"


def reference() -> str:
    """The whole page."""
    return "\n".join(
        [
            "# Reference",
            "",
            "Written by `make docs` from the code; a test holds it to be current.",
            "",
            *clauses(),
            *tables(),
            *catalogue(),
            *patterns(),
            *rules(),
        ]
    )


def clauses() -> Iterator[str]:
    """Every named trigger of the guidelines with what is built for it and the tests that show it."""
    yield from ("## Clauses, cards and what is built", "", *clause_table(load_policy()), "")
    yield from ("### Left out", "", *left_out(), "")


def tables() -> Iterator[str]:
    """Every activity table with its columns; an optional column has a question mark."""
    yield from ("## Activity tables", "")
    for table in (*TABLES.values(), LABELS):
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    key = "the whole row" if len(table.key) == len(table.columns) else ", ".join(table.key)
    yield from (f"### {table.name}", "", f"{table.meaning} Key: {key}. Time: `{table.time}`.", "")
    yield from ("| column | type | meaning |", "|---|---|---|")
    for column in table.columns:
        kind = " ".join(f"`{word}`" for word in column.values) or column.kind
        yield f"| {column.name}{'' if column.required else '?'} | {kind} | {column.meaning} |"
    yield ""


def catalogue() -> Iterator[str]:
    """Every feature by family."""
    yield from (f"## Features ({len(CATALOGUE)})", "")
    for family in FAMILIES:
        yield from (f"### {family}", "", "| feature | unit | window | clause | a value reads | evidence |")
        yield "|---|---|---|---|---|---|"
        for feature in (f for f in CATALOGUE if f.family == family):
            cells = (feature.name, feature.unit, feature.window.text, feature.clause, f"… {feature.says}")
            yield _row((*cells, feature.of.evidence_table))
        yield ""


def patterns() -> Iterator[str]:
    """Every pattern with what defines an episode."""
    yield from ("## Patterns", "", "What defines an episode; what decides stands in the rules.", "")
    for pattern in steps.patterns():
        since = f"Card {pattern.card}, clause {pattern.clause}, since {pattern.thresholds.effective_from}."
        yield from (f"### {pattern.name}", "", f"{pattern.says[0].upper()}{pattern.says[1:]}. {since}", "")
        yield f"Measures: {', '.join(pattern.measures)}."
        yield from ("", "| setting | value | unit | source |", "|---|---|---|---|")
        for number in pattern.thresholds.numbers:
            yield _row((number.name, number.value, number.unit, number.source))
        yield ""


def rules() -> Iterator[str]:
    """Every rule with its condition and thresholds."""
    policy = load_policy()
    yield from (f"## Rules ({len(policy.rules)})", "")
    yield from ("| rule | clause | state | severity | outcome | says | thresholds |", "|---|---|---|---|---|---|---|")
    for rule in policy.rules:
        thresholds = ", ".join(f"{name} {threshold.value}" for name, threshold in rule.thresholds.items())
        cells = (rule.id, rule.clause, rule.state.value, rule.severity.word, rule.outcome.word, rule.says, thresholds)
        yield _row(cells)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    REFERENCE.write_text(reference(), encoding="utf-8")
