"""The commands about the house rules: check them, back-test them on vectors."""

from pathlib import Path
from typing import Annotated

import typer

from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, table
from serving.commands.rulebook import load_policy
from serving.policy.service import backtest_policy

app = application("House rules.")
policy_app = application("The house rules.")
app.add_typer(policy_app, name="policy")


@policy_app.command("check")
def check_policy(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Check every rule: names, types, thresholds, sources."""
    policy = load_policy(home)
    rules = [
        {
            "rule_id": r.id,
            "clause": r.clause,
            "state": r.state.value,
            "severity": r.severity.word,
            "outcome": r.outcome.word,
            "title": r.title,
        }
        for r in policy.rules
    ]
    headings = ("rule_id", "clause", "state", "severity", "outcome", "title")
    title = f"{len(rules)} rules are valid; policy {policy.version}"
    emit(
        {"version": policy.version, "rules": rules},
        as_json,
        lambda: table(headings, [list(r.values()) for r in rules], title),
    )


@policy_app.command("backtest")
def backtest(
    vectors: Annotated[Path, typer.Argument(help="Parquet file written by `mscore features build`.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Count the vectors on which each account rule would have fired."""
    policy = load_policy(home)
    total, counts = backtest_policy(policy, vectors)
    rules = [{"rule_id": rule.id, "state": rule.state.value, "fires": fires} for rule, fires in counts]
    rows = [(r["rule_id"], r["state"], r["fires"], int(str(r["fires"])) / max(total, 1)) for r in rules if r["fires"]]
    quiet = len(rules) - len(rows)

    def human() -> None:
        title = f"policy {policy.version} on {total:,} vectors; {quiet} of {len(rules)} rules never fire"
        table(("rule", "state", "fires", "share"), rows, title)

    emit({"version": policy.version, "vectors": total, "rules": rules}, as_json, human)
