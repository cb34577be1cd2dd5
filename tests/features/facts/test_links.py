"""Links hold while both accounts hold an identifier that is not hot; weights add up to one controller."""

import pytest

from tests.features.facts.network import Network, held


def kinds(network: Network, one: str, day: float, fact: str = "links") -> set[str]:
    return set(held(network.engine(), fact, one, day))


def weight(network: Network, one: str, other: str, day: float) -> int:
    found = held(network.engine(), "associations", one, day).get(other)
    return 0 if found is None else int(found["weight"])


def test_a_link_holds_from_when_the_second_account_was_known_to_hold_the_identifier() -> None:
    network = Network()
    network.session("a", 1.0, ip="1")
    network.session("b", 2.0, ip="1", known=4.0)
    engine = network.engine()
    assert held(engine, "links", "a", 3.9) == {}
    assert set(held(engine, "links", "a", 4.1)) == {"b"}
    assert set(held(engine, "links", "b", 4.1)) == {"a"}


def test_an_address_lapses_a_month_after_its_last_use() -> None:
    network = Network()
    network.session("a", 0.0, ip="1")
    network.session("b", 1.0, ip="1")
    network.session("b", 20.0, ip="1")
    engine = network.engine()
    assert set(held(engine, "links", "b", 29.9)) == {"a"}
    assert held(engine, "links", "b", 30.1) == {}


def test_use_before_the_lapse_prolongs_and_use_after_it_begins_anew() -> None:
    network = Network()
    for day in (0.0, 25.0, 60.0):
        network.session("a", day, ip="1")
    network.session("b", 0.5, ip="1")
    network.session("b", 50.0, ip="1")
    engine = network.engine()
    assert [bool(held(engine, "links", "a", day)) for day in (10, 40, 52, 58, 61)] == [True, False, True, False, True]


def test_a_ninth_holder_makes_a_device_say_less_and_a_thirty_first_nothing() -> None:
    network = Network()
    for number in range(31):
        network.session(f"a{number:02}", number / 100, device="d")
    engine = network.engine()
    found = [held(engine, "links", "a00", day) for day in (0.075, 0.085, 0.295, 0.305)]
    assert [len(links) for links in found] == [7, 8, 29, 0]
    assert [{int(link["weight"]) for link in links.values()} for links in found[:3]] == [{1_500}, {1_000}, {1_000}]
    assert held(engine, "links", "a30", 1.0) == {}


def test_an_address_whose_crowd_has_left_says_something_again() -> None:
    network = Network()
    for number in range(60):
        network.session(f"x{number:02}", 0.0, ip="1")
    for account in ("a", "b"):
        network.session(account, 20.0, ip="1")
    engine = network.engine()
    assert held(engine, "links", "a", 29.9) == {}
    assert set(held(engine, "links", "a", 30.1)) == {"b"}


@pytest.mark.parametrize(("holders", "expected"), [(2, 1_000), (8, 1_000), (9, 0), (50, 0), (51, 0)])
def test_the_more_use_an_address_the_less_it_says(holders: int, expected: int) -> None:
    network = Network()
    for number in range(holders):
        network.session(f"a{number:02}", number / 100, ip="1")
    assert weight(network, "a00", "a01", 2.0) == expected


def test_a_crowded_address_still_adds_to_a_device() -> None:
    network = Network()
    for number in range(20):
        network.session(f"a{number:02}", number / 100, ip="1", device="d" if number < 2 else "")
    assert weight(network, "a00", "a01", 2.0) == 1_500 + 745


def test_a_device_that_was_sold_links_nobody() -> None:
    network = Network()
    network.session("seller", 0.0, device="d")
    network.session("buyer", 3.0, device="d")
    network.session("buyer", 4.0, device="d")
    assert kinds(network, "buyer", 5.0) == set()


def test_a_device_that_comes_back_is_shared_from_then() -> None:
    network = Network()
    network.session("a", 0.0, device="d")
    network.session("b", 3.0, device="d")
    network.session("a", 6.0, device="d")
    engine = network.engine()
    assert held(engine, "links", "a", 5.9) == {}
    assert set(held(engine, "links", "a", 6.1)) == {"b"}


def test_a_device_used_within_a_day_by_two_is_shared() -> None:
    network = Network()
    network.session("a", 0.0, device="d")
    network.session("b", 0.9, device="d")
    assert kinds(network, "b", 1.0) == {"a"}


def test_kinds_add_up_and_each_counts_once() -> None:
    network = Network()
    for day in (0.0, 0.5):
        for account in ("a", "b"):
            network.session(account, day, ip="1", device="d")
            network.session(account, day + 0.1, ip="2", device="d2")
    assert weight(network, "a", "b", 1.0) == 2_500


def test_weights_reach_one_controller_with_a_referral_short_of_it() -> None:
    network = Network()
    for account in ("a", "b"):
        network.session(account, 0.5, ip="1", device="d")
    assert kinds(network, "a", 1.0, "control") == set()
    for account in ("a", "b"):
        network.withdrew(account, 2.0, "0xabc")
    engine = network.engine()
    assert held(engine, "control", "a", 1.9) == {}
    assert set(held(engine, "control", "a", 2.1)) == {"b"}


def test_control_ends_with_the_link_it_needs() -> None:
    network = Network()
    network.owners = {"a": "o", "b": "o"}
    network.session("a", 0.0)
    network.session("b", 0.0)
    assert kinds(network, "a", 1.0, "control") == {"b"}
    network.owners = {}
    for account in ("a", "b"):
        network.session(account, 0.0, ip="1", device="d")
        network.paid(account, 1.0, "b" if account == "a" else "a")
    engine = network.engine()
    assert set(held(engine, "control", "a", 1.1)) == {"b"}, "transfers both ways, one device, one address: 4.5"
    assert held(engine, "control", "a", 31.0) == {}, "address and device have lapsed"


def test_transfers_one_way_are_no_loop() -> None:
    network = Network()
    network.session("b", 0.0)
    network.paid("a", 1.0, "b")
    network.paid("a", 2.0, "b")
    assert kinds(network, "a", 3.0) == set()


def test_twins_are_not_one_controller_but_one_document_is() -> None:
    network = Network()
    for account in ("a", "b"):
        network.verified(account, 1.0, face="f")
    for account in ("c", "d"):
        network.verified(account, 1.0, document="n")
    assert kinds(network, "a", 2.0) == {"b"}
    assert kinds(network, "a", 2.0, "control") == set()
    assert kinds(network, "c", 2.0, "control") == {"d"}
