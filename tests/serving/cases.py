"""Reviews as the platform would open them, for tests and pictures."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from serving.measures.model import ProposedMeasure
from serving.policy.terms import Outcome, RuleHit, Severity
from serving.reviews.model import AccountLink, EvidenceRow, Review

NOW = datetime(2025, 5, 31, 14, 20, tzinfo=UTC)
OPENED = NOW - timedelta(hours=2, minutes=10)
RING = ("A10482917", "A10482944", "A10483310", "A10490021", "A10490388", "A10511200")

POSITION_RULE = RuleHit(
    rule_id="coordinated-position-limit",
    version="2025-05-01",
    clause="8",
    title="Coordinated evasion of the position limit",
    typology="position_limit_evasion",
    severity=Severity.CRITICAL,
    outcome=Outcome.REVIEW,
    values={
        "linked_accounts": 6,
        "sync_ms": 412,
        "price_range_ticks": 3,
        "combined_usd": 1_284_500.0,
        "market_share": 0.418,
    },
    thresholds={
        "linked_accounts": 3,
        "sync_ms": 1000,
        "price_range_ticks": 5,
        "combined_usd": 500_000.0,
        "market_share": 0.25,
    },
    clauses=("8", "5.4"),
    says="Linked accounts opened the same way within a second and together hold more than one may.",
)

FEATURES = (
    ("linked_counterparty_share_7d", 0.62, 1.84, "62 % of the volume in 7 days was with linked accounts.", 0.997),
    ("same_second_orders_24h", 41, 1.22, "41 orders in 24 hours came in the same second as a linked account's.", 0.994),
    ("shared_device_accounts", 5, 0.91, "5 other accounts were used from the same device.", 0.99),
    ("position_to_limit_max_7d", 0.97, 0.63, "The largest position in 7 days reached 97 % of the limit.", 0.981),
    ("withdrawal_address_shared", 3, 0.44, "3 other accounts withdraw to the same address.", 0.97),
    ("account_age_days", 12, 0.31, "The account is 12 days old.", 0.06),
    ("cancel_ratio_7d", 0.08, -0.27, "8 % of the orders placed in 7 days were cancelled.", 0.22),
    ("kyc_level", 2, -0.48, "The advanced identity verification is complete.", 0.6),
    ("p2p_deposits_30d", 0, -0.12, "There were no deposits from P2P in 30 days.", 0.4),
    ("night_share_30d", 0.21, 0.06, "21 % of the activity in 30 days was at night.", 0.55),
    ("failed_logins_7d", 0, -0.03, "There were no failed logins in 7 days.", 0.5),
    ("distinct_symbols_30d", 2, 0.02, "Two symbols were traded in 30 days.", 0.12),
)


def explanation(account_id: str, scale: float = 1.0) -> dict[str, object]:
    """An explanation whose contributions add up."""
    base = -3.4
    rows: list[dict[str, object]] = [
        {
            "feature": name,
            "value": value,
            "contribution": amount * scale,
            "text": text,
            "peer_percentile": 100 * percentile,
            "evidence": [],
        }
        for name, value, amount, text, percentile in FEATURES
    ]
    score = base + sum(amount for _, _, amount, _, _ in FEATURES) * scale
    return {
        "account_id": account_id,
        "as_of": "2025-05-31T12:00:00.000000Z",
        "model": {"name": "violations:position_limit_evasion", "version": "3"},
        "base": base,
        "score": score,
        "output": 0.763,
        "contributions": rows,
    }


def ring_review(review_id: str = "rev_flock") -> Review:
    """A coordinated case with everything a page can show."""
    pairs = [(RING[i], RING[j]) for i, j in ((0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (4, 5), (0, 5))]
    kinds = ("device", "withdrawal_address", "ip", "referral", "device", "behaviour", "ip")
    return Review(
        review_id=review_id,
        dedup_key=f"episode:{review_id}",
        opened_at=OPENED,
        severity=Severity.CRITICAL,
        typology="position_limit_evasion",
        clauses=("8", "5.4"),
        accounts=RING,
        title="Six linked accounts built one FLOCKUSDT position within half a second",
        summary=(
            "On 31 May 2025 between 11:58:04 and 11:58:05 UTC six accounts opened long positions in FLOCKUSDT at "
            "prices within three ticks. Each stayed below its own limit of 250,000 USD; together they hold 1,284,500 "
            "USD, 41.8 % of the open interest. Four of them share a device, three withdraw to one address."
        ),
        coordinated=True,
        rules=(POSITION_RULE,),
        scores={
            "anomaly_score": 87.4,
            "anomaly_p_value": 0.0008,
            "violation_probability": {"position_limit_evasion": 0.763, "collusion": 0.41},
            "m_score": 312.0,
        },
        evidence_counts={"position_limit_ring": 26},
        evidence=tuple(
            EvidenceRow(
                "trades" if i % 3 else "sessions",
                f"{'T' if i % 3 else 'S'}{88213400 + i}",
                OPENED - timedelta(minutes=12) + timedelta(milliseconds=137 * i),
                f"{RING[i % 6]} bought {1200 + 37 * i:,} FLOCK at 0.31{i % 4}."
                if i % 3
                else f"{RING[i % 6]} logged in from the device D-5512 shared by four accounts.",
            )
            for i in range(26)
        ),
        proposed_measures=(
            ProposedMeasure("close_only", RING, 7, "FLOCKUSDT perp"),
            ProposedMeasure("document_request", RING[:4]),
            ProposedMeasure("restriction", RING[:2], 180),
        ),
        links=tuple(
            AccountLink(
                a,
                b,
                kind,
                round(0.95 - 0.11 * n, 2),
                f"Seen together on {n + 2} days; shared {kind}.".replace("_", " "),
            )
            for n, ((a, b), kind) in enumerate(zip(pairs, kinds, strict=True))
        ),
        explanation=explanation(RING[0]),
        explanations={RING[0]: explanation(RING[0]), RING[1]: explanation(RING[1], 0.8)},
    )


def spoofing_review(review_id: str = "rev_spoof") -> Review:
    """A case of one account with a model's share in it."""
    rule = RuleHit(
        rule_id="spoofing-episodes",
        version="2025-04-12",
        clause="4.2",
        title="Repeated spoofing episodes",
        typology="spoofing",
        severity=Severity.HIGH,
        outcome=Outcome.REVIEW,
        values={"spoofing_episodes_1d": 9, "opposite_fill_share": 0.88},
        thresholds={"spoofing_episodes_1d": 5, "opposite_fill_share": 0.8},
        clauses=("4.2",),
        clause_detail="(3)",
        says="Large orders on one side vanished right after fills on the other.",
    )
    return replace(
        ring_review(review_id),
        dedup_key=f"account:{review_id}",
        opened_at=NOW - timedelta(hours=30),
        severity=Severity.HIGH,
        typology="spoofing",
        clauses=("4.2",),
        accounts=("A10377001",),
        title="Nine spoofing episodes in one day",
        summary="",
        coordinated=False,
        rules=(rule,),
        links=(),
        explanations={},
        explanation=explanation("A10377001"),
        proposed_measures=(),
    )


def plain_review(review_id: str, severity: Severity = Severity.MEDIUM, opened_at: datetime = OPENED) -> Review:
    """The smallest case: no rule, no explanation."""
    return Review(
        review_id=review_id,
        dedup_key=f"plain:{review_id}",
        opened_at=opened_at,
        severity=severity,
        typology="unknown_anomaly",
        clauses=("5.2",),
        accounts=(f"A-{review_id}",),
        title="Among the most unusual accounts of the week",
    )


def drawn_review(review_id: str) -> Review:
    """The smallest case of a random sample."""
    return replace(plain_review(review_id), selection={"way": "random", "probability": 0.02})
