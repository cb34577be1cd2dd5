"""Communities in a graph of links: which accounts belong together, updated only where links changed.

A component of few accounts is one community. In a larger one a link holds where most of what links either account, by
weight, goes to the other or to accounts that both are linked with; what the holding links join is a community, and
where that is too large, a larger share is asked of them. So a community depends on the links around it and on nothing
else: not on how the graph came about, and not on how large it is elsewhere.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import networkx as nx

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Link:
    """What links two accounts: its weight in thousandths, and of what kind it is."""

    weight: int
    weak: bool = False
    declared: bool = False
    identity: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How components are split.

    Attributes:
        max_unsplit: accounts up to which a component is one community.
        max_group: accounts beyond which links have to hold by the next larger share.
        max_links: links beyond which an account is a hub, whose links hold nobody.
        shares: what a link has to reach to hold, the smallest first.
    """

    max_unsplit: int
    max_group: int
    max_links: int
    shares: Sequence[float]


@dataclass(frozen=True, slots=True)
class Unsplit:
    """What stays without a community: accounts that hold together in too large a number, and hubs."""

    groups: int
    accounts: int
    hubs: int


@dataclass(slots=True)
class Communities:
    """The links as of a midnight, and how firmly each holds: the number of shares that it reaches."""

    limits: Limits
    links: dict[str, dict[str, Link]] = field(default_factory=dict)
    firmness: dict[str, dict[str, int]] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)

    def change(self, lapsed: Iterable[Pair], added: Mapping[Pair, Link]) -> set[str]:
        """Takes links out and in, and gives back the accounts around which communities may have changed."""
        touched: set[str] = set()
        for a, b in lapsed:
            self._unlink(a, b)
            touched |= {a, b}
        for (a, b), link in added.items():
            self._unlink(a, b)
            for account, other in ((a, b), (b, a)):
                self.links.setdefault(account, {})[other] = link
                self.totals[account] = self.totals.get(account, 0) + link.weight
            touched |= {a, b}
        return touched | self._reweighed(touched)

    def around(self, accounts: Iterable[str], joined_before: Callable[[str], Collection[str]]) -> "Neighbourhood":
        """The communities of accounts now, and of everybody who was in one with them or with those."""
        neighbourhood = Neighbourhood(self)
        waiting = list(accounts)
        while waiting:
            account = waiting.pop()
            if account in neighbourhood.looked_at:
                continue
            for member in neighbourhood.look_at(account):
                waiting += joined_before(member)
        return neighbourhood

    def among(self, members: Collection[str]) -> list[tuple[str, str, Link]]:
        """The links among accounts, each once, by the names of the two."""
        inside = set(members)
        empty: dict[str, Link] = {}
        pairs = ((a, b) for a in sorted(inside) for b in sorted(inside & self.links.get(a, empty).keys()) if a < b)
        return [(a, b, self.links[a][b]) for a, b in pairs]

    def unsplit(self) -> Unsplit:
        """What holds together by the largest share and is still too large, over the whole graph."""
        firmest = len(self.limits.shares)
        firm_graph: nx.Graph[str] = nx.Graph([(a, b) for a in self.firmness for b in self.joined(a, firmest)])
        sizes = [
            len(together) for together in nx.connected_components(firm_graph) if len(together) > self.limits.max_group
        ]
        return Unsplit(len(sizes), sum(sizes), sum(self._is_hub(account) for account in self.links))

    def joined(self, account: str, firm: int) -> Iterable[str]:
        """Whom links of a firmness join to an account; any link where the firmness is 0."""
        if not firm:
            return self.links.get(account, ())
        neighbours = self.firmness.get(account, {})
        return [other for other, by in neighbours.items() if by >= firm]

    def _unlink(self, a: str, b: str) -> None:
        for account, other in ((a, b), (b, a)):
            link = self.links.get(account, {}).pop(other, None)
            if link is not None:
                self.totals[account] -= link.weight
                if not self.links[account]:
                    del self.links[account], self.totals[account]

    def _reweighed(self, touched: set[str]) -> set[str]:
        """Weighs the links of accounts whose links changed; gives back the ends of those that hold otherwise now."""
        moved: set[str] = set()
        done: set[Pair] = set()
        for account in sorted(touched):
            neighbours = self.firmness.get(account, {})
            now = {} if self._is_hub(account) else self.links.get(account, {})
            for other in [*now, *(other for other in neighbours if other not in now)]:
                pair = (account, other) if account < other else (other, account)
                if pair in done:
                    continue
                done.add(pair)
                firm = self._firmness(account, other) if other in now else 0
                if firm != neighbours.get(other, 0):
                    moved |= {account, other}
                    self._hold(account, other, firm)
                    neighbours = self.firmness.get(account, {})
        return moved

    def _hold(self, a: str, b: str, firm: int) -> None:
        for account, other in ((a, b), (b, a)):
            neighbours = self.firmness.setdefault(account, {})
            neighbours[other] = firm
            if not firm:
                del neighbours[other]
            if not neighbours:
                del self.firmness[account]

    def _firmness(self, a: str, b: str) -> int:
        """How many of the shares a link reaches, as seen from whichever account it means more to."""
        ours, theirs = self.links[a], self.links[b]
        if max(len(ours), len(theirs)) > self.limits.max_links:
            return 0
        common = ours.keys() & theirs.keys()
        from_a = ours[b].weight + sum([ours[other].weight for other in common])
        from_b = ours[b].weight + sum([theirs[other].weight for other in common])
        return bisect_right(self.limits.shares, max(from_a / self.totals[a], from_b / self.totals[b]))

    def _is_hub(self, account: str) -> bool:
        return len(self.links.get(account, ())) > self.limits.max_links


class Neighbourhood:
    """What was found around changed accounts: the communities there, and every account that was looked at."""

    def __init__(self, graph: Communities) -> None:
        self.graph = graph
        self.looked_at: set[str] = set()
        self.communities: list[tuple[str, ...]] = []
        self._too_large: list[set[str]] = [set() for _ in range(len(graph.limits.shares) + 1)]

    def look_at(self, account: str) -> Collection[str]:
        """The community of an account, noted if it is new; the account alone where it has none."""
        members = self._community(account)
        if members is None:
            self.looked_at.add(account)
            return (account,)
        self.looked_at |= members
        self.communities.append(tuple(sorted(members)))
        return members

    def _community(self, account: str) -> set[str] | None:
        limits = self.graph.limits
        component = self._reached(account, 0, limits.max_unsplit)
        if component is not None:
            return component
        firmnesses = range(1, len(limits.shares) + 1)
        parts = (self._reached(account, firm, limits.max_group) for firm in firmnesses)
        return next((part for part in parts if part is not None), None)

    def _reached(self, account: str, firm: int, most: int) -> set[str] | None:
        """Everybody whom links of a firmness reach, None where they are more than `most`: the search ends there."""
        too_large = self._too_large[firm]
        reached, queue = {account}, [account]
        for member in queue:
            for other in self.graph.joined(member, firm):
                if other not in reached:
                    reached.add(other)
                    queue.append(other)
                    if len(reached) > most or other in too_large:
                        too_large |= reached
                        return None
        return reached
