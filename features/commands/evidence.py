"""The commands that show what is behind a value: evidence and episodes."""

import json
import math
from datetime import UTC, datetime
from typing import Annotated, Any

import pandas as pd
import typer

from features.definitions import CATALOGUE
from features.derivation.steps import patterns
from features.evidence import EpisodeEvidence, Evidence, episode_evidence, episode_summary, feature_evidence
from features.home import existing_home
from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, out, progress, table
from features.kernel.errors import Invalid
from features.pipeline import Features
from features.spine import moment

MAX_DAYS = 36_500
FIRST_MOMENT = pd.Timestamp(datetime.min.replace(tzinfo=UTC)).as_unit("us")

app = application("Evidence.")


@app.command()
def evidence(
    name: Annotated[str, typer.Argument(help="Feature name or episode id.")],
    as_of: Annotated[str, typer.Option(help="Moment, such as 2025-06-01 or 2025-06-01T12:00:00Z.")],
    account: Annotated[str, typer.Argument(help="Account id; required for a feature.")] = "",
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Show up to 20 rows behind a feature's value or an episode, with the total count."""
    at = moment(as_of)
    of_episode = name not in CATALOGUE and any(name.startswith(f"{pattern.name}-") for pattern in patterns())
    if not of_episode and not account:
        raise Invalid(f"The account is required for a feature: `mscore evidence {name} ACCOUNT --as-of MOMENT`.")
    chosen = None if of_episode else CATALOGUE[name]
    with progress("looking up evidence") as report:
        features = Features(existing_home(home).lake, report)
        if chosen is None:
            shown = episode_evidence(features, name, at)
        else:
            spine = pd.DataFrame({"account_id": [account], "as_of": [at]})
            value = float(features.vectors(spine, [chosen])[name].iloc[0])
            answer = feature_evidence(features, chosen, account, at)
    if chosen is None:
        _emit_episode(shown, as_json)
    else:
        _emit_evidence(answer, value, at, as_json)


def _emit_evidence(answer: Evidence, value: float, at: pd.Timestamp, as_json: bool) -> None:
    chosen = answer.feature
    rows = json.loads(answer.rows.to_json(orient="records", date_format="iso", date_unit="us"))
    document: dict[str, Any] = {
        "feature": chosen.name,
        "account_id": answer.account_id,
        "as_of": at.isoformat(),
        "value": None if math.isnan(value) else value,
        "text": chosen.sentence(value),
        "table": chosen.of.evidence_table,
        "total": answer.total,
        "counted": answer.counted,
        "rows": [{**row, "text": text} for row, text in zip(rows, answer.row_sentences(), strict=True)],
    }

    def human() -> None:
        out.print(f"{answer.account_id}, {at.isoformat()}: {chosen.sentence(value)}")
        shown = f"{len(rows)} of {answer.total:,} rows of {chosen.of.evidence_table}, {answer.counted:,} of them count"
        lines = [(row["time"], row["row_id"], row["counted"], row["text"]) for row in document["rows"]]
        table(("time", "row", "counts", "what"), lines, shown)

    emit(document, as_json, human)


def _emit_episode(answer: EpisodeEvidence, as_json: bool) -> None:
    rows = [{**row, "time": row["time"].isoformat()} for row in answer.rows.to_dict("records")]
    links = answer.links.to_dict("records")
    document = {**_plain_episode(answer.episode), "total": answer.total, "rows": rows, "links": links}

    def human() -> None:
        out.print(f"{answer.episode['episode_id']}: {', '.join(answer.episode['accounts'])} {answer.episode['symbol']}")
        measured = list(answer.episode["measures"].items())
        table(("measure", "value"), measured, f"known at {answer.episode['known_at'].isoformat()}")
        lines = [(row["time"], row["table"], row["row_id"], row["text"]) for row in rows]
        table(("time", "table", "row", "what"), lines, f"{len(rows)} of {answer.total:,} rows")
        if links:
            edges = [tuple(link.values()) for link in links]
            table(("account", "other", "kind", "value", "weight"), edges, f"{len(links)} edges")

    emit(document, as_json, human)


@app.command()
def episodes(
    as_of: Annotated[str, typer.Option(help="Moment, such as 2025-06-01 or 2025-06-01T12:00:00Z.")],
    days: Annotated[int, typer.Option(min=1, max=MAX_DAYS, help="Days before the moment.")] = 7,
    pattern: Annotated[str | None, typer.Option(help="Only episodes of this pattern.")] = None,
    account: Annotated[str | None, typer.Option(help="Only episodes with this account.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List the episodes known at a moment, with their accounts and measures."""
    names = [episode.name for episode in patterns()]
    if pattern is not None and pattern not in names:
        raise Invalid(f"Unknown pattern {pattern!r}; choose one of {', '.join(names)}.")
    at = moment(as_of)
    with progress("looking up episodes") as report:
        features = Features(existing_home(home).lake, report)
        known_episodes = features.episodes(at - min(pd.Timedelta(days=days), at - FIRST_MOMENT), at)
    chosen = [
        _plain_episode(episode_summary(episode))
        for episode in known_episodes
        if pattern in (None, episode["pattern"]) and (account is None or account in episode["accounts"])
    ]

    def human() -> None:
        if not chosen:
            out.print(f"No episodes became known in the {days} days before {at.isoformat()}.")
            return
        lines = [
            (e["known_at"], e["episode_id"], e["symbol"], len(e["accounts"]), ", ".join(e["accounts"][:4]))
            for e in chosen
        ]
        table(("known at", "episode", "symbol", "accounts", "who"), lines, f"{len(chosen):,} episodes")

    emit({"episodes": chosen}, as_json, human)


def _plain_episode(episode: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, pd.Timestamp) else value for name, value in episode.items()}
