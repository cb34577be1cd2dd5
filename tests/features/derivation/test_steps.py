"""The order of derivation is computed from what steps read; a circle, or a read that nothing writes, is an error."""

from dataclasses import replace
from random import Random

import ibis
import pytest

from features.activity.schema import TABLES
from features.definitions import CATALOGUE
from features.derivation.steps import Step, facts, lineage, ordered, patterns, steps
from features.facts.fact import Fact
from features.facts.orders import ORDERS
from features.kernel.errors import Invalid
from features.patterns.shared.episode import Pattern
from features.patterns.wash import WASH_PAIR

READ_BY_PAGES = {"fact_links"}
"""Read by the pages and by evidence, beside features."""


def reading(name: str, *tables: str) -> Fact:
    """A fact that reads these tables."""
    columns = {"account_id": "string", "ts": "int64", "known_from": "int64", "known_until": "int64", "row_id": "string"}
    return Fact(
        name, "a row", ibis.union(*(ibis.table(columns, name=table) for table in (*tables, "trades"))), "trades"
    )


def test_every_step_comes_behind_what_it_reads() -> None:
    written: set[str] = {*TABLES, "account_numbers"}
    for step in steps():
        reads = set(step.uses) - {"*"}
        assert reads <= written, f"{step.writes} reads {reads - written}"
        if "*" in step.uses:
            assert {pattern.writes for pattern in patterns()} <= written
        written.add(step.writes)


def test_the_order_does_not_depend_on_the_order_in_which_steps_are_found() -> None:
    shuffled = list(steps())
    Random(3).shuffle(shuffled)
    assert [step.writes for step in ordered(shuffled)] == [step.writes for step in steps()]


def test_every_fact_and_every_pattern_is_found_in_its_folder() -> None:
    assert len(facts()) >= 29
    assert len(patterns()) >= 21


def test_a_circle_is_refused_and_told() -> None:
    with pytest.raises(Invalid, match=r"in a circle: .*fact_one.*fact_other"):
        ordered((reading("one", "fact_other"), reading("other", "fact_one")))


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ((reading("one", "fact_nothing"),), "fact_one reads fact_nothing, which is neither an activity table nor"),
        ((reading("one"), reading("one")), "Two steps write fact_one"),
        ((replace(WASH_PAIR, uses=("trade",)),), "wash_pair reads trade,"),
    ],
    ids=["nothing writes it", "written twice", "no such table"],
)
def test_what_makes_no_sense_is_refused(found: tuple[Step, ...], sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        ordered(found)


def test_no_step_writes_what_nothing_reads() -> None:
    read = {table for step in steps() for table in step.uses} | {feature.of.writes for feature in CATALOGUE}
    assert {fact.writes for fact in facts()} - read - READ_BY_PAGES == set()


def test_the_lineage_of_a_fact_names_every_step_behind_it() -> None:
    assert lineage([ORDERS.writes]) == {"fact_legs": 1, "fact_orders": 1, "fact_pulls": 1}


def test_a_pattern_says_what_it_reads_and_what_version_it_is() -> None:
    for pattern in patterns():
        assert isinstance(pattern, Pattern)
        assert pattern.uses
        assert pattern.version >= 1
