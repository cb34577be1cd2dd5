"""What links weigh and when they say nothing: the numbers of `links.yaml`, in the units that facts count in."""

import math
from dataclasses import dataclass
from pathlib import Path

from features.kernel.thresholds import read_thresholds
from features.kernel.units import MILLI

LINKS_FILE = Path(__file__).with_name("links.yaml")
LINK_SETTINGS = read_thresholds(LINKS_FILE).values

IDENTIFIERS = ("owner", "document", "face", "person", "withdrawal_address", "deposit_source", "device")
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
    plain = (Band(kind, 0, LINK_SETTINGS[f"max_{kind}"], _milli(f"{kind}_weight")) for kind in IDENTIFIERS)
    crowd = Band(
        "device",
        LINK_SETTINGS["max_device"],
        LINK_SETTINGS["max_device_crowd"],
        _milli("device_crowd_weight"),
    )
    ends = LINK_SETTINGS["ip_bands"]
    addresses = (
        Band("ip", low, high, round(LINK_SETTINGS["ip_weight"] * degree_weight(high) * MILLI))
        for low, high in zip((0, *ends), ends, strict=False)
    )
    return (*plain, crowd, *addresses)


def weight_of(kind: str, holders: int) -> float:
    """The weight of sharing an identifier that so many accounts hold.

    >>> weight_of("device", 2), weight_of("device", 9), weight_of("device", 31)
    (1.5, 1.0, 0.0)
    """
    fitting = (band.weight for band in bands() if band.kind == kind and band.more_than < holders <= band.most)
    return next(fitting, 0) / MILLI


def address_weight(holders: int, coverage: float) -> float:
    """The weight of sharing an IP address, by how many use it and which share of them acts together.

    >>> address_weight(6, 1.0), round(address_weight(20, 0.3), 3), address_weight(51, 0.4), address_weight(51, 0.5)
    (1.0, 0.745, 0.0, 1.0)

    See docs/methods.md#account-links.
    """
    if coverage >= LINK_SETTINGS["ip_coverage"]:
        return float(LINK_SETTINGS["ip_weight"])
    if holders > LINK_SETTINGS["ip_bands"][-1]:
        return 0.0
    return float(LINK_SETTINGS["ip_weight"]) * degree_weight(holders)


def _milli(name: str) -> int:
    return round(float(LINK_SETTINGS[name]) * MILLI)


def degree_weight(holders: int) -> float:
    """How much of its weight an IP address keeps that so many accounts use (`w_ip` without coverage).

    >>> [round(degree_weight(n), 3) for n in (2, 8, 20, 50)]
    [1.0, 1.0, 0.745, 0.583]

    See docs/methods.md#account-links.
    """
    return min(1.0, math.log(10) / math.log(2 + holders))


def control_probability(weight: float) -> float:
    """The probability of one controller behind a pair whose links weigh so much in all.

    Weights add up where chances of coincidence multiply: 1 - 10^(-weight / 3), so that a weight of 3 is .9.

    >>> [round(control_probability(w), 3) for w in (0, 1, 2.5, 3, 4)]
    [0.0, 0.536, 0.853, 0.9, 0.954]
    """
    return float(1 - 10 ** (-weight / LINK_SETTINGS["control_weight"]))
