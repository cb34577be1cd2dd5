"""Spines: moments are read in one way only, and a spine that cannot be read is refused in one sentence."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.kernel.errors import Invalid, NotFound
from features.pipeline import Features
from features.spine import checked_spine, moment, read_spine, weekly_moments

NOON = pd.Timestamp("2025-06-01T12:00:00Z")


@pytest.mark.parametrize("text", ["2025-06-01T12:00:00Z", "2025-06-01 12:00Z", "2025-06-01T14:00:00+02:00"])
def test_a_moment_is_iso_8601_with_its_zone(text: str) -> None:
    assert moment(text) == NOON


@pytest.mark.parametrize(
    "text", ["", "now", "today", "NaT", "12", "1/6/2025", "2025-13-01", "9999-12-31T23:59:59-01:00"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match=r"is not a moment|outside the years"):
        moment(text)


@pytest.mark.parametrize(
    "moments",
    [
        ["2025-06-01T12:00:00Z", "2025-06-01"],
        [NOON, NOON.floor("D")],
        [NOON.tz_convert("Asia/Tokyo"), NOON.tz_convert("Asia/Tokyo") - pd.Timedelta(hours=12)],
    ],
    ids=["texts", "zoned", "elsewhere"],
)
def test_moments_of_a_spine_are_utc_however_they_are_given(moments: list[Any]) -> None:
    spine = checked_spine(pd.DataFrame({"account_id": [1, 2], "as_of": moments, "mood": "good"}))
    assert spine["as_of"].tolist() == [NOON, NOON.floor("D")]
    assert str(spine["as_of"].dtype) == "datetime64[us, UTC]"
    assert spine["account_id"].tolist() == ["1", "2"]
    assert list(spine.columns) == ["account_id", "as_of"]


@pytest.mark.parametrize(
    ("spine", "complaint"),
    [
        ({"account_id": ["a"]}, "no column 'as_of'"),
        ({"as_of": ["2025-06-01"]}, "no column 'account_id'"),
        ({"account_id": ["a"], "as_of": [None]}, "without account_id or as_of"),
        ({"account_id": [None], "as_of": ["2025-06-01"]}, "without account_id or as_of"),
        ({"account_id": ["a"], "as_of": [1_748_779_200]}, "holds numbers"),
        ({"account_id": ["a"], "as_of": ["now"]}, "'now' is not a moment"),
        ({"account_id": ["a", "a"], "as_of": [NOON, NOON], "event_id": ["e", ""]}, "blank event_id in 1 rows.* row 2"),
        ({"account_id": ["a"], "as_of": [NOON], "event_id": [" "]}, "blank event_id"),
        ({"account_id": ["a", "a"], "as_of": [NOON, NOON], "event_id": ["e", "e"]}, "1 rows that repeat.*'e' of 'a'"),
    ],
)
def test_a_spine_that_cannot_be_read_is_refused(spine: dict[str, list[Any]], complaint: str) -> None:
    with pytest.raises(Invalid, match=complaint):
        checked_spine(pd.DataFrame(spine))


def test_an_event_may_have_two_accounts_or_two_moments_and_a_row_none() -> None:
    moments = [NOON, NOON, NOON.floor("D"), NOON, NOON]
    rows = {"account_id": ["a", "b", "b", "c", "c"], "as_of": moments, "event_id": ["e", "e", "e", None, None]}
    assert checked_spine(pd.DataFrame(rows))["event_id"].notna().tolist() == [True, True, True, False, False]


def test_a_spine_is_read_from_parquet_and_from_csv(tmp_path: Path) -> None:
    frame = pd.DataFrame({"account_id": ["007"], "as_of": [NOON], "event_id": ["e"]})
    frame.to_parquet(tmp_path / "spine.parquet")
    frame.to_csv(tmp_path / "spine.csv", index=False)
    pd.testing.assert_frame_equal(read_spine(tmp_path / "spine.csv"), read_spine(tmp_path / "spine.parquet"))
    (tmp_path / "broken.parquet").write_text("no Parquet")
    with pytest.raises(Invalid, match=r"broken\.parquet cannot be read as a spine"):
        read_spine(tmp_path / "broken.parquet")
    with pytest.raises(NotFound, match=r"no file .* give a spine"):
        read_spine(tmp_path / "elsewhere.parquet")
    with pytest.raises(Invalid, match="is a folder; give a spine"):
        read_spine(tmp_path)
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(Invalid, match=r"empty\.csv is empty; a spine has a header row"):
        read_spine(tmp_path / "empty.csv")


def test_an_empty_spine_gives_no_vectors(exchange: Features) -> None:
    vectors = exchange.vectors(pd.DataFrame({"account_id": [], "as_of": []}))
    assert len(vectors) == 0
    assert "cancel_ratio_7d" in vectors.columns


def test_an_account_nobody_imported_is_named(exchange: Features) -> None:
    with pytest.raises(Invalid, match="no account 'nobody'"):
        exchange.vectors(pd.DataFrame({"account_id": ["nobody"], "as_of": [NOON]}))


def test_weekly_moments_are_midnights_with_a_week_before_them() -> None:
    first = pd.Timestamp("2025-05-20T10:00:00Z")
    assert weekly_moments(first, NOON) == [pd.Timestamp("2025-06-01T00:00:00Z")]
    assert weekly_moments(NOON - pd.Timedelta(days=3), NOON) == []
