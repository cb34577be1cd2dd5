"""Small hand-written networks of accounts, derived as far as links and groups."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from features.activity.snapshot import Activity
from features.engines.duckdb import DuckDBEngine
from features.facts.associations import ASSOCIATIONS, CONTROLLED
from features.facts.identifiers import HOLDINGS
from features.facts.links import LINKS
from features.patterns.account_groups import ACCOUNT_CLUSTER, CONTROLLED_GROUP
from features.patterns.shared.episode import EPISODES_SCHEMA, Episode, as_table

START = pd.Timestamp("2025-05-01T00:00:00Z")
DAY = pd.Timedelta(days=1)


def at(day: float) -> pd.Timestamp:
    """A moment so many days after the start."""
    return (START + day * DAY).as_unit("us")


@dataclass
class Network:
    """Collects rows; every account named anywhere exists since 30 days before the start."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)

    def session(self, account: str, day: float, ip: str = "", device: str = "", known: float | None = None) -> None:
        """A login from an address (its own where none is given), on a device if one is named."""
        number = len(self.rows.setdefault("sessions", []))
        self._add(
            "sessions",
            session_id=f"s{number}",
            account_id=account,
            ts=at(day),
            ingested_at=None if known is None else at(known),
            event="login",
            ip=ip or f"own-{account}",
            asn_type="residential",
            ip_country="AA",
            vpn=False,
            device_id=device or None,
            headless=False,
        )

    def verified(self, account: str, day: float, document: str | None = None, face: str | None = None) -> None:
        """An approved verification."""
        self._add(
            "verifications",
            account_id=account,
            ts=at(day),
            level=2,
            status="approved",
            document_hash=document,
            face_hash=face,
        )

    def withdrew(self, account: str, day: float, address: str) -> None:
        """A withdrawal to a self-hosted address."""
        self._transfer(account, day, "withdrawal", "self_hosted", address=address)

    def paid(self, account: str, day: float, other: str) -> None:
        """A transfer inside the platform."""
        self._transfer(account, day, "internal_out", "internal", counterparty_account_id=other)

    def rewarded(self, account: str, day: float, usd: float) -> None:
        """A reward of a promotion."""
        number = len(self.rows.get("participations", []))
        self._add(
            "participations",
            event_id=f"r{number}",
            account_id=account,
            ts=at(day),
            campaign_id="c1",
            kind="bonus",
            action="rewarded",
            reward_usd=usd,
        )

    def activity(self) -> Activity:
        """The rows and their accounts."""
        people = sorted({str(row["account_id"]) for rows in self.rows.values() for row in rows})
        accounts = pd.DataFrame({"account_id": people, "created_at": START - 30 * DAY, "kind": "retail"})
        accounts["owner_id"] = accounts["account_id"].map(self.owners)
        accounts = accounts.assign(country="ZZ", market_maker=False)
        frames = {name: pd.DataFrame(rows) for name, rows in self.rows.items()}
        return Activity.from_frames({**frames, "accounts": accounts})

    def engine(self) -> DuckDBEngine:
        """The engine over the network, with the link facts and groups derived in their order."""
        engine = DuckDBEngine(self.activity())
        engine.register("episodes", EPISODES_SCHEMA.empty_table())
        for fact in (HOLDINGS, LINKS, ASSOCIATIONS):
            engine.create_fact(fact.writes, fact.rows)
        self._write(engine, [*self.groups(engine), *self.clusters(engine)])
        engine.create_fact(CONTROLLED.writes, CONTROLLED.rows)
        return engine

    def groups(self, engine: DuckDBEngine) -> list[Episode]:
        """The groups under one control."""
        return list(CONTROLLED_GROUP.detect(engine, CONTROLLED_GROUP.settings))

    def clusters(self, engine: DuckDBEngine) -> list[Episode]:
        """The communities of linked accounts."""
        return list(ACCOUNT_CLUSTER.detect(engine, ACCOUNT_CLUSTER.settings))

    def _write(self, engine: DuckDBEngine, episodes: Iterable[Episode]) -> None:
        engine.register("episodes", as_table(episodes))

    def _transfer(self, account: str, day: float, direction: str, kind: str, **more: Any) -> None:
        number = len(self.rows.get("transfers", []))
        self._add(
            "transfers",
            transfer_id=f"x{number}",
            account_id=account,
            ts=at(day),
            direction=direction,
            asset="USDT",
            amount=100.0,
            amount_usd=100.0,
            counterparty_type=kind,
            **more,
        )

    def _add(self, table: str, **row: Any) -> None:
        self.rows.setdefault(table, []).append(row)


def held(engine: DuckDBEngine, fact: str, account: str, day: float) -> dict[str, Any]:
    """The newest row of a link fact by other account, as an account may see it at a moment."""
    moment = int(at(day).asm8.astype("int64"))
    rows = engine.frame(f"FROM fact_{fact} ORDER BY known_from")
    ends = rows["known_until"].fillna(moment + 1)
    seen = (rows["ts"] < moment) & (rows["known_from"] <= moment) & (ends > moment)
    return {row["other_id"]: row for row in rows[seen & (rows["account_id"] == account)].to_dict("records")}
