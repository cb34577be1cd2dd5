"""The catalogue: every feature by family, as data, with one fingerprint over all that decides their values."""

from dataclasses import replace

from features.catalogue import Catalogue, Feature
from features.definitions.access import ACCESS
from features.definitions.automation import AUTOMATION
from features.definitions.compliance import COMPLIANCE
from features.definitions.engagement import ENGAGEMENT
from features.definitions.funds import FUNDS
from features.definitions.laundering import LAUNDERING
from features.definitions.network import NETWORK
from features.definitions.ordering import ORDERING
from features.definitions.own_history import OWN_HISTORY
from features.definitions.staking import STAKES
from features.definitions.trading import TRADING
from features.definitions.wash_trading import WASH_TRADING
from features.derivation.steps import lineage

FAMILIES: dict[str, tuple[Feature, ...]] = {
    "trading": (*TRADING, *WASH_TRADING),
    "ordering": (*ORDERING, *AUTOMATION),
    "funds": (*FUNDS, *LAUNDERING),
    "access": ACCESS,
    "network": NETWORK,
    "engagement": (*STAKES, *ENGAGEMENT),
    "compliance": COMPLIANCE,
    "own_history": OWN_HISTORY,
}

CATALOGUE = Catalogue(
    tuple(replace(feature, family=family) for family, features in FAMILIES.items() for feature in features),
    lineage,
)
