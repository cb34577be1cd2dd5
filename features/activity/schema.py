"""The activity tables as data: what validation, Parquet types, docs and simulator read."""

from features.activity.columns import TIME, Column, Table, declare
from features.errors import Invalid

__all__ = ["LABELS", "TABLES", "TIME", "Column", "Table", "table"]

PRODUCTS = "spot|perp"
SECURITY_EVENTS = (
    "password_change|password_reset|two_factor_reset|two_factor_bind|email_change|phone_change"
    "|api_key_created|withdrawal_address_added|failed_login"
)
_DECLARED = (
    declare(
        "accounts",
        "Who has an account; of several rows for one account the newest visible one holds.",
        """
        account_id id
        created_at time
        kind retail|institution|sub|staff|project
        owner_id? id              # declared beneficial owner or master; accounts that share one are one entity
        country text              # ISO 3166-1 alpha-2, ZZ unknown
        referrer_id? id
        market_maker bool         # has an agreement on file
        legacy_tier? VIP1|VIP2|VIP3
        """,
        ("account_id",),
    ),
    declare(
        "verifications",
        "Steps of identity verification.",
        """
        account_id account
        ts time
        level int                 # 0 none, 1 primary, 2 advanced, 3 institutional
        status submitted|approved|rejected|expired
        document_hash? id
        face_hash? id
        name_hash? id
        birth_hash? id
        """,
        ("account_id", "ts", "level", "status"),
        (("level BETWEEN 0 AND 3", "level is not 0, 1, 2 or 3"),),
    ),
    declare(
        "sessions",
        "Sign-ups, logins, API sessions and logouts with their network and device.",
        """
        session_id id
        account_id account
        ts time
        event signup|login|api|logout
        ip text
        asn? text
        asn_type residential|mobile|hosting|corporate
        ip_country text
        vpn bool
        anonymiser? none|vpn|proxy|tor
        device_id? id
        headless bool
        emulator? bool
        user_agent_hash? id
        tls_hash? id
        timezone? text
        latitude? float
        longitude? float
        """,
        ("session_id", "event"),
    ),
    declare(
        "order_events",
        "What happened to orders.",
        f"""
        order_id id
        account_id account
        ts time
        event new|modify|cancel|reject|expire
        symbol id
        product {PRODUCTS}
        order_type? limit|market
        side buy|sell
        price positive            # of a market order: the best opposite price
        quantity non_negative     # open after the event; 0 only on cancel, reject, expire
        effect open|close|none    # none on spot
        source web|app|api|copy|grid|liquidation
        session_id? id
        api_key_id? id
        leverage? positive
        had_ui_event? bool        # a click or key in the 5 s before
        best_bid? positive
        best_ask? positive
        depth_share? share        # quantity over the depth of that side within 10 levels
        """,
        ("order_id", "ts", "event"),
        (("quantity > 0 OR event NOT IN ('new', 'modify')", "quantity is 0 although the order is open"),),
    ),
    declare(
        "trades",
        "Fills between a maker and a taker.",
        f"""
        trade_id id
        ts time
        symbol id
        product {PRODUCTS}
        price positive
        quantity positive
        notional_usd non_negative
        maker_account_id account
        taker_account_id account
        maker_order_id? id
        taker_order_id? id
        taker_side buy|sell
        maker_effect open|close|none
        taker_effect open|close|none
        maker_fee_usd float       # negative = rebate
        taker_fee_usd float
        liquidation bool
        """,
        ("trade_id",),
    ),
    declare(
        "instruments",
        "Tick and lot sizes with their validity.",
        f"""
        symbol id
        product {PRODUCTS}
        tick_size positive
        lot_size positive
        valid_from time
        valid_to? time
        """,
        ("symbol", "product", "valid_from"),
    ),
    declare(
        "position_limits",
        "The largest position somebody may hold.",
        f"""
        symbol id
        product? {PRODUCTS}
        owner_id? id              # null = everybody
        max_leverage? positive
        max_notional_usd positive
        valid_from time
        valid_to? time
        """,
        ("symbol", "product", "owner_id", "max_leverage", "valid_from"),
    ),
    declare(
        "quotes",
        "Best bid and ask with the depth behind them.",
        """
        symbol id
        ts time
        bid positive
        ask positive
        bid_depth_usd non_negative
        ask_depth_usd non_negative
        """,
        ("symbol", "ts"),
    ),
    declare(
        "marks",
        "Mark and index prices.",
        """
        symbol id
        ts time
        mark_price positive
        index_price positive
        funding_rate? float
        open_interest_usd? non_negative
        external_price? positive
        """,
        ("symbol", "ts"),
    ),
    declare(
        "balances",
        "Snapshots of holdings.",
        """
        account_id account
        ts time
        asset id
        amount float
        amount_usd float
        """,
        ("account_id", "ts", "asset"),
    ),
    declare(
        "transfers",
        "Money in and out; an internal transfer has two legs.",
        """
        transfer_id id
        account_id account
        ts time
        direction deposit|withdrawal|internal_in|internal_out
        asset id
        amount non_negative
        amount_usd non_negative
        n_events? int             # how many transfers a row sums up
        network? text
        address? id
        source_address? id
        address_first_seen_at? time
        counterparty_account_id? id
        counterparty_type exchange|self_hosted|mixer|bridge|p2p|bank|internal|unknown
        fiat_name_match? bool
        risk_category? sanctions|terrorism|ransomware|darknet|hack|scam|mixer|none
        taint_direct? share
        taint_indirect? share
        hops? int
        """,
        ("transfer_id", "account_id", "direction"),
    ),
    declare(
        "security_events",
        "Changes of credentials, withdrawal addresses, failed logins.",
        f"""
        event_id id
        account_id account
        ts time
        event {SECURITY_EVENTS}
        address? id
        session_id? id
        """,
        ("event_id",),
    ),
    declare(
        "api_keys",
        "Approvals and revocations of API keys.",
        """
        api_key_id id
        account_id account
        ts time
        event approved|revoked
        scope? text
        """,
        ("api_key_id", "event", "ts"),
    ),
    declare(
        "staking",
        "Stakes and unstakes.",
        """
        event_id id
        account_id account
        ts time
        action stake|unstake
        asset id
        amount_usd non_negative
        """,
        ("event_id",),
    ),
    declare(
        "campaigns",
        "Promotions with their conditions.",
        """
        campaign_id id
        symbol? id
        starts_at time
        ends_at time
        min_deposit_usd? non_negative
        min_trades? int
        """,
        ("campaign_id",),
    ),
    declare(
        "participations",
        "Who joined, completed or was rewarded in a campaign.",
        """
        event_id id
        account_id account
        ts time
        campaign_id id
        kind launchpool|competition|airdrop|bonus|trial|rebate|referral
        action joined|completed|rewarded
        reward_usd non_negative   # 0 unless rewarded
        """,
        ("event_id",),
    ),
    declare(
        "listings",
        "New tokens: announcement, deposits, trading.",
        """
        symbol id
        project_id id
        announced_at time
        deposits_open_at time
        trading_open_at time
        circulating_supply positive
        """,
        ("symbol",),
    ),
    declare(
        "project_parties",
        "Who belongs to a project, declared or not.",
        """
        project_id id
        account_id? id
        owner_id? id
        address? id
        role team|treasury|deployer|market_maker|investor|staff
        declared bool
        since time
        """,
        ("project_id", "account_id", "owner_id", "address", "role"),
    ),
    declare(
        "watchlist",
        "Lists with effective dates: sanctions, criminals, mixers, countries, banned identities.",
        """
        list sanctions|criminal|mixer|prohibited_country|edd_country|banned_identity
        kind address|country|document|face|name|device|account|owner
        value id
        effective_from time
        effective_to? time
        source text
        """,
        ("list", "kind", "value", "source", "effective_from"),
    ),
    declare(
        "legal_orders",
        "Court orders and directives with their scope.",
        """
        legal_order_id id
        account_id account
        ts time
        authority text
        scope freeze|withdrawals|trading
        expires_at? time
        lifted_at? time
        """,
        ("legal_order_id",),
    ),
    declare(
        "reports",
        "What others reported about one event, and when we heard.",
        """
        report_id id
        ts time
        subject_table text
        subject_id id
        kind fraud|chargeback|victim
        """,
        ("report_id",),
    ),
    declare(
        "enforcements",
        "What was imposed earlier, here or elsewhere.",
        """
        event_id id
        account_id account
        ts time
        measure text
        state in_force|lifted|lapsed
        ends_at? time
        """,
        ("event_id",),
    ),
)
TABLES: dict[str, Table] = {table.name: table for table in _DECLARED}

LABELS = declare(
    "labels",
    "What a person or court found about an account; kept apart from activity, no feature may read it.",
    """
    account_id account
    typology text
    finding confirmed|cleared|inconclusive
    onset? time
    known_at time
    source review|appeal|simulator|external
    event_id? id
    group_id? id
    """,
    is_activity=False,
)


def table(name: str) -> Table:
    """The activity table of that name.

    Raises:
        Invalid: there is no such table.
    """
    if name not in TABLES:
        raise Invalid(f"There is no activity table {name!r}; the tables are {', '.join(TABLES)}.")
    return TABLES[name]
