"""The simulated review process: who gets reviewed, when the finding is known, and how often it is wrong."""

import numpy as np
import pyarrow as pa

from features.activity.schema import LABELS, TIME
from features.simulator.truth import ViolationRecord
from features.simulator.vectors import DAY
from features.simulator.world import World

TYPOLOGIES = (
    "wash_trading",
    "spoofing",
    "multi_account",
    "money_laundering",
    "account_takeover",
    "position_limit_evasion",
    "layering",
    "excessive_orders",
    "unauthorised_automation",
    "collusion",
    "banned_reentry",
)
"""What a person decides; the rest is decided by rules and lists."""
FALSE_POSITIVE, FALSE_NEGATIVE = 0.02, 0.05
REVIEWED_VIOLATORS, REVIEWED_LOOK_ALIKES, REVIEWED_AT_RANDOM = 0.9, 0.65, 0.04
DELAY_MEDIAN_DAYS, DELAY_P95_DAYS = 2.0, 14.0
NORMAL_P95 = 1.645
Row = tuple[str, str, str, int | None, int, str, str | None, str | None]


def review(world: World, rng: np.random.Generator) -> pa.Table:
    """The labels that are known by the end of the run, in the contract's schema, ordered by when they became known.

    Breaches that rules decide alone are not labelled. A review at random clears an account of every typology.
    """
    rows = [row for violation in world.truth.violations for row in _review_violator(world, rng, violation)]
    violators = {violation.account for violation in world.truth.violations}
    for account, typology in sorted(world.truth.look_alikes.items()):
        if account not in violators and typology in TYPOLOGIES and rng.random() < REVIEWED_LOOK_ALIKES:
            rows += _judge_honest(world, rng, account, (typology,))
    for account in np.flatnonzero(rng.random(len(world.people)) < REVIEWED_AT_RANDOM).tolist():
        if account not in violators and account not in world.truth.look_alikes:
            rows += _judge_honest(world, rng, account, TYPOLOGIES)
    return _table(sorted((row for row in rows if row[4] < world.market.end), key=lambda row: (row[4], row[0], row[1])))


def _delay(world: World, rng: np.random.Generator) -> int:
    sigma = np.log(DELAY_P95_DAYS / DELAY_MEDIAN_DAYS) / NORMAL_P95
    days = world.profile.scaled_days(DELAY_MEDIAN_DAYS) * np.exp(rng.normal(0, sigma))
    return int(days * DAY)


def _review_violator(world: World, rng: np.random.Generator, violation: ViolationRecord) -> list[Row]:
    detected = violation.onset + int(rng.exponential(world.profile.scaled_days(3.0)) * DAY)
    known_at = detected + _delay(world, rng)
    looked, missed = rng.random() < REVIEWED_VIOLATORS, rng.random() < FALSE_NEGATIVE
    if violation.typology not in TYPOLOGIES or not looked:
        return []
    name, event = (
        world.people.names[violation.account],
        None if violation.event_id is None else f"x{violation.event_id}",
    )
    if missed:
        return [(name, violation.typology, "cleared", None, known_at, "simulator", event, None)]
    return [(name, violation.typology, "confirmed", violation.onset, known_at, "simulator", event, violation.ring)]


def _judge_honest(world: World, rng: np.random.Generator, account: int, typologies: tuple[str, ...]) -> list[Row]:
    since = max(world.market.start, int(world.people.created_at[account]))
    reviewed = int(rng.integers(since, max(world.market.end, since + 1)))
    known_at = reviewed + _delay(world, rng)
    wrong = int(rng.integers(0, len(typologies))) if rng.random() < FALSE_POSITIVE else -1
    name = world.people.names[account]
    return [
        (name, typology, "confirmed", reviewed, known_at, "simulator", None, None)
        if number == wrong
        else (name, typology, "cleared", None, known_at, "simulator", None, None)
        for number, typology in enumerate(typologies)
    ]


def _table(rows: list[Row]) -> pa.Table:
    columns = dict(
        zip(
            ("account_id", "typology", "finding", "onset", "known_at", "source", "event_id", "group_id"),
            zip(*rows, strict=True) if rows else [()] * 8,
            strict=True,
        )
    )
    arrays = [
        pa.array(
            columns.get(field.name, [None] * len(rows)), type=pa.int64() if field.type == TIME else field.type
        ).cast(field.type)
        for field in LABELS.arrow_schema
    ]
    return pa.table(arrays, schema=LABELS.arrow_schema)
