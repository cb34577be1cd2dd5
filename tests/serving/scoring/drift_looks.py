"""Looks at drift as the platform would keep them, for tests and pictures."""

from datetime import date, timedelta
from typing import Any

STATES = ("act", "watch", "ok")


def latest() -> dict[str, Any]:
    """A look with one alarm, in whose words a stranger had a hand."""
    columns = [
        {"name": f"feature_{number}_7d", "psi": 0.4 / (number + 1), "noise": 0.01, "missing": 0.02, "state": state}
        for number, state in enumerate(STATES * 10)
    ]
    return {
        "as_of": "2025-05-15T00:00:00.000000Z",
        "looked_at": "2025-05-15T06:00:00.000000Z",
        "lake_version": "1",
        "adversarial_alarm": 0.7,
        "alarms": ["PSI is .25 or more for <script>alert(1)</script>."],
        "adversarial_auc": 0.75,
        "telling": ["feature_0_7d"],
        "left_out": 4,
        "martingale": 2.1,
        "columns": columns,
    }


def history(count: int) -> list[dict[str, Any]]:
    """So many weekly looks, the last one above the limit."""
    return [
        {
            "as_of": f"{date(2025, 5, 1) + timedelta(weeks=week):%Y-%m-%d}T00:00:00.000000Z",
            "adversarial_auc": 0.75 if week == count - 1 else 0.6,
            "martingale": 1.0,
            "act": 2,
            "watch": 3,
            "alarms": 1,
        }
        for week in range(count)
    ]
