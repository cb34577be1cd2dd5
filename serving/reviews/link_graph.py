"""The geometry of a link graph: accounts on a circle, links as lines, as an SVG can draw them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from serving.reviews.model import AccountLink

MAX_NODES = 12
WIDTH, HEIGHT, RADIUS = 360, 280, 92
MAX_LABEL_LENGTH = 14


@dataclass(frozen=True, slots=True)
class Node:
    """One account: its point, and its label outside the circle."""

    label: str
    x: float
    y: float
    label_x: float
    label_y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Edge:
    """One pair of linked accounts; a heavier link is a thicker line."""

    x1: float
    y1: float
    x2: float
    y2: float
    thickness: float


@dataclass(frozen=True, slots=True)
class LinkGraph:
    """The accounts of a case and what links them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    summary: str


def link_graph(accounts: Sequence[str], links: Sequence[AccountLink]) -> LinkGraph | None:
    """The picture of the links; None without links, and where more accounts are linked than a picture can show."""
    names = list(dict.fromkeys([*accounts, *(end for link in links for end in (link.a, link.b))]))
    if not links or len(names) > MAX_NODES:
        return None
    nodes = {name: _node(name, place, len(names)) for place, name in enumerate(names)}
    heaviest: dict[frozenset[str], float] = {}
    for link in links:
        pair = frozenset((link.a, link.b))
        heaviest[pair] = max(heaviest.get(pair, 0.0), link.weight)
    edges = tuple(
        _edge([nodes[name] for name in sorted(pair)], weight) for pair, weight in heaviest.items() if len(pair) == 2
    )
    return LinkGraph(
        tuple(nodes.values()),
        edges,
        f"{len(names)} accounts, {len(edges)} linked pair{'s' if len(edges) != 1 else ''}.",
    )


def _node(name: str, place: int, count: int) -> Node:
    angle = 2 * math.pi * place / count - math.pi / 2
    across, down = math.cos(angle), math.sin(angle)
    x, y = WIDTH / 2 + RADIUS * across, HEIGHT / 2 + RADIUS * down
    anchor = "middle" if abs(across) < 0.2 else ("start" if across > 0 else "end")
    label_y = y + down * 18 + 4
    label = name if len(name) <= MAX_LABEL_LENGTH else name[: MAX_LABEL_LENGTH - 1] + "…"
    return Node(label, round(x, 1), round(y, 1), round(x + across * 14, 1), round(label_y, 1), anchor)


def _edge(ends: Sequence[Node], weight: float) -> Edge:
    first, second = ends
    thickness = round(1 + 4 * max(0.0, min(weight, 1.0)), 1)
    return Edge(first.x, first.y, second.x, second.y, thickness)
