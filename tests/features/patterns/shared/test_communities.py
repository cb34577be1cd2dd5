"""Communities are a matter of the links around an account alone: updated step by step they are those found anew."""

from collections.abc import Collection, Iterable
from itertools import combinations, pairwise
from random import Random

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from features.patterns.shared.communities import Communities, Limits, Link

SMALL = Limits(max_unsplit=3, max_group=5, max_links=5, shares=(0.6, 0.9))
ACCOUNTS = [f"a{number}" for number in range(12)]
Pair = tuple[str, str]
PAIRS = st.sampled_from(list(combinations(ACCOUNTS, 2)))
DAYS = st.lists(
    st.tuples(st.lists(PAIRS, max_size=6), st.dictionaries(PAIRS, st.sampled_from([1_000, 2_000, 4_000]), max_size=6)),
    min_size=1,
    max_size=12,
)


def found_anew(weights: dict[Pair, int], limits: Limits) -> set[tuple[str, ...]]:
    """The communities as they are defined, over the whole graph, with no memory of how it came about."""
    graph: nx.Graph[str] = nx.Graph()
    graph.add_weighted_edges_from((a, b, weight) for (a, b), weight in weights.items())
    found: set[tuple[str, ...]] = set()
    left = set(graph)
    for component in nx.connected_components(graph):
        if len(component) <= limits.max_unsplit:
            found.add(tuple(sorted(component)))
            left -= component
    for share in limits.shares:
        holding = nx.Graph(pair for pair in graph.edges if share_inside(graph, *pair, limits) >= share)
        holding.add_nodes_from(graph)
        for part in nx.connected_components(holding):
            if part <= left and len(part) <= limits.max_group:
                found.add(tuple(sorted(part)))
                left -= part
    return found


def share_inside(graph: "nx.Graph[str]", a: str, b: str, limits: Limits) -> float:
    """The larger share of an account's links, by weight, that goes to the other or to whom both are linked with."""
    if max(graph.degree(a), graph.degree(b)) > limits.max_links:
        return 0.0
    inside = {b, a, *nx.common_neighbors(graph, a, b)}
    shares = [
        sum(graph[one][other]["weight"] for other in inside & set(graph[one])) / graph.degree(one, weight="weight")
        for one in (a, b)
    ]
    return float(max(shares))


class Followed:
    """Communities kept from day to day, from what was found around each day's changes only."""

    def __init__(self, limits: Limits) -> None:
        self.graph = Communities(limits)
        self.joined: dict[str, tuple[str, ...]] = {}

    def day(self, lapsed: Iterable[Pair], added: dict[Pair, int]) -> set[str]:
        """Takes in one day's changes; gives back whom it looked at."""
        changed = self.graph.change(lapsed, {pair: Link(weight) for pair, weight in added.items()})
        around = self.graph.around(changed, lambda account: self.joined.get(account, ()))
        for account in around.looked_at:
            self.joined.pop(account, None)
        for members in around.communities:
            self.joined |= dict.fromkeys(members, members)
        return around.looked_at

    def found(self) -> set[tuple[str, ...]]:
        """The communities that stand, of accounts that anything links."""
        return {members for members in self.joined.values() if members[0] in self.graph.links}


@given(DAYS)
def test_communities_followed_from_day_to_day_are_those_found_anew(
    days: list[tuple[list[Pair], dict[Pair, int]]],
) -> None:
    followed = Followed(SMALL)
    weights: dict[Pair, int] = {}
    for lapsed, added in days:
        followed.day(lapsed, added)
        weights = {pair: weight for pair, weight in weights.items() if pair not in lapsed} | added
        assert followed.found() == found_anew(weights, SMALL)


@given(DAYS, st.randoms(use_true_random=False))
def test_the_order_in_which_links_came_does_not_matter(
    days: list[tuple[list[Pair], dict[Pair, int]]], random: Random
) -> None:
    gathered: dict[Pair, int] = {}
    followed = Followed(SMALL)
    for lapsed, added in days:
        followed.day(lapsed, added)
        gathered = {pair: weight for pair, weight in gathered.items() if pair not in lapsed} | added
    shuffled = list(gathered.items())
    random.shuffle(shuffled)
    at_once = Followed(SMALL)
    at_once.day([], dict(shuffled))
    assert followed.found() == at_once.found()


def clique(accounts: Collection[str], weight: int = 2_000) -> dict[Pair, int]:
    """Everybody linked with everybody."""
    return dict.fromkeys(combinations(sorted(accounts), 2), weight)


def test_a_change_is_looked_at_with_its_surroundings_only() -> None:
    limits = Limits(max_unsplit=8, max_group=50, max_links=100, shares=(0.6, 0.9))
    followed = Followed(limits)
    farms = [[f"{number:03}-{member}" for member in range(6)] for number in range(200)]
    links = {pair: weight for farm in farms for pair, weight in clique(farm).items()}
    links |= {(one[5], other[0]): 1_000 for one, other in pairwise(farms)}
    followed.day([], links)
    assert len(followed.found()) == 200
    looked_at = followed.day([], {("100-1", "150-1"): 1_000})
    assert {account[:3] for account in looked_at} == {"100", "150"}
    assert len(followed.found()) == 200


def test_whoever_is_linked_with_two_groups_by_halves_belongs_to_neither() -> None:
    followed = Followed(Limits(max_unsplit=3, max_group=50, max_links=100, shares=(0.6, 0.9)))
    followed.day([], clique("abcd") | clique("efgh") | {("a", "x"): 1_000, ("e", "x"): 1_000})
    assert followed.found() == {("a", "b", "c", "d"), ("e", "f", "g", "h"), ("x",)}


def test_what_is_too_large_to_be_a_group_is_counted() -> None:
    followed = Followed(SMALL)
    followed.day([], clique([f"m{number}" for number in range(6)]) | clique("ab"))
    left = followed.graph.unsplit()
    assert (left.groups, left.accounts, left.hubs) == (1, 6, 0)
    followed.day([], {("m0", f"n{number}"): 1_000 for number in range(6)})
    assert followed.graph.unsplit().hubs == 1
