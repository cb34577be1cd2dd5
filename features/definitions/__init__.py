"""The catalogue: every feature by family, as data, with one fingerprint over all that decides their values."""

from dataclasses import replace

from features.catalogue import Catalogue, Feature
from features.definitions.access import ACCESS
from features.definitions.compliance import COMPLIANCE
from features.definitions.engagement import ENGAGEMENT
from features.definitions.funds import FUNDS
from features.definitions.network import NETWORK
from features.definitions.ordering import ORDERING
from features.definitions.trading import TRADING
from features.derivation import definitions

FAMILIES: dict[str, tuple[Feature, ...]] = {
    "trading": TRADING,
    "ordering": ORDERING,
    "funds": FUNDS,
    "access": ACCESS,
    "network": NETWORK,
    "engagement": ENGAGEMENT,
    "compliance": COMPLIANCE,
}

CATALOGUE = Catalogue(
    tuple(replace(feature, family=family) for family, features in FAMILIES.items() for feature in features),
    definitions,
)
