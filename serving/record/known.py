"""What is known about accounts now, in the database: one table a subject, in which no row is ever overwritten."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Index, Select, Table, Text, and_, false, func, insert, or_, select, update

from features.kernel.errors import NotFound
from serving.measures.model import Measure, MeasureState
from serving.record.effects import SUBJECTS, Effect, Subject
from serving.record.model import AccountFacts, LegalOrder, WatchlistEntry
from serving.storage.database import Transaction
from serving.storage.metadata import UtcMoment, metadata

ROWS_AT_ONCE = 1_000
FEW_ROWS = 50


def _declare(subject: str, *columns: Column[Any] | Index) -> Table:
    revised = (
        (Column("known_until", UtcMoment), Column("waits", Boolean, nullable=False)) if subject in SUBJECTS else ()
    )
    known_from = Column("known_from", UtcMoment, nullable=False)
    return Table(
        f"record_{subject}", metadata, Column("row_key", Text, primary_key=True), known_from, *revised, *columns
    )


TABLES: Mapping[str, Table] = {
    "accounts": _declare(
        "accounts",
        Column("account_id", Text, nullable=False, index=True),
        Column("kind", Text),
        Column("owner_id", Text),
        Column("country", Text),
        Column("market_maker", Boolean),
    ),
    "legal_orders": _declare(
        "legal_orders",
        Column("legal_order_id", Text, nullable=False),
        Column("account_id", Text, nullable=False, index=True),
        Column("scope", Text, nullable=False),
        Column("authority", Text),
        Column("ts", UtcMoment, nullable=False),
        Column("expires_at", UtcMoment),
        Column("lifted_at", UtcMoment),
    ),
    "watchlist": _declare(
        "watchlist",
        Column("list", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("value", Text, nullable=False),
        Column("source", Text),
        Column("effective_from", UtcMoment, nullable=False),
        Column("effective_to", UtcMoment),
        Index(None, "kind", "value"),
    ),
    "credential_changes": _declare(
        "credential_changes",
        Column("account_id", Text, nullable=False),
        Column("event_id", Text, nullable=False),
        Column("ts", UtcMoment, nullable=False),
        Index(None, "account_id", "ts"),
    ),
    "withdrawal_addresses": _declare(
        "withdrawal_addresses",
        Column("account_id", Text, nullable=False),
        Column("address", Text, nullable=False),
        Column("ts", UtcMoment, nullable=False),
        Index(None, "account_id", "address", "ts"),
    ),
    "identifiers": _declare(
        "identifiers",
        Column("account_id", Text, nullable=False, index=True),
        Column("kind", Text, nullable=False),
        Column("value", Text, nullable=False),
    ),
    "measures": _declare(
        "measures",
        Column("event_id", Text, nullable=False),
        Column("account_id", Text, nullable=False, index=True),
        Column("measure", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("ts", UtcMoment, nullable=False),
        Column("ends_at", UtcMoment),
    ),
    "countries": _declare(
        "countries",
        Column("account_id", Text, nullable=False),
        Column("ip_country", Text),
        Column("ts", UtcMoment, nullable=False),
        Index(None, "account_id", "ts"),
    ),
}


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """What binds one account now; of an account that nobody knows, what its request meets."""

    facts: AccountFacts
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """Whom a decision is about, and what the request names, in comparable form."""

    account_id: str
    address: str | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """What became of rows written to the record: how many bind, and the keys of those that wait."""

    in_force: int
    waiting: tuple[str, ...] = ()


class Record:
    """The account record as one transaction sees it."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    def add(self, subject: str, rows: Iterable[Mapping[str, Any]], *, is_trusted: bool) -> Added:
        """Writes the rows that are not there yet.

        A row that restricts less than the one that binds waits, unless its source is trusted.
        """
        table, revised = TABLES[subject], SUBJECTS.get(subject)
        offered = {row["row_key"]: dict(row) for row in rows}
        earlier = self._among(subject, list(offered))
        new = [row for key, row in offered.items() if key not in earlier]
        if revised is None:
            self._insert(table, new)
            return Added(len(new))
        by_clock = sorted(new, key=lambda row: row["known_from"])
        waiting = self._settle(table, revised, by_clock, is_trusted)
        self._insert(table, by_clock)
        return Added(len(new) - len(waiting), tuple(waiting))

    def release(self, subject: str, row_key: str, at: datetime) -> None:
        """Lets a waiting row bind, from now on, in place of those that it replaces.

        Raises:
            NotFound: no such row waits.
        """
        table, row = TABLES[subject], self._waiting_row(subject, row_key)
        for old in self._in_force(table, SUBJECTS[subject], [row]):
            if SUBJECTS[subject].effect(row, old) is not Effect.ADDS:
                self._end(table, old["row_key"], at)
        same = table.c.row_key == row_key
        self._connection.execute(update(table).where(same).values(waits=False, known_from=at))

    def drop(self, subject: str, row_key: str, at: datetime) -> None:
        """Says of a waiting row that it will never bind.

        Raises:
            NotFound: no such row waits.
        """
        self._waiting_row(subject, row_key)
        self._end(TABLES[subject], row_key, at)

    def row(self, subject: str, row_key: str) -> dict[str, Any]:
        """One row as it is stored.

        Raises:
            NotFound: there is no such row.
        """
        table = TABLES[subject]
        stored = self._connection.execute(select(table).where(table.c.row_key == row_key)).mappings().one_or_none()
        if stored is None:
            raise NotFound(f"The record has no row {row_key!r} of {subject.replace('_', ' ')}.")
        return dict(stored)

    def newest_addresses(self, account_id: str) -> dict[str, datetime]:
        """When each withdrawal address of the account was last authorised."""
        table = TABLES["withdrawal_addresses"]
        query = select(table.c.address, func.max(table.c.ts)).where(table.c.account_id == account_id)
        return {row[0]: row[1] for row in self._connection.execute(query.group_by(table.c.address))}

    def entries(self, list_name: str, after: str | None = None, limit: int = ROWS_AT_ONCE) -> list[dict[str, Any]]:
        """The entries of a list that bind, in the order of their keys, behind a key."""
        table = TABLES["watchlist"]
        query = select(table).where(table.c.list == list_name, _binds(table)).order_by(table.c.row_key).limit(limit)
        query = query if after is None else query.where(table.c.row_key > after)
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def of_thing(self, subject: str, **named: Any) -> list[dict[str, Any]]:
        """The rows of a subject that bind and have these values."""
        table = TABLES[subject]
        query = select(table).where(_binds(table), *(table.c[name] == value for name, value in named.items()))
        return [dict(row) for row in self._connection.execute(query.order_by(table.c.row_key)).mappings()]

    def find(self, lookups: Sequence[Lookup]) -> dict[str, AccountRecord]:
        """By account what binds it, for the requests of a batch: a few look-ups by index for all of them."""
        accounts = {lookup.account_id for lookup in lookups}
        addresses = {lookup.address for lookup in lookups if lookup.address}
        changed = self._newest("credential_changes", accounts)
        countries = self._countries(accounts)
        added = self._added(accounts, addresses)
        orders = self._orders(accounts)
        measures = self._measures(accounts)
        listed = self._listed(accounts)
        devices = self._devices_seen([lookup for lookup in lookups if lookup.device is not None])
        entries = self._request_entries(addresses)
        return {
            lookup.account_id: AccountRecord(
                AccountFacts(
                    credential_changed_at=changed.get(lookup.account_id),
                    addresses_added=added[lookup.account_id],
                    legal_orders=tuple(orders[lookup.account_id]),
                    watchlist=(*listed[lookup.account_id], *entries),
                    ip_country=countries.get(lookup.account_id),
                    devices_seen=devices.get(lookup.account_id),
                ),
                tuple(measures[lookup.account_id]),
            )
            for lookup in lookups
        }

    def waiting(self) -> dict[str, int]:
        """By subject how many rows wait for somebody to let them end or weaken a restriction."""
        counts = {}
        for subject in SUBJECTS:
            table = TABLES[subject]
            waits = and_(table.c.waits, table.c.known_until.is_(None))
            query = select(func.count()).select_from(table).where(waits)
            counts[subject] = self._connection.execute(query).scalar_one()
        return {subject: count for subject, count in counts.items() if count}

    def keys(self, subject: str) -> frozenset[str]:
        """The hashes of all rows of a subject."""
        return frozenset(self._connection.execute(select(TABLES[subject].c.row_key)).scalars())

    def _among(self, subject: str, row_keys: Sequence[str]) -> set[str]:
        """Those of the keys that the record has."""
        key, present = TABLES[subject].c.row_key, set[str]()
        for start in range(0, len(row_keys), ROWS_AT_ONCE):
            some = row_keys[start : start + ROWS_AT_ONCE]
            present |= set(self._connection.execute(select(key).where(key.in_(some))).scalars())
        return present

    def _settle(self, table: Table, subject: Subject, rows: Sequence[dict[str, Any]], is_trusted: bool) -> list[str]:
        """Says of each row whether it binds or waits, and ends those it replaces; gives the keys of those that wait."""
        in_force: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
        for stored in self._in_force(table, subject, rows):
            in_force[subject.named(stored)].append(stored)
        waiting = []
        for row in rows:
            name = subject.named(row)
            before = in_force.get(name, [])
            eases = [old for old in before if subject.effect(row, old) is Effect.EASES]
            row["waits"], row["known_until"] = bool(eases) and not is_trusted, None
            if row["waits"]:
                waiting.append(row["row_key"])
                continue
            replaced = [old for old in before if subject.effect(row, old) is not Effect.ADDS]
            for old in replaced:
                old["known_until"] = row["known_from"]
                self._end(table, old["row_key"], row["known_from"])
            in_force[name] = [*(old for old in before if old not in replaced), row]
        return waiting

    def _in_force(self, table: Table, subject: Subject, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The rows that bind about the things that the given rows are about; of many rows, all that bind."""
        query = select(table).where(_binds(table))
        if len(rows) <= FEW_ROWS:
            about = [and_(*(table.c[name] == row[name] for name in subject.key)) for row in rows]
            query = query.where(or_(false(), *about))
        return [dict(stored) for stored in self._connection.execute(query).mappings()]

    def _waiting_row(self, subject: str, row_key: str) -> dict[str, Any]:
        row = self.row(subject, row_key)
        if not row["waits"] or row["known_until"] is not None:
            raise NotFound(f"The row {row_key!r} of {subject.replace('_', ' ')} does not wait.")
        return row

    def _end(self, table: Table, row_key: str, at: datetime) -> None:
        self._connection.execute(update(table).where(table.c.row_key == row_key).values(known_until=at))

    def _insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        for start in range(0, len(rows), ROWS_AT_ONCE):
            self._connection.execute(insert(table), rows[start : start + ROWS_AT_ONCE])

    def _of_accounts(self, subject: str, accounts: Collection[str]) -> Select[Any]:
        return select(TABLES[subject]).where(TABLES[subject].c.account_id.in_(accounts))

    def _newest(self, subject: str, accounts: Collection[str]) -> dict[str, datetime]:
        table = TABLES[subject]
        query = select(table.c.account_id, func.max(table.c.ts)).where(table.c.account_id.in_(accounts))
        return {row[0]: row[1] for row in self._connection.execute(query.group_by(table.c.account_id))}

    def _countries(self, accounts: Collection[str]) -> dict[str, str]:
        rows = self._connection.execute(self._of_accounts("countries", accounts).order_by(TABLES["countries"].c.ts))
        return {row.account_id: row.ip_country for row in rows if row.ip_country is not None}

    def _devices_seen(self, lookups: Sequence[Lookup]) -> dict[str, tuple[str, ...]]:
        """By account those of the devices asked about that it used before; only accounts of which devices are known."""
        if not lookups:
            return {}
        owned = TABLES["identifiers"]
        of_accounts = and_(owned.c.account_id.in_({lookup.account_id for lookup in lookups}), owned.c.kind == "device")
        requested = owned.c.value.in_({lookup.device for lookup in lookups})
        used: dict[str, tuple[str, ...]] = dict.fromkeys(
            self._connection.execute(select(owned.c.account_id).where(of_accounts).distinct()).scalars(), ()
        )
        for row in self._connection.execute(select(owned.c.account_id, owned.c.value).where(of_accounts, requested)):
            used[row.account_id] = (*used[row.account_id], row.value)
        return used

    def _added(self, accounts: Collection[str], addresses: Collection[str]) -> dict[str, dict[str, datetime]]:
        table = TABLES["withdrawal_addresses"]
        query = self._of_accounts("withdrawal_addresses", accounts).where(table.c.address.in_(addresses))
        added: dict[str, dict[str, datetime]] = defaultdict(dict)
        for row in self._connection.execute(query.order_by(table.c.ts)) if addresses else ():
            added[row.account_id][row.address] = row.ts
        return added

    def _orders(self, accounts: Collection[str]) -> dict[str, list[LegalOrder]]:
        orders: dict[str, list[LegalOrder]] = defaultdict(list)
        query = self._of_accounts("legal_orders", accounts).where(_binds(TABLES["legal_orders"]))
        for row in self._connection.execute(query):
            orders[row.account_id].append(
                LegalOrder(row.legal_order_id, row.scope, row.ts, row.authority or "", row.expires_at, row.lifted_at)
            )
        return orders

    def _measures(self, accounts: Collection[str]) -> dict[str, list[Measure]]:
        measures: dict[str, list[Measure]] = defaultdict(list)
        table = TABLES["measures"]
        query = self._of_accounts("measures", accounts).where(_binds(table), table.c.state == "in_force")
        for row in self._connection.execute(query):
            measures[row.account_id].append(
                Measure(
                    measure_id=row.event_id,
                    measure=row.measure,
                    account_id=row.account_id,
                    clause="7",
                    scope="account",
                    starts_at=row.ts,
                    decided_by="imported",
                    state=MeasureState.IN_FORCE,
                    ends_at=row.ends_at,
                )
            )
        return measures

    def _listed(self, accounts: Collection[str]) -> dict[str, list[WatchlistEntry]]:
        """The entries that name the accounts themselves: by id, owner, document, face, name or device."""
        owned, entries = TABLES["identifiers"], TABLES["watchlist"]
        query = (
            select(owned.c.account_id, entries)
            .join(entries, and_(entries.c.kind == owned.c.kind, entries.c.value == owned.c.value))
            .where(owned.c.account_id.in_(accounts), _binds(entries))
        )
        listed: dict[str, list[WatchlistEntry]] = defaultdict(list)
        for row in self._connection.execute(query):
            listed[row.account_id].append(_entry(row))
        for account, entry in self._listed_by_id(accounts):
            if entry not in listed[account]:
                listed[account].append(entry)
        return listed

    def _listed_by_id(self, accounts: Collection[str]) -> list[tuple[str, WatchlistEntry]]:
        """The entries that name an account by its id, also of one that no import has told of."""
        entries = TABLES["watchlist"]
        query = select(entries).where(entries.c.kind == "account", entries.c.value.in_(accounts), _binds(entries))
        return [(row.value, _entry(row)) for row in self._connection.execute(query)]

    def _request_entries(self, addresses: Collection[str]) -> list[WatchlistEntry]:
        """The entries that a request may meet: the addresses that are named, and every country."""
        entries = TABLES["watchlist"]
        named = and_(entries.c.kind == "address", entries.c.value.in_(addresses))
        query = select(entries).where(or_(entries.c.kind == "country", named), _binds(entries))
        return [_entry(row) for row in self._connection.execute(query)]


def _binds(table: Table) -> Any:
    return and_(table.c.known_until.is_(None), table.c.waits.is_(False))


def _entry(row: Any) -> WatchlistEntry:
    return WatchlistEntry(row.list, row.kind, row.value, row.effective_from, row.effective_to)
