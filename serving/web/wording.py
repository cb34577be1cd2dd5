"""Words and numbers as a person reads them: the fixed vocabulary in plain, respectful language."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from serving.policy.terms import SAMPLED

TYPOLOGIES: Mapping[str, str] = MappingProxyType(
    {
        "kyc_gate": "Incomplete identity verification",
        "unauthorised_automation": "Suspected unauthorised automation",
        "wash_trading": "Suspected wash trading",
        "spoofing": "Suspected spoofing",
        "layering": "Suspected layering",
        "excessive_orders": "Excessive order activity",
        "front_running": "Suspected front-running",
        "restricted_jurisdiction": "Restricted jurisdiction",
        "pump_and_dump": "Suspected pump and dump",
        "banned_reentry": "Suspected return of an excluded person",
        "sanctions_exposure": "Possible exposure to sanctions",
        "money_laundering": "Suspected money laundering",
        "illicit_assets": "Suspected illicit assets",
        "legal_order": "Order of a court or authority",
        "issuer_affiliation": "Possible undisclosed affiliation with an issuer",
        "listing_deposits": "Unusual deposits around a listing",
        "listing_manipulation": "Suspected manipulation around a listing",
        "concealment": "Suspected concealment of device or network",
        "price_manipulation": "Suspected price manipulation",
        "multi_account": "Suspected use of several accounts",
        "collusion": "Suspected collusion",
        "hedging_abuse": "Suspected hedging abuse",
        "account_takeover": "Suspected account takeover",
        "position_limit_evasion": "Suspected evasion of position limits",
        "observation_breach": "Possible breach of an observation",
        "unknown_anomaly": "Unusual behaviour of no known kind",
    }
)
MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "vvip_suspension": "VVIP suspension",
        "close_only": "Close-only trading",
        "reduce_only": "Reduce-only trading",
    }
)
SCORES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "anomaly_score": ("Anomaly score", "higher is more unusual"),
        "anomaly_p_value": ("Anomaly p-value", "lower is more unusual"),
        "violation_probability": ("Violation probability", "higher is riskier"),
        "m_score": ("M Score", "0 to 1000, higher is better"),
    }
)
ABBREVIATIONS = frozenset({"usd", "kyc", "ip", "vpn", "p2p", "api", "asn"})
WINDOW = re.compile(r"_(\d+)(d|h|min)$")
MIN_NOUN_LENGTH = 4
HOURS_MATTER_BELOW_DAYS = 14
MINUTES_MATTER_BELOW_HOURS = 10


def typology_words(typology: str) -> str:
    """The typology as a heading; one of the user's own is spelled out.

    >>> typology_words("wash_trading"), typology_words("phishing")
    ('Suspected wash trading', 'Suspected phishing')
    """
    return TYPOLOGIES.get(typology) or f"Suspected {plain(typology)}"


def kind_words(kind: str) -> str:
    """The kind of a review, its typology or `SAMPLED`, as a heading.

    >>> kind_words("drawn"), kind_words("spoofing")
    ('Random sample', 'Suspected spoofing')
    """
    return "Random sample" if kind == SAMPLED else typology_words(kind)


def measure_words(measure: str) -> str:
    """The measure in words.

    >>> measure_words("withdrawal_hold")
    'Withdrawal hold'
    """
    return MEASURES.get(measure) or capitalised(plain(measure))


def plain(word: str) -> str:
    """A name of the vocabulary without its underscores, abbreviations in capitals.

    >>> plain("awaiting_user"), plain("combined_usd")
    ('awaiting user', 'combined USD')
    """
    return " ".join(part.upper() if part in ABBREVIATIONS else part for part in word.split("_") if part)


def feature_words(name: str) -> str:
    """A feature's name as a label: no mark of a count, its window apart.

    >>> feature_words("trades_n_7d"), feature_words("in_n"), feature_words("kyc_level")
    ('trades, 7 d', 'in n', 'KYC level')
    """
    window = WINDOW.search(name)
    stem = name[: window.start()] if window else name
    counted = stem.removesuffix("_n")
    label = plain(counted if len(counted) >= MIN_NOUN_LENGTH else stem)
    return f"{label}, {window[1]} {window[2]}" if window else label


def capitalised(text: str) -> str:
    """The text with a capital first letter, the rest untouched."""
    return text[:1].upper() + text[1:]


def moment_words(moment: datetime) -> str:
    """The moment to the minute, in UTC.

    >>> moment_words(datetime(2025, 5, 31, 9, 5, tzinfo=UTC))
    '31 May 2025, 09:05 UTC'
    """
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M} UTC"


def moment_to_the_millisecond(moment: datetime) -> str:
    """The moment in UTC as exact as evidence needs it.

    >>> moment_to_the_millisecond(datetime(2025, 5, 31, 9, 5, 1, 250_000, tzinfo=UTC))
    '31 May 2025, 09:05:01.250'
    """
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M:%S}.{utc.microsecond // 1000:03}"


def span_words(span: timedelta) -> str:
    """A length of time as exact as one cares: days and hours, hours, or minutes.

    >>> span_words(timedelta(hours=50)), span_words(timedelta(minutes=61)), span_words(timedelta(seconds=5))
    ('2 d 2 h', '1 h 1 min', '0 min')
    """
    minutes = int(abs(span).total_seconds() // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h" if hours and days < HOURS_MATTER_BELOW_DAYS else f"{days} d"
    if hours >= MINUTES_MATTER_BELOW_HOURS or (hours and not minutes % 60):
        return f"{hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def due_words(due_at: datetime, now: datetime) -> str:
    """How long is left, or how long it is overdue.

    >>> due_words(datetime(2025, 5, 31, tzinfo=UTC), datetime(2025, 5, 30, 22, tzinfo=UTC))
    'in 2 h'
    """
    span = due_at - now
    return f"overdue by {span_words(span)}" if span < timedelta(0) else f"in {span_words(span)}"
