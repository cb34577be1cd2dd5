"""The harm that a minute of review may prevent."""

from itertools import pairwise
from pathlib import Path

import pytest

from features.kernel.errors import Invalid
from serving.policy.terms import TYPOLOGIES
from serving.reviews.priority import BY_TYPOLOGY, FILE, priority_numbers, priority_of

NUMBERS = priority_numbers(FILE)


def wash(confirmed: float) -> float:
    """One account's wash trading at a probability."""
    return float(confirmed * NUMBERS["harm"]["wash_trading"] / NUMBERS["minutes"]["wash_trading"])


@pytest.mark.parametrize("name", BY_TYPOLOGY)
def test_every_typology_has_its_numbers(name: str) -> None:
    assert NUMBERS[name].keys() == set(TYPOLOGIES)


def test_a_model_that_is_surer_than_experience_raises_the_priority_and_never_lowers_it() -> None:
    usual = priority_of("wash_trading", 1, {})
    sure, unsure = ({"violation_probability": {"wash_trading": p, "spoofing": 1.0}} for p in (0.95, 0.01))
    assert usual == pytest.approx(wash(NUMBERS["confirmed"]["wash_trading"]))
    assert priority_of("wash_trading", 1, sure) == pytest.approx(wash(0.95))
    assert priority_of("wash_trading", 1, unsure) == usual


def test_a_group_is_worth_more_than_one_of_its_accounts_and_less_than_all_of_them_apart() -> None:
    ranks = [priority_of("multi_account", accounts, {}) for accounts in (1, 2, 5, 20)]
    assert all(smaller < larger < 20 * ranks[0] for smaller, larger in pairwise(ranks))


def test_what_is_unknown_is_worth_the_worst_that_a_model_sees_in_it() -> None:
    nothing = priority_of("unknown_anomaly", 1, {})
    assert priority_of("unknown_anomaly", 1, {"violation_probability": {"wash_trading": 0.9}}) == pytest.approx(
        wash(0.9)
    )
    assert priority_of("unknown_anomaly", 1, {"violation_probability": {"wash_trading": 0.0}}) == nothing
    assert priority_of("house_rule", 2, {}) == priority_of("unknown_anomaly", 2, {})


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("wash_trading: 8", "wash_trading: 0", "`settings.minutes.value.wash_trading` is 0; it must be above 0"),
        ("wash_trading: 3", "wash_trading: much", "`settings.harm.value.wash_trading` is 'much'; it must be a number"),
        ("wash_trading: 0.75", "wash_trading: 1.2", "`settings.confirmed.value.wash_trading` is 1.2; .* 1 or less"),
        ("      unknown_anomaly: 8\n", "", "`minutes` lacks `unknown_anomaly`"),
        ("minutes_more: {value: 1.5", "minutes_more: {value: -1", "`settings.minutes_more.value` is -1; .* 0 or more"),
        ("  harm:", "  damage:", r"`settings` lacks `harm`\."),
    ],
)
def test_numbers_that_make_no_sense_are_refused_with_their_place(
    tmp_path: Path, before: str, after: str, says: str
) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert before in text
    path = tmp_path / "priority.yaml"
    path.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(Invalid, match=rf"priority\.yaml: .*{says}"):
        priority_numbers(path)
