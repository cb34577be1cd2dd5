"""The tables as data: names and words that outside programs are written against."""

import pytest

from features.activity.columns import TIME_COLUMNS
from features.activity.schema import LABELS, TABLES, table
from features.kernel.errors import Invalid

# Column names as the contract spells them; `?` may be null or absent.
COLUMNS = {
    "accounts": "account_id created_at kind owner_id? country referrer_id? market_maker legacy_tier?",
    "verifications": "account_id ts level status document_hash? face_hash? name_hash? birth_hash?",
    "sessions": "session_id account_id ts event ip asn? asn_type ip_country vpn anonymiser? device_id? headless "
    "emulator? user_agent_hash? tls_hash? timezone? latitude? longitude?",
    "order_events": "order_id account_id ts event symbol product order_type? side price quantity effect source "
    "session_id? api_key_id? leverage? had_ui_event? best_bid? best_ask? depth_share?",
    "trades": "trade_id ts symbol product price quantity notional_usd maker_account_id taker_account_id "
    "maker_order_id? taker_order_id? taker_side maker_effect taker_effect maker_fee_usd taker_fee_usd liquidation",
    "instruments": "symbol product tick_size lot_size valid_from valid_to?",
    "position_limits": "symbol product? owner_id? max_leverage? max_notional_usd valid_from valid_to?",
    "quotes": "symbol ts bid ask bid_depth_usd ask_depth_usd",
    "marks": "symbol ts mark_price index_price funding_rate? open_interest_usd? external_price?",
    "balances": "account_id ts asset amount amount_usd",
    "transfers": "transfer_id account_id ts direction asset amount amount_usd n_events? network? address? "
    "source_address? address_first_seen_at? counterparty_account_id? counterparty_type fiat_name_match? risk_category? "
    "taint_direct? taint_indirect? hops?",
    "security_events": "event_id account_id ts event address? session_id?",
    "api_keys": "api_key_id account_id ts event scope?",
    "staking": "event_id account_id ts action asset amount_usd",
    "campaigns": "campaign_id symbol? starts_at ends_at min_deposit_usd? min_trades?",
    "participations": "event_id account_id ts campaign_id kind action reward_usd",
    "listings": "symbol project_id announced_at deposits_open_at trading_open_at circulating_supply",
    "project_parties": "project_id account_id? owner_id? address? role declared since",
    "watchlist": "list kind value effective_from effective_to? source",
    "legal_orders": "legal_order_id account_id ts authority scope expires_at? lifted_at?",
    "reports": "report_id ts subject_table subject_id kind",
    "enforcements": "event_id account_id ts measure state ends_at?",
    "labels": "account_id typology finding onset? known_at source event_id? group_id?",
}
WORDS = {
    ("accounts", "kind"): "retail institution sub staff project",
    ("verifications", "status"): "submitted approved rejected expired",
    ("sessions", "event"): "signup login api logout",
    ("sessions", "asn_type"): "residential mobile hosting corporate",
    ("order_events", "event"): "new modify cancel reject expire",
    ("order_events", "source"): "web app api copy grid liquidation",
    ("order_events", "effect"): "open close none",
    ("transfers", "direction"): "deposit withdrawal internal_in internal_out",
    ("transfers", "counterparty_type"): "exchange self_hosted mixer bridge p2p bank internal unknown",
    ("transfers", "risk_category"): "sanctions terrorism ransomware darknet hack scam mixer none",
    ("watchlist", "list"): "sanctions criminal mixer prohibited_country edd_country banned_identity",
    ("legal_orders", "scope"): "freeze withdrawals trading",
    ("labels", "finding"): "confirmed cleared inconclusive",
    ("labels", "source"): "review appeal simulator external",
}
KEYS = {
    "accounts": "account_id",
    "verifications": "account_id ts level status",
    "sessions": "session_id event",
    "order_events": "order_id ts event",
    "trades": "trade_id",
    "instruments": "symbol product valid_from",
    "position_limits": "symbol product owner_id max_leverage valid_from",
    "quotes": "symbol ts",
    "marks": "symbol ts",
    "balances": "account_id ts asset",
    "transfers": "transfer_id account_id direction",
    "security_events": "event_id",
    "api_keys": "api_key_id event ts",
    "staking": "event_id",
    "campaigns": "campaign_id",
    "participations": "event_id",
    "listings": "symbol",
    "project_parties": "project_id account_id owner_id address role",
    "watchlist": "list kind value source effective_from",
    "legal_orders": "legal_order_id",
    "reports": "report_id",
    "enforcements": "event_id",
    "labels": "account_id typology finding onset known_at source event_id group_id",
}


def test_the_tables_are_those_of_the_contract_and_labels_are_none_of_them() -> None:
    assert [*TABLES, LABELS.name] == list(COLUMNS)
    assert LABELS.name not in TABLES


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_are_spelt_as_in_the_contract_and_every_table_carries_the_columns_of_corrections(name: str) -> None:
    declared = LABELS if name == LABELS.name else TABLES[name]
    spelt = [column.name + ("" if column.required else "?") for column in declared.columns]
    assert spelt == [*COLUMNS[name].split(), "ingested_at?", *(() if name == LABELS.name else ("cancelled?",))]


@pytest.mark.parametrize(("name", "column"), WORDS)
def test_enumerations_hold_the_words_of_the_contract(name: str, column: str) -> None:
    declared = LABELS if name == LABELS.name else TABLES[name]
    assert declared.column(column).values == tuple(WORDS[name, column].split())


@pytest.mark.parametrize("name", TABLES)
def test_every_table_says_when_a_row_happened(name: str) -> None:
    assert TABLES[name].time in TIME_COLUMNS
    assert TABLES[name].column(str(TABLES[name].time)).required


@pytest.mark.parametrize("name", COLUMNS)
def test_keys_are_those_of_the_contract(name: str) -> None:
    declared = LABELS if name == LABELS.name else TABLES[name]
    assert declared.key == tuple(KEYS[name].split())


def test_a_table_or_column_that_does_not_exist_is_named() -> None:
    with pytest.raises(Invalid, match="no activity table 'order'"):
        table("order")
    with pytest.raises(Invalid, match="no column 'when'"):
        table("trades").column("when")
