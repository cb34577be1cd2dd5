"""Measures that begin by themselves: cooling-off after changes (clause 6 a, c), and what rules start (clause 6 b)."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from serving.measures.model import ImposedMeasure, Measure, MeasureState
from serving.policy.rules import Rule

COOLING_OFF = timedelta(hours=24)
SYSTEM = "rule"
GROUP_SCOPE = "symbol"


def cooling_off(
    account_id: str, changed_at: datetime | None, addresses: Mapping[str, datetime], now: datetime
) -> Iterator[Measure]:
    """The holds of 24 hours that run now: on all withdrawals after a changed credential, on each new address.

    Nothing is stored for them: they are as old as the newest event, and over by the clock.
    """
    holds = [(changed_at, "cooling-off-credential", "account")] if changed_at else []
    holds += [(at, "cooling-off-address", address) for address, at in sorted(addresses.items())]
    for start, rule_id, scope in holds:
        if start <= now < start + COOLING_OFF:
            yield Measure(
                measure_id=_id("cooling-off", account_id, scope),
                measure="withdrawal_hold",
                account_id=account_id,
                clause="6",
                scope=scope,
                starts_at=start,
                decided_by=f"{SYSTEM} {rule_id}",
                state=MeasureState.IN_FORCE,
                ends_at=start + COOLING_OFF,
            )


def started_by(
    rules: Iterable[Rule], review_id: str, accounts: Iterable[str], symbol: str | None, now: datetime
) -> list[ImposedMeasure]:
    """What the rules of a new case start on its accounts: each once a case, and over within a day."""
    started: dict[str, ImposedMeasure] = {}
    who = list(accounts)
    for rule in rules:
        for start in rule.starts:
            scope = symbol if start.scope == GROUP_SCOPE and symbol else start.scope or "account"
            for account in who:
                measure = Measure(
                    measure_id=_id(review_id, account, start.measure, scope),
                    measure=start.measure,
                    account_id=account,
                    clause="6",
                    scope=scope,
                    starts_at=now,
                    decided_by=f"{SYSTEM} {rule.id}",
                    state=MeasureState.IN_FORCE,
                    ends_at=now + timedelta(hours=start.hours),
                )
                started.setdefault(measure.measure_id, ImposedMeasure(measure, rule.says, review_id))
    return list(started.values())


def _id(*parts: str) -> str:
    return f"mea_{hashlib.sha256(':'.join(parts).encode()).hexdigest()[:16]}"
