"""One decision in process: binding the fields and asking every rule, without storage or HTTP."""

import time
from datetime import UTC, datetime

from features.definitions import CATALOGUE
from features.kernel.console import table
from serving.commands.rulebook import load_policy
from serving.decisions.model import decide
from serving.decisions.request import DecisionRequest
from serving.record.model import AccountState

MOMENT = datetime(2025, 6, 1, tzinfo=UTC)
REPEATS = 2_000


def main() -> None:
    """Prints microseconds a decision, and the share that reading the stored state takes."""
    policy = load_policy()
    state = AccountState("A1", MOMENT, dict.fromkeys(CATALOGUE.names, 0.5))
    record = state.to_stored()
    action = {"type": "withdrawal", "occurred_at": "2025-06-01T00:00:00Z", "amount_usd": "100.00", "address": "x"}
    request = DecisionRequest.from_json({"account_id": "A1", "action": action})
    started = time.perf_counter()
    for _ in range(REPEATS):
        decide(request, state, policy, "d1", MOMENT)
    deciding = (time.perf_counter() - started) / REPEATS * 1e6
    started = time.perf_counter()
    for _ in range(REPEATS):
        AccountState.from_stored(record)
    reading = (time.perf_counter() - started) / REPEATS * 1e6
    rows = [(len(policy.rules), len(CATALOGUE), deciding, reading, reading / deciding)]
    headings = ("rules", "features", "µs a decision", "µs to read the state", "reading / deciding")
    table(headings, rows, "one decision in process")


if __name__ == "__main__":
    main()
