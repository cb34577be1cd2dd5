"""One small exchange a session, and the three models trained on it."""

import pytest

from models.training import Trained, train_anomaly, train_m_score, train_violations
from tests.models.toy import CATALOGUE, CUTOFF, Exchange, exchange


@pytest.fixture(scope="session")
def toy() -> Exchange:
    return exchange()


@pytest.fixture(scope="session")
def anomaly(toy: Exchange) -> Trained:
    return train_anomaly(toy.vectors, toy.labels, CATALOGUE, seed=7, labels_as_of=CUTOFF)


@pytest.fixture(scope="session")
def violations(toy: Exchange) -> Trained:
    return train_violations(toy.vectors, toy.labels, CATALOGUE, seed=7, labels_as_of=CUTOFF)


@pytest.fixture(scope="session")
def m_score(toy: Exchange) -> Trained:
    return train_m_score(toy.vectors, toy.target, toy.known, CATALOGUE, seed=7)
