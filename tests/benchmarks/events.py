"""Generates the activity of a plausible exchange of any size as Parquet files, streamed by DuckDB.

Every value is a hash of the seed and the row's number, so that equal arguments give equal rows whatever the threads do.
Orders come in blocks of 6 times 64: a slot of the 64 is a market (the busiest have most slots), the 6 phases are a side
and a type. So market orders meet resting orders of earlier blocks without a join, and no cancelled order is filled.
"""

import argparse
from pathlib import Path

import duckdb

END = "2025-06-01T00:00:00Z"
END_US = 1_748_736_000_000_000
SPAN_DAYS = 60
ORDERS_SHARE, SESSIONS_SHARE, TRANSFERS_SHARE = 0.4, 0.09, 0.04
MEMORY = "1500MB"

# u, z: uniform and normal draws; far: the account's rank by a heavy tail (the busiest 1 % do a sixth of everything).
WORDS = (
    "CREATE MACRO u(i, salt) AS (hash((getvariable('seed') * 100 + salt) * 1000000000000 + i) >> 11)::DOUBLE / 2^53",
    "CREATE MACRO z(i, salt) AS sqrt(-2 * ln(greatest(u(i, salt), 1e-12))) * cos(2 * pi() * u(i, salt + 1))",
    "CREATE MACRO far(i, salt, tail) AS floor(getvariable('accounts') * pow(u(i, salt), tail))::BIGINT",
    "CREATE MACRO shuffled(n) AS (n * 7919 + 13) % getvariable('accounts')",
    "CREATE MACRO account(n) AS 'A' || lpad(shuffled(n)::VARCHAR, 7, '0')",
    "CREATE MACRO any_us(i, salt) AS (getvariable('now_us') - (u(i, salt) * getvariable('span_us'))::BIGINT - 1)",
    "CREATE MACRO moment(us) AS make_timestamptz((us)::BIGINT)",
    "CREATE MACRO learned(us, i) AS moment("
    "us + if(u(i, 90) < .02, (u(i, 91) * 172800000000)::BIGINT, (u(i, 91) * 40000)::BIGINT))",
    "CREATE MACRO country(n) AS (['DE','FR','GB','ES','IT','NL','PL','SE','BR','JP','KR','ZZ'])"
    "[1 + (hash(n * 3 + 1) % 12)::BIGINT]",
    "CREATE MACRO market(slot) AS floor(20 * pow(slot / 64, 2))::BIGINT",
    "CREATE MACRO middle(m, us) AS pow(2.7, m % 9 - 1) * (1 + .05 * sin(us / 432000000000 + m))",
    "CREATE MACRO owner_of(i) AS far(i, 1, 2.5)",
    "CREATE MACRO phase(i) AS (i // 64) % 6",
    "CREATE MACRO taken_back(i) AS phase(i) IN (0, 1, 4, 5) AND u(i, 2) < .75",
    # Within a block of 384 the phases are mixed in time.
    "CREATE MACRO placed_us(i) AS getvariable('now_us') - getvariable('span_us') + floor(getvariable('span_us') * "
    "((i // 384) * 384 + ((i % 384) * 149) % 384 + u(i, 3)) / (getvariable('orders') + 384))::BIGINT",
)

