"""Features of a card payment in the words of the catalogue: the payment beside its card's past and its terminal's.

A customer is an account, a terminal the address paid to; fraud is reported a week late (the mapping `fdh`). Moments lie
just after the payment, so a window holds the payment itself.
"""

import pandas as pd
from ibis import _

from features.catalogue import Feature
from features.facts.flows import FLOWS
from features.vocabulary.aggregates import (
    LIFETIME,
    THE_EVENT,
    Aggregate,
    Window,
    by_then,
    coefficient_of_variation,
    count,
    days,
    distinct,
    in_days,
    in_hours,
    largest,
    latest,
    mean,
    quantile,
    ratio,
    share,
    since_first,
    since_last,
    usd,
)
from features.vocabulary.combining import at_least

CLAUSE = "4.4"
DELAY = days(7)
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
NEVER = 999.0
REPORTED = by_then("reported")


def _card(name: str, value: Aggregate, window: Window, unit: str, says: str) -> Feature:
    return Feature(f"card_{name}", FLOWS, value, window, unit, says, CLAUSE)


def _terminal(
    name: str, value: Aggregate, window: Window, unit: str, says: str, delay: Window | None = None
) -> Feature:
    return Feature(f"terminal_{name}", FLOWS, value, window, unit, says, CLAUSE, key=_.other, delay=delay)


def _payment() -> list[Feature]:
    return [
        Feature("amount", FLOWS, usd(latest(_.amount)), THE_EVENT, "usd", "paid", CLAUSE),
        Feature("hour", FLOWS, latest((_.ts // HOUR_US) % 24), THE_EVENT, "hours", "of the day", CLAUSE),
        Feature("weekday", FLOWS, latest((_.ts // DAY_US + 3) % 7), THE_EVENT, "days", "since Monday", CLAUSE),
    ]


def _cards_past() -> list[Feature]:
    windows = [
        feature
        for n in (1, 3, 7, 14, 30)
        for feature in (
            _card(f"n_{n}d", count(), days(n), "count", f"payments with the card in {n} days"),
            _card(f"mean_{n}d", usd(mean(_.amount)), days(n), "usd", f"mean payment with the card in {n} days"),
            _card(
                f"to_mean_{n}d", ratio(latest(_.amount), mean(_.amount)), days(n), "ratio", f"of the mean of {n} days"
            ),
        )
    ]
    return [
        *windows,
        _card("max_7d", usd(largest(_.amount)), days(7), "usd", "largest payment with the card in 7 days"),
        _card("to_median_60d", ratio(latest(_.amount), quantile(_.amount, 0.5)), days(60), "ratio", "of the median"),
        _card("to_p90_60d", ratio(latest(_.amount), quantile(_.amount, 0.9)), days(60), "ratio", "of the ninth decile"),
        _card("median_60d", usd(quantile(_.amount, 0.5)), days(60), "usd", "median payment with the card in 60 days"),
        _card(
            "spread_30d",
            at_least(3, coefficient_of_variation(_.amount), 0.0),
            days(30),
            "ratio",
            "spread of payments in 30 days",
        ),
        _card("terminals_30d", distinct(_.other), days(30), "count", "terminals used in 30 days"),
        _card("pause_h", in_hours(latest(_.gap_us)), days(60), "hours", "since the payment before"),
        _card("reported_n_28d", count(REPORTED), days(28), "count", "payments of 28 days that were reported"),
        _card("age_d", in_days(since_first()), LIFETIME, "days", "since the card's first payment"),
    ]


def _terminals_past() -> list[Feature]:
    late = [
        feature
        for n in (1, 3, 7, 14, 30)
        for feature in (
            _terminal(f"n_{n}d", count(), days(n), "count", f"payments in {n} days, a week ago", DELAY),
            _terminal(f"fraud_{n}d", share(REPORTED), days(n), "share", f"reported, of {n} days, a week ago", DELAY),
        )
    ]
    return [
        *late,
        _terminal("reported_n_21d", count(REPORTED), days(21), "count", "reported payments, a week ago", DELAY),
        _terminal("last_reported", latest(REPORTED.cast("int64")), days(30), "flag", "the last known was", DELAY),
        _terminal(
            "since_reported_d", in_days(since_last(REPORTED, NEVER * DAY_US)), days(40), "days", "since a report"
        ),
        _terminal(
            "since_first_reported_d",
            in_days(since_first(REPORTED, NEVER * DAY_US)),
            days(35),
            "days",
            "since the first",
        ),
        _terminal("recent_n_7d", count(), days(7), "count", "payments at the terminal in 7 days"),
        _terminal("to_mean_30d", ratio(latest(_.amount), mean(_.amount)), days(30), "ratio", "of the terminal's mean"),
    ]


PAYMENT_FEATURES: tuple[Feature, ...] = (*_payment(), *_cards_past(), *_terminals_past())
UNUSUAL_NAMES = (
    "amount",
    "card_n_1d",
    "card_to_mean_30d",
    "card_to_median_60d",
    "card_to_p90_60d",
    "terminal_fraud_1d",
    "terminal_fraud_7d",
    "terminal_fraud_30d",
)
UNUSUAL: tuple[Feature, ...] = tuple(feature for feature in PAYMENT_FEATURES if feature.name in UNUSUAL_NAMES)
WINDOWS_OF_THE_BOOK = (1, 7, 30)
SATURDAY, LAST_HOUR_OF_NIGHT = 5, 6


def of_the_book(payments: pd.DataFrame) -> pd.DataFrame:
    """The fifteen features of the handbook, from ours."""
    names = [
        f"{name}_{n}d" for n in WINDOWS_OF_THE_BOOK for name in ("card_n", "card_mean", "terminal_n", "terminal_fraud")
    ]
    return payments[["amount", *names]].assign(
        weekend=payments["weekday"] >= SATURDAY, night=payments["hour"] <= LAST_HOUR_OF_NIGHT
    )
