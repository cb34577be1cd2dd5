"""The harm that a minute of review may prevent."""

from itertools import pairwise

import pytest

from features.thresholds import read_thresholds
from serving.reviews.priority import FILE, priority_of
from serving.web.wording import TYPOLOGIES

NUMBERS = read_thresholds(FILE).values


@pytest.mark.parametrize("name", ["harm", "minutes", "confirmed"])
def test_every_typology_has_its_numbers(name: str) -> None:
    assert NUMBERS[name].keys() == TYPOLOGIES.keys()
    assert all(0 < value <= (1 if name == "confirmed" else 60) for value in NUMBERS[name].values())


def test_a_model_that_is_surer_than_experience_raises_the_priority_and_never_lowers_it() -> None:
    usual = priority_of("wash_trading", 1, {})
    sure, unsure = ({"violation_probability": {"wash_trading": p, "spoofing": 1.0}} for p in (0.95, 0.01))
    assert (
        usual
        == NUMBERS["confirmed"]["wash_trading"] * NUMBERS["harm"]["wash_trading"] / NUMBERS["minutes"]["wash_trading"]
    )
    assert priority_of("wash_trading", 1, sure) == pytest.approx(usual * 0.95 / NUMBERS["confirmed"]["wash_trading"])
    assert priority_of("wash_trading", 1, unsure) == usual


def test_a_group_is_worth_more_than_one_of_its_accounts_and_less_than_all_of_them_apart() -> None:
    ranks = [priority_of("multi_account", accounts, {}) for accounts in (1, 2, 5, 20)]
    assert all(smaller < larger < 20 * ranks[0] for smaller, larger in pairwise(ranks))


def test_a_typology_of_ones_own_is_worth_what_is_unknown() -> None:
    assert priority_of("house_rule", 2, {}) == priority_of("unknown_anomaly", 2, {})
