"""What binds at once: changes of credentials, addresses, legal orders and list entries, each from when it was known."""

import pandas as pd
import pytest

from features.activity.snapshot import Activity
from features.pipeline import Features
from features.restrictions import Restrictions, restrictions_as_of

T = pd.Timestamp("2025-06-01T00:00:00Z")
HOUR = pd.Timedelta(hours=1)
UTC = "datetime64[us, UTC]"


def moments(*ago_hours: float) -> list[pd.Timestamp]:
    """So many hours before T."""
    return [T - ago * HOUR for ago in ago_hours]


@pytest.fixture(scope="module")
def features() -> Features:
    """Two accounts, one of them listed by its owner, with changes before, at and after T."""
    frames = {
        "accounts": pd.DataFrame(
            {
                "account_id": ["a", "b"],
                "created_at": T - 1_000 * HOUR,
                "kind": "retail",
                "owner_id": ["boss", None],
                "country": "ZZ",
                "market_maker": False,
            }
        ),
        "security_events": pd.DataFrame(
            {
                "event_id": ["e1", "e2", "e3", "e4", "e5"],
                "account_id": "a",
                "ts": moments(9, 3, 0, 5, 4),
                "event": [
                    "password_change",
                    "email_change",
                    "phone_change",
                    "withdrawal_address_added",
                    "failed_login",
                ],
                "address": [None, None, None, "0xa", None],
                "ingested_at": pd.Series([None, None, None, T + HOUR, None], dtype=UTC),
            }
        ),
        "legal_orders": pd.DataFrame(
            {"legal_order_id": ["l1"], "account_id": "b", "ts": moments(1), "authority": "court", "scope": "freeze"}
        ),
        "watchlist": pd.DataFrame(
            {
                "list": ["sanctions", "prohibited_country", "sanctions", "mixer"],
                "kind": ["owner", "country", "account", "address"],
                "value": ["boss", "XX", "b", "0xm"],
                "effective_from": moments(10, 10, 10, -1),
                "effective_to": pd.Series([None, None, T, None], dtype=UTC),
                "source": "list",
            }
        ),
    }
    return Features(Activity.from_frames(frames))


@pytest.fixture(scope="module")
def found(features: Features) -> Restrictions:
    """As of T."""
    return restrictions_as_of(features, T)


def test_the_last_change_of_credentials_before_the_moment_binds(found: Restrictions) -> None:
    assert found.credential_changes.to_dict("records") == [{"account_id": "a", "changed_at": T - 3 * HOUR}]


def test_an_address_binds_from_when_it_was_known(features: Features, found: Restrictions) -> None:
    assert found.addresses.empty
    later = restrictions_as_of(features, T + HOUR).addresses
    assert later.to_dict("records") == [{"account_id": "a", "address": "0xa", "added_at": T - 5 * HOUR}]


def test_a_legal_order_binds_its_account(found: Restrictions) -> None:
    assert found.legal_orders[["account_id", "legal_order_id", "scope"]].values.tolist() == [["b", "l1", "freeze"]]


def test_an_account_is_listed_by_what_it_holds_while_the_entry_lasts(features: Features, found: Restrictions) -> None:
    assert found.listed[["account_id", "list", "value"]].values.tolist() == [["a", "sanctions", "boss"]]
    earlier = restrictions_as_of(features, T - HOUR).listed
    assert earlier["account_id"].tolist() == ["a", "b"]


def test_address_and_country_entries_bind_everybody_once_they_take_effect(
    features: Features, found: Restrictions
) -> None:
    assert found.lists["value"].tolist() == ["XX"]
    assert restrictions_as_of(features, T + HOUR).lists["value"].tolist() == ["0xm", "XX"]