ACCOUNTS = """
SELECT account(n) AS account_id,
       moment(getvariable('now_us') - 61 * 86400000000 - (u(n, 10) * 34e12)::BIGINT) AS created_at,
       CASE WHEN n % 200 = 0 THEN 'institution' ELSE 'retail' END AS kind, NULL::VARCHAR AS owner_id,
       country(n) AS country, CASE WHEN u(n, 11) < .05 THEN account(far(n, 12, 2)) END AS referrer_id,
       n < 5 AS market_maker, NULL::VARCHAR AS legacy_tier, created_at AS ingested_at
FROM range(getvariable('accounts')) t(n)
"""
VERIFICATIONS = """
SELECT account(n) AS account_id, moment(getvariable('now_us') - (61 * 86400 - 60 * level) * 1000000) AS ts, level,
       'approved' AS status, 'd' || n AS document_hash, 'f' || n AS face_hash, 'n' || n AS name_hash,
       'b' || n % 20000 AS birth_hash, ts AS ingested_at
FROM range(getvariable('accounts')) t(n), (SELECT unnest([1, 2])::BIGINT AS level) WHERE u(n, 13) < .97
"""
ORDER_EVENTS = """
WITH placed AS (
    SELECT i, owner_of(i) AS who, placed_us(i) AS us, market(i % 64) AS m, middle(m, us) AS mid, phase(i) AS phase,
           phase IN (2, 3) AS takes, phase % 2 = 0 AS buys, who < getvariable('accounts') // 100 AS machine,
           exp(5 + 1.4 * z(i, 20)) / mid AS size, taken_back(i) AS gone,
           us + 1000 + (1e6 * exp(if(machine, 1.0, 3.5) + 1.8 * z(i, 22)))::BIGINT AS gone_us,
           CASE WHEN takes THEN mid * if(buys, 1.0001, .9999)
                WHEN buys THEN mid * (.9999 - u(i, 24) * .002) ELSE mid * (1.0001 + u(i, 24) * .002) END AS price
    FROM range(getvariable('orders')) t(i)
), told AS (SELECT *, unnest(['new', 'cancel']) AS event FROM placed)
SELECT 'O' || i AS order_id, account(who) AS account_id, moment(if(event = 'new', us, gone_us)) AS ts, event,
       'S' || m AS symbol, if(m % 2 = 0, 'perp', 'spot') AS product, if(takes, 'market', 'limit') AS order_type,
       if(buys, 'buy', 'sell') AS side, price, if(event = 'new', size, 0) AS quantity,
       CASE WHEN m % 2 = 1 THEN 'none' WHEN u(i, 25) < .5 THEN 'open' ELSE 'close' END AS effect,
       CASE WHEN machine THEN 'api' WHEN u(i, 26) < .02 THEN 'grid' WHEN u(i, 26) < .5 THEN 'app' ELSE 'web' END
           AS source,
       NULL::VARCHAR AS session_id, CASE WHEN machine THEN 'K' || who END AS api_key_id,
       CASE WHEN m % 2 = 0 THEN 1 + floor(u(i, 27) * 20) END AS leverage,
       NOT machine AND u(i, 28) < .95 AS had_ui_event,
       mid * .9999 AS best_bid, mid * 1.0001 AS best_ask, round(pow(u(i, 29), 4), 3) AS depth_share,
       learned(if(event = 'new', us, gone_us), i * 2 + (event = 'new')::INT) AS ingested_at
FROM told WHERE event = 'new' OR (gone AND gone_us < getvariable('now_us'))
"""
TRADES = """
WITH met AS (
    SELECT i, fill, i % 64 AS slot, phase(i) = 2 AS buys, (i // 384 - 1 - fill // 2) * 384 AS earlier,
           earlier + slot + 64 * if(buys, if(fill % 2 = 0, 1, 5), if(fill % 2 = 0, 0, 4)) AS maker,
           placed_us(i) + 1000 * (fill + 1) AS us, market(slot) AS m
    FROM (SELECT i, unnest(range(8)) AS fill FROM range(getvariable('orders')) t(i) WHERE phase(i) IN (2, 3))
), kept AS (
    SELECT *, i * 8 + fill AS id, round(exp(4 + 1.4 * z(i * 8 + fill, 30)) + .01, 2) AS worth,
           middle(m, us) * if(buys, 1.0001, .9999) AS price
    FROM met WHERE earlier >= 0 AND NOT taken_back(maker) AND owner_of(maker) <> owner_of(i)
      AND us < getvariable('now_us')
)
SELECT 'T' || id AS trade_id, moment(us) AS ts, 'S' || m AS symbol, if(m % 2 = 0, 'perp', 'spot') AS product, price,
       worth / price AS quantity, worth AS notional_usd, account(owner_of(maker)) AS maker_account_id,
       account(owner_of(i)) AS taker_account_id, 'O' || maker AS maker_order_id, 'O' || i AS taker_order_id,
       if(buys, 'buy', 'sell') AS taker_side,
       CASE WHEN m % 2 = 1 THEN 'none' WHEN u(maker, 25) < .5 THEN 'open' ELSE 'close' END AS maker_effect,
       CASE WHEN m % 2 = 1 THEN 'none' WHEN u(i, 25) < .5 THEN 'open' ELSE 'close' END AS taker_effect,
       round(worth * if(owner_of(maker) < 5, -.0001, .0002), 6) AS maker_fee_usd,
       round(worth * .0005, 6) AS taker_fee_usd,
       false AS liquidation, learned(us, id) AS ingested_at
FROM kept
"""
# Four of five sessions come from home, some from a household or an office, few from hot spots and carriers' addresses.
SESSIONS = """
WITH seen AS (
    SELECT i, far(i, 40, 1.5) AS who, any_us(i, 41) AS us, u(i, 42) AS place, u(i, 43) AS gear, u(i, 44) AS kind
    FROM range(getvariable('sessions')) t(i)
)
SELECT 'L' || i AS session_id, account(who) AS account_id, moment(us) AS ts,
       CASE WHEN kind < .7 THEN 'login' WHEN kind < .85 THEN 'api' ELSE 'logout' END AS event,
       CASE WHEN place < .8 THEN 'home' || who WHEN place < .9 THEN 'office' || shuffled(who) // 3
            WHEN place < .93 THEN 'spot' || floor(u(i, 45) * 500)::BIGINT
            ELSE 'carrier' || floor(u(i, 45) * 8)::BIGINT END AS ip,
       'AS' || hash(who) % 300 AS asn,
       CASE WHEN place >= .93 THEN 'mobile' WHEN kind BETWEEN .8 AND .85 THEN 'hosting' ELSE 'residential' END
           AS asn_type,
       CASE WHEN u(i, 46) < .02 THEN country(i) ELSE country(who) END AS ip_country, u(i, 47) < .03 AS vpn,
       CASE WHEN gear < .84 THEN 'phone' || who WHEN gear < .95 THEN 'laptop' || who
            WHEN gear < .96 THEN 'tablet' || shuffled(who) // 2 END AS device_id,
       kind BETWEEN .7 AND .71 AS headless, learned(us, i) AS ingested_at
FROM seen
"""
TRANSFERS = """
WITH moved AS (
    SELECT i, far(i, 60, 1.5) AS who, far(i, 61, 1.5) AS mate, any_us(i, 62) AS us, u(i, 63) AS kind,
           round(exp(6 + 1.5 * z(i, 64)), 2) AS worth, floor(u(i, 66) * 3)::BIGINT AS purse, u(i, 67) AS other
    FROM range(getvariable('transfers')) t(i)
), legs AS (
    SELECT *, unnest(CASE WHEN kind < .45 THEN ['deposit'] WHEN kind < .9 OR who = mate THEN ['withdrawal']
                          ELSE ['internal_out', 'internal_in'] END) AS direction
    FROM moved
)
SELECT 'M' || i AS transfer_id, account(if(direction = 'internal_in', mate, who)) AS account_id, moment(us) AS ts,
       direction, 'USDT' AS asset, worth AS amount, worth AS amount_usd,
       CASE WHEN direction = 'withdrawal' THEN 'W' || who || '-' || purse END AS address,
       CASE WHEN direction = 'deposit' THEN 'D' || who || '-' || purse END AS source_address,
       CASE WHEN direction = 'withdrawal' THEN moment(us - (u(i, 68) * 8e12)::BIGINT) END AS address_first_seen_at,
       CASE direction WHEN 'internal_in' THEN account(who) WHEN 'internal_out' THEN account(mate) END
           AS counterparty_account_id,
       CASE WHEN direction LIKE 'internal%' THEN 'internal' WHEN other < .5 THEN 'exchange'
            WHEN other < .85 THEN 'self_hosted' ELSE 'bank' END AS counterparty_type,
       learned(us, i) AS ingested_at
FROM legs
"""
TABLES = {
    "accounts": ACCOUNTS,
    "verifications": VERIFICATIONS,
    "order_events": ORDER_EVENTS,
    "trades": TRADES,
    "sessions": SESSIONS,
    "transfers": TRANSFERS,
}
EVENTS = ("order_events", "trades", "sessions", "transfers")


