"""What really happened, which no feature may read: who violated what, in which episodes, and which fills were wash."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from features.activity.schema import TIME
from features.simulator.vectors import Ints

ACCOUNTS = pa.schema(
    [
        ("account_id", pa.string()),
        ("role", pa.string()),
        ("typology", pa.string()),
        ("ring_id", pa.string()),
        ("onset", TIME),
        ("end", TIME),
        ("camouflage", pa.float64()),
        ("careful", pa.bool_()),
        ("resembles", pa.string()),
    ]
)
EPISODES = pa.schema(
    [
        ("episode_id", pa.string()),
        ("typology", pa.string()),
        ("started_at", TIME),
        ("ended_at", TIME),
        ("event_ids", pa.list_(pa.string())),
        ("account_ids", pa.list_(pa.string())),
    ]
)
FILLS = pa.schema([("trade_id", pa.string()), ("is_wash", pa.bool_())])


@dataclass(frozen=True, slots=True)
class ViolationRecord:
    """One account's part in one violation; `event_id` is the request at stake, where there is one."""

    account: int
    typology: str
    ring: str
    onset: int
    end: int
    camouflage: float
    careful: bool
    event_id: int | None = None


@dataclass(slots=True)
class Truth:
    """Collects the truth while agents act; `look_alikes` maps an honest account to the typology it resembles."""

    violations: list[ViolationRecord] = field(default_factory=list)
    look_alikes: dict[int, str] = field(default_factory=dict)
    wash_trades: list[Ints] = field(default_factory=list)
    episodes: list[tuple[str, int, int, list[str], list[int]]] = field(default_factory=list)

    def episode(
        self, typology: str, started_at: int, ended_at: int, prefix: str, events: Ints, members: Ints | int
    ) -> None:
        """One episode, the ids (`o` orders, `t` trades, `x` transfers, `s` sessions) of its events, and its members."""
        ids, accounts = [f"{prefix}{event}" for event in events.tolist()], np.unique(members).tolist()
        self.episodes.append((typology, int(started_at), int(ended_at), ids, accounts))

    def tables(self, names: list[str], agents: list[str], trades: pa.Array, trade_numbers: Ints) -> dict[str, pa.Table]:
        """The three truth tables; `trades` are the spelt ids behind `trade_numbers`."""
        wash = np.concatenate([np.empty(0, dtype=np.int64), *self.wash_trades])
        return {
            "truth_accounts": self._accounts(names, agents),
            "truth_episodes": self._episodes(names),
            "truth_fills": pa.table([trades, pa.array(np.isin(trade_numbers, wash))], schema=FILLS),
        }

    def _accounts(self, names: list[str], agents: list[str]) -> pa.Table:
        violators = {violation.account for violation in self.violations}
        rows: list[tuple[object, ...]] = [
            (names[o.account], agents[o.account], o.typology, o.ring, o.onset, o.end, o.camouflage, o.careful, None)
            for o in self.violations
        ]
        rows += [
            (name, agents[number], None, None, None, None, None, None, self.look_alikes.get(number))
            for number, name in enumerate(names)
            if number not in violators
        ]
        return _table(rows, ACCOUNTS)

    def _episodes(self, names: list[str]) -> pa.Table:
        ordered = sorted(self.episodes, key=lambda episode: (episode[1], episode[0], episode[3]))
        rows: list[tuple[object, ...]] = [
            (f"ep{number}", *episode[:4], [names[account] for account in episode[4]])
            for number, episode in enumerate(ordered)
        ]
        return _table(rows, EPISODES)


def _table(rows: list[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns = [
        pa.array([row[position] for row in rows], type=pa.int64() if declared.type == TIME else declared.type)
        for position, declared in enumerate(schema)
    ]
    return pa.table(
        [column.cast(declared.type) for column, declared in zip(columns, schema, strict=True)], schema=schema
    )
