"""Groups of accounts form and end at midnights; one café never merges the world, and an address alone stays weak."""

from collections.abc import Iterable
from itertools import product

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from features.patterns.shared.episode import Episode
from tests.features.facts.network import Network, at, held


def midnight(day: int) -> int:
    return int(at(float(day)).asm8.astype("int64"))


def farm(size: int = 4) -> Network:
    """Accounts on one device behind one address, withdrawing to one wallet on the second day."""
    network = Network()
    for number in range(size):
        network.session(f"f{number}", 0.1 + number / 100, ip="1", device="d")
        network.withdrew(f"f{number}", 1.2 + number / 100, "0xabc")
    return network


def standing(episodes: list[Episode], day: int) -> list[Episode]:
    """The episodes that hold at a midnight."""
    at_day = midnight(day)
    return [e for e in episodes if e.known_at <= at_day and (e.superseded_at is None or e.superseded_at > at_day)]


@pytest.mark.fires("D20")
def test_a_farm_is_one_group_from_the_midnight_after_its_links() -> None:
    network = farm()
    groups = network.groups(network.engine())
    assert standing(groups, 1) == []
    (group,) = standing(groups, 2)
    assert group.accounts == ("f0", "f1", "f2", "f3")
    assert group.known_at == midnight(2)
    assert (group.measures["accounts"], group.measures["pairs"], group.measures["declared"]) == (4, 6, False)
    assert float(str(group.measures["probability"])) > 0.9


def test_the_edges_of_a_group_carry_what_is_shared_with_its_weight() -> None:
    network = farm(2)
    (group,) = standing(network.groups(network.engine()), 3)
    assert set(group.links) == {
        ("f0", "f1", "withdrawal_address", "0xabc", 3.0),
        ("f0", "f1", "device", "d", 1.5),
        ("f0", "f1", "ip", "1", 1.0),
    }


def test_rewards_are_counted_when_they_are_known_and_a_group_is_written_anew() -> None:
    network = farm()
    network.rewarded("f0", 3.5, 60.0)
    network.rewarded("f1", 4.5, 50.0)
    groups = network.groups(network.engine())
    assert [standing(groups, day)[0].measures["promo_usd"] for day in (3, 4, 5)] == [0.0, 60.0, 110.0]
    assert sum(float(text.split()[-2]) for _table, _id, _at, text in standing(groups, 5)[0].evidence) == 110.0


def test_a_declared_owner_is_said() -> None:
    network = Network()
    network.owners = {"a": "o", "b": "o", "c": "o"}
    for account in network.owners:
        network.session(account, 0.0)
    (group,) = standing(network.groups(network.engine()), 1)
    assert group.measures["declared"] is True


@pytest.mark.spares("D20")
def test_a_café_makes_a_weak_cluster_of_its_first_guests_at_most_and_nobody_is_controlled() -> None:
    network = Network()
    for number in range(40):
        network.session(f"g{number:02}", number / 1_000, ip="café", device=f"d{number}")
    engine = network.engine()
    assert network.clusters(engine) == []
    assert network.groups(engine) == []


def test_a_few_accounts_on_one_address_are_a_weak_cluster() -> None:
    network = Network()
    for account in "abcd":
        network.session(account, 0.1, ip="1")
    engine = network.engine()
    (cluster,) = standing(network.clusters(engine), 1)
    assert (cluster.measures["weak"], cluster.measures["accounts"]) == (True, 4)
    assert network.groups(engine) == []


def test_two_farms_that_meet_in_one_account_stay_two_communities() -> None:
    network = Network()
    for farm_number, number in product(range(2), range(6)):
        network.session(f"f{farm_number}{number}", 0.1, device=f"d{farm_number}", ip=f"{farm_number}")
    for account in ("f00", "f10"):
        network.session(account, 0.3, ip="café")
    clusters = standing(network.clusters(network.engine()), 1)
    assert sorted(cluster.accounts[0][:2] for cluster in clusters) == ["f0", "f1"]
    assert all(len(cluster.accounts) == 6 for cluster in clusters)


@pytest.mark.spares("D20")
def test_a_family_of_one_device_and_one_address_is_no_controlled_group() -> None:
    network = Network()
    for account in ("mother", "father", "child"):
        network.session(account, 0.1, ip="home", device="tablet")
    engine = network.engine()
    assert network.groups(engine) == []
    (cluster,) = standing(network.clusters(engine), 1)
    assert float(str(cluster.measures["probability"])) < 0.9


