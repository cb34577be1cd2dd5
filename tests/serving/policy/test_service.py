"""A back-test over a file of vectors counts each rule, and says what is wrong with a file that is none."""

from pathlib import Path

import pandas as pd
import pytest

from features.kernel.errors import Invalid, NotFound
from serving.policy.service import backtest_policy
from tests.serving.policy.fields import POLICY, idle_vector


def test_each_rule_is_counted_on_the_vectors_of_a_file(tmp_path: Path) -> None:
    spoofer = idle_vector() | {"spoof_episodes_1d": 9.0, "cancel_after_own_fill_lift_7d": 3.0}
    rows = [idle_vector(), idle_vector() | {"structuring_bursts_7d": 1.0}, spoofer]
    pd.DataFrame(rows).to_parquet(tmp_path / "vectors.parquet")
    total, counts = backtest_policy(POLICY, tmp_path / "vectors.parquet")
    fired = {rule.id: count for rule, count in counts if count}
    assert (total, fired) == (3, {"structuring": 1, "spoofing-medium": 1, "spoofing-high": 1})


def test_a_file_that_holds_no_vectors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(Invalid, match=r"text\.parquet"):
        backtest_policy(POLICY, tmp_path / "text.parquet")
    with pytest.raises(NotFound):
        backtest_policy(POLICY, tmp_path / "missing.parquet")
