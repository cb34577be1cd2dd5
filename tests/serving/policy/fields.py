"""The fields the policy tests work with: the features the pack names, and a neutral subject of each kind."""

from collections.abc import Mapping

from features.definitions import CATALOGUE
from features.derivation.deriving import episode_measures
from serving.policy.book import Policy
from serving.policy.fields import FACTS, REQUEST, SCORES, rule_fields
from serving.policy.terms import Value

FEATURES = CATALOGUE.names
EPISODES = episode_measures()
POLICY = Policy.load(rule_fields(FEATURES, EPISODES))


def idle_vector() -> dict[str, float]:
    """The vector of a verified account that does nothing."""
    return dict.fromkeys(FEATURES, 0.0) | {"kyc_level": 2.0}


def neutral_fields(subject: str) -> dict[str, Value]:
    """Every field of the subject at a value that makes no rule fire."""
    if subject != "account":
        return {name: _nothing(kind) for name, kind in EPISODES[subject].items()}
    scores: Mapping[str, Value] = dict.fromkeys(SCORES, 0.01) | {"anomaly_p_value": 0.5}
    bound = {name: _nothing(kind) for name, kind in {**REQUEST, **FACTS}.items()}
    return {**bound, **idle_vector(), **scores}


def _nothing(kind: type) -> Value:
    return {float: None, str: None, bool: False}[kind]