def write_events(folder: Path, rows: int, accounts: int, seed: int = 7) -> None:
    """Writes one Parquet file a table into the folder: about `rows` events of 60 days, and who has an account.

    About 60 % are order events, 27 % trades, 9 % sessions and 4 % transfers; 2 % become known up to two days late.
    Every row keeps the contract of `features.activity.schema`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(folder / "spill")}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        numbers = {
            "seed": seed,
            "accounts": accounts,
            "now_us": END_US,
            "span_us": SPAN_DAYS * 86_400_000_000,
            "orders": round(rows * ORDERS_SHARE),
            "sessions": round(rows * SESSIONS_SHARE),
            "transfers": round(rows * TRANSFERS_SHARE),
        }
        for name, number in numbers.items():
            connection.execute(f"SET VARIABLE {name} = {number}::BIGINT")
        for word in WORDS:
            connection.execute(word)
        for name, query in TABLES.items():
            connection.sql(query).write_parquet(str(folder / f"{name}.parquet"), compression="zstd")


def main() -> None:
    """Writes events from the command line: folder, rows, accounts."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("rows", type=int)
    parser.add_argument("accounts", type=int)
    given = parser.parse_args()
    write_events(given.folder, given.rows, given.accounts)


if __name__ == "__main__":
    main()
