"""The activity tables as data: what validation, Parquet types, docs and simulator read."""

from features.activity.columns import TIME, Column, Table, declare
from features.kernel.errors import Invalid

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
        owner_id? id owner        # declared beneficial owner or master; accounts that share one are one entity
        country text country      # ISO 3166-1 alpha-2, ZZ unknown
        referrer_id? id reference
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
        document_hash? id hash
        face_hash? id hash
        name_hash? id hash
        birth_hash? id hash
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
        ip text ip
        asn? text token
        asn_type residential|mobile|hosting|corporate
        ip_country text country
        vpn bool
        anonymiser? none|vpn|proxy|tor
        device_id? id token
        headless bool
        emulator? bool
        user_agent_hash? id hash
        tls_hash? id hash
        timezone? text
        latitude? float latitude
        longitude? float longitude
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
        symbol id symbol
        product {PRODUCTS}
        order_type? limit|market
        side buy|sell
        price positive price      # of a market order: the best opposite price
        quantity non_negative quantity  # open after the event; 0 only on cancel, reject, expire
        effect open|close|none    # none on spot
        source web|app|api|copy|grid|liquidation
        session_id? id token
        api_key_id? id token
        leverage? positive leverage
        had_ui_event? bool        # a click or key in the 5 s before
        best_bid? positive price
        best_ask? positive price
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
        symbol id symbol
        product {PRODUCTS}
        price positive price
        quantity positive quantity
        notional_usd non_negative usd
        maker_account_id account
        taker_account_id account
        maker_order_id? id token
        taker_order_id? id token
        taker_side buy|sell
        maker_effect open|close|none
        taker_effect open|close|none
        maker_fee_usd float usd   # negative = rebate
        taker_fee_usd float usd
        liquidation bool
        """,
        ("trade_id",),
    ),
    declare(
        "instruments",
        "Tick and lot sizes with their validity.",
        f"""
        symbol id symbol
        product {PRODUCTS}
        tick_size positive price
        lot_size positive quantity
        valid_from time
        valid_to? time
        """,
        ("symbol", "product", "valid_from"),
    ),
    declare(
        "position_limits",
        "The largest position an account may hold.",
        f"""
        symbol id symbol
        product? {PRODUCTS}
        owner_id? id owner        # null = all accounts
        max_leverage? positive leverage
        max_notional_usd positive usd
        valid_from time
        valid_to? time
        """,
        ("symbol", "product", "owner_id", "max_leverage", "valid_from"),
    ),
    declare(
        "quotes",
        "Best bid and ask with the depth behind them.",
        """
        symbol id symbol
        ts time
        bid positive price
        ask positive price
        bid_depth_usd non_negative usd
        ask_depth_usd non_negative usd
        """,
        ("symbol", "ts"),
    ),
    declare(
        "marks",
        "Mark and index prices.",
        """
        symbol id symbol
        ts time
        mark_price positive price
        index_price positive price
        funding_rate? float rate
        open_interest_usd? non_negative usd
        external_price? positive price
        """,
        ("symbol", "ts"),
    ),
    declare(
        "balances",
        "Snapshots of holdings.",
        """
        account_id account
        ts time
        asset id asset
        amount float quantity
        amount_usd float usd
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
        asset id asset
        amount non_negative quantity
        amount_usd non_negative usd
        n_events? int             # how many transfers a row sums up
        network? text
        address? id address
        source_address? id address
        address_first_seen_at? time
        counterparty_account_id? id reference
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
        address? id address
        session_id? id token
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
        asset id asset
        amount_usd non_negative usd
        """,
        ("event_id",),
    ),
    declare(
        "campaigns",
        "Promotions with their conditions.",
        """
        campaign_id id
        symbol? id symbol
        starts_at time
        ends_at time
        min_deposit_usd? non_negative usd
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
        reward_usd non_negative usd  # 0 unless rewarded
        """,
        ("event_id",),
    ),
    declare(
        "listings",
        "New tokens: announcement, deposits, trading.",
        """
        symbol id symbol
        project_id id
        announced_at time
        deposits_open_at time
        trading_open_at time
        circulating_supply positive quantity
        """,
        ("symbol",),
    ),
    declare(
        "project_parties",
        "Who belongs to a project, declared or not.",
        """
        project_id id
        account_id? id reference
        owner_id? id owner
        address? id address
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
        value id listed
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