def test_members_of_a_group_control_each_other_without_a_link_of_their_own() -> None:
    network = Network()
    for a, b, wallet in (("a", "b", "w1"), ("b", "c", "w2")):
        for account in (a, b):
            network.withdrew(account, 0.5, wallet)
    engine = network.engine()
    assert set(held(engine, "control", "a", 0.9)) == {"b"}
    assert set(held(engine, "control", "a", 1.1)) == {"b", "c"}


def test_a_group_ends_when_its_links_lapse() -> None:
    network = Network()
    for account in ("a", "b"):
        network.session(account, 0.1, ip="1", device="d")
        network.paid(account, 0.2, "b" if account == "a" else "a")
    groups = network.groups(network.engine())
    assert len(standing(groups, 30)) == 1
    assert standing(groups, 31) == []


def test_a_late_session_changes_no_group_before_it_is_known() -> None:
    without, late = farm(3), farm(3)
    late.session("f9", 0.2, device="d", known=5.5)
    late.withdrew("f9", 6.1, "0xabc")
    before, after = (network.groups(network.engine()) for network in (without, late))
    for day in range(1, 6):
        assert [(e.accounts, e.measures) for e in standing(before, day)] == [
            (e.accounts, e.measures) for e in standing(after, day)
        ]
    assert standing(after, 7)[0].accounts == ("f0", "f1", "f2", "f9")


ACCOUNTS = st.sampled_from([f"a{number:02}" for number in range(14)])
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["session", "session", "withdrawal", "transfer", "reward"]),
        ACCOUNTS,
        ACCOUNTS,
        st.integers(0, 2),
        st.floats(0, 45, allow_nan=False).map(lambda day: round(day, 3)),
    ),
    min_size=20,
    max_size=90,
)
Event = tuple[str, str, str, int, float]


def network_of(events: Iterable[Event]) -> Network:
    """Everybody logs in once, apart from others; then what is given happens."""
    network = Network()
    for number in range(14):
        network.session(f"a{number:02}", -1.0)
    for kind, account, other, number, day in events:
        if kind == "session":
            network.session(account, day, ip=f"ip{number}", device=f"d{number}" if account > other else "")
        elif kind == "withdrawal":
            network.withdrew(account, day, f"0x{number}{account[-1]}")
        elif kind == "reward":
            network.rewarded(account, day, 10.0 + number)
        elif account != other:
            network.paid(account, day, other)
            network.paid(other, day, account)
    return network


def cut(network: Network, day: int) -> Network:
    """What had happened before a midnight."""
    rows = {name: [row for row in rows if row["ts"] < at(float(day))] for name, rows in network.rows.items()}
    return Network({name: kept for name, kept in rows.items() if kept}, network.owners)


@settings(max_examples=6, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(EVENTS, st.integers(1, 60))
def test_groups_until_a_day_are_those_of_what_had_happened_by_then(events: list[Event], day: int) -> None:
    """Links lapse meanwhile: a session holds its address for thirty days."""
    network = network_of(events)
    whole, past = network.engine(), cut(network, day).engine()
    for pattern in (Network().clusters, Network().groups):
        assert as_known(pattern(whole), day) == as_known(pattern(past), day)


def as_known(episodes: list[Episode], day: int) -> list[tuple[object, ...]]:
    """What was found by a midnight; that something ends later is not known yet."""
    until = midnight(day)
    return [
        (e.accounts, e.known_at, e.measures, e.links, e.superseded_at if (e.superseded_at or until) < until else None)
        for e in episodes
        if e.known_at <= until
    ]


def test_a_community_too_large_for_a_group_is_said_and_has_no_episode() -> None:
    network = Network()
    crowd = [f"c{number:02}" for number in range(52)]
    for one, other in product(crowd, crowd):
        if one != other:
            network.paid(one, 0.5, other)
    engine = network.engine()
    assert network.clusters(engine) == []
    said = [(ceiling.step, ceiling.count) for ceiling in engine.ceilings]
    assert set(said) == {("account_cluster", 52)}
    assert "52 accounts" in engine.ceilings[0].what
