"""What links weigh and when they say nothing: the numbers of `links.yaml`, in the units that facts count in."""

import math
from dataclasses import dataclass
from pathlib import Path

from features.thresholds import read_thresholds

LINKS_FILE = Path(__file__).with_name("links.yaml")
LINK_SETTINGS = read_thresholds(LINKS_FILE).values
DAY_US = 86_400 * 1_000_000
HOUR_US = 3_600 * 1_000_000
MILLI = 1_000

IDENTIFIERS = ("owner", "document", "face", "person", "withdrawal_address", "deposit_source", "device", "ip")
ASSOCIATION_WEIGHT = round(LINK_SETTINGS["association_weight"] * MILLI)
CONTROL_WEIGHT = round(LINK_SETTINGS["control_weight"] * MILLI)


@dataclass(frozen=True, slots=True)
class Band:
    """The weight (in thousandths) of sharing an identifier while it has from `more_than` to `most` holders."""

    kind: str
    more_than: int
    most: int
    weight: int


def bands() -> tuple[Band, ...]:
    """Every kind of identifier with its weight by the number of holders; beyond the last band it says nothing."""
    plain = (
        Band(kind, 0, LINK_SETTINGS[f"{kind}_most"], round(LINK_SETTINGS[f"{kind}_weight"] * MILLI))
        for kind in IDENTIFIERS
        if kind != "ip"
    )
    ends = LINK_SETTINGS["ip_bands"]
    full = LINK_SETTINGS["ip_weight"]
    addresses = (
        Band("ip", low, high, round(full * degree_weight(high) * MILLI))
        for low, high in zip((0, *ends), ends, strict=False)
    )
    return (*plain, *addresses)


def degree_weight(holders: int) -> float:
    """How much of its weight an IP address keeps that so many accounts use (methods 3.1, `w_ip` without coverage).

    >>> [round(degree_weight(n), 3) for n in (2, 8, 20, 50)]
    [1.0, 1.0, 0.745, 0.583]
    """
    return min(1.0, math.log(10) / math.log(2 + holders))


def control_probability(weight: float) -> float:
    """The probability of one controller behind a pair whose links weigh so much in all.

    Weights add up where chances of coincidence multiply: 1 - 10^(-weight / 3), so that a weight of 3 is .9.

    >>> [round(control_probability(w), 3) for w in (0, 1, 2.5, 3, 4)]
    [0.0, 0.536, 0.853, 0.9, 0.954]
    """
    return float(1 - 10 ** (-weight / LINK_SETTINGS["control_weight"]))
