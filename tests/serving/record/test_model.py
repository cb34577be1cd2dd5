"""The stored row of an account comes back as it was put in."""

import json
import math
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from serving.measures.model import Measure, MeasureState
from serving.record.model import AccountFacts, AccountState, LegalOrder, Reason, Scores, WatchlistEntry

moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
names = st.text(min_size=1, max_size=8)
finite = st.floats(allow_nan=False, allow_infinity=False)
states = st.builds(
    AccountState,
    account_id=names,
    as_of=st.none() | moments,
    vector=st.dictionaries(names, finite, max_size=3),
    scores=st.builds(
        Scores, st.none() | finite, st.none() | finite, st.dictionaries(names, finite, max_size=2), st.none() | finite
    ),
    facts=st.builds(
        AccountFacts,
        st.none() | st.integers(0, 3),
        st.none() | moments,
        st.dictionaries(names, moments, max_size=2),
        st.lists(st.builds(LegalOrder, names, names, moments, names, st.none() | moments), max_size=2).map(tuple),
        st.lists(st.builds(WatchlistEntry, names, names, names, moments, st.none() | moments), max_size=2).map(tuple),
        st.none() | names,
    ),
    score_reasons=st.lists(st.builds(Reason, names, names, st.none() | names), max_size=2).map(tuple),
    reviews=st.lists(names, max_size=2).map(tuple),
    measures=st.lists(
        st.builds(
            Measure,
            measure_id=names,
            measure=names,
            account_id=names,
            clause=names,
            scope=names,
            starts_at=moments,
            decided_by=names,
            state=st.sampled_from(MeasureState),
            ends_at=st.none() | moments,
        ),
        max_size=2,
    ).map(tuple),
    catalogue=st.none() | names,
    models=st.dictionaries(names, names, max_size=2),
)


@given(states)
def test_a_state_survives_its_json_form(state: AccountState) -> None:
    assert AccountState.from_json(json.loads(json.dumps(state.to_json(), allow_nan=False))) == state


def test_a_missing_feature_is_null_in_json_and_nan_again_afterwards() -> None:
    record = AccountState("a", vector={"dwell_hours_median_7d": math.nan}).to_json()
    assert record["vector"] == {"dwell_hours_median_7d": None}
    assert math.isnan(AccountState.from_json(record).vector["dwell_hours_median_7d"])


def test_an_almost_empty_row_is_read_with_what_it_has() -> None:
    assert AccountState.from_json({"account_id": "a"}) == AccountState("a")
