"""The whole line on a simulated exchange: simulate, import, train, score, open reviews, make logins."""

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from features.activity.importing import Import, ImportReport
from features.home import Home
from features.kernel.claims import claimed_folder
from features.kernel.moments import utc_now
from features.kernel.progress import Progress
from features.pipeline import Features
from features.simulator.exchange import simulate
from features.simulator.profiles import PROFILES
from features.simulator.writing import write_simulation
from models.registry.registry import Registry, Version
from models.runs import ORDER, Request, train
from models.training import Trained
from serving.clock import set_clock
from serving.intake.service import record_what_binds
from serving.people.model import Passwords, Role
from serving.people.store import ApiKeys, Users
from serving.policy.book import Policy
from serving.scoring.service import ScoringReport, score_accounts
from serving.settings import Settings
from serving.storage import Database
from serving.storage.service_state import ServiceState

SEED = 7
CASE_STUDY = datetime.fromisoformat("2025-05-30T03:12:00+00:00")
USERS = {"reviewer": Role.REVIEWER, "approver": Role.APPROVER}
KEYS = {"risk-system": Role.RISK_SYSTEM, "review-desk": Role.REVIEWER}
MADE = "demo"
TEMPORARY = "mscore-demo-"


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demo did; `logins` and `keys` are to be shown once."""

    profile: str
    imported: ImportReport
    trained: tuple[tuple[Trained, Version | None], ...]
    scored: tuple[ScoringReport, ...]
    logins: Mapping[str, str]
    keys: Mapping[str, str]


def earlier_demo(database: Database) -> Mapping[str, Any] | None:
    """The demo already made in this home, or None."""
    with database.reading() as transaction:
        demo: Mapping[str, Any] | None = ServiceState(transaction).get(MADE)
    return demo


def run_demo(
    profile: str, settings: Settings, registry: Registry, policy: Policy, database: Database, progress: Progress
) -> DemoReport:
    """Runs every step once; the simulated truth is thrown away, as a real exchange would not have it.

    The clock of the home then shows the end of the exchange, and runs on.
    """
    home = Home(settings.home)
    claim = claimed_folder(TEMPORARY)
    folder = claim.folder
    try:
        progress(f"simulating the {profile} exchange", 0.0)
        write_simulation(simulate(PROFILES[profile], SEED, _within(progress, 0.0, 0.2)), folder)
        progress("importing the activity", 0.2)
        importing = Import(home.lake, home.quarantine, utc_now(), _within(progress, 0.2, 0.3))
        imported = importing.folder(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        claim.release()
    end = _after_the_last_day(Features(home.lake, _within(progress, 0.3, 0.4)))
    clock = set_clock(settings, end, is_new_home=True)
    record_what_binds(home.lake, database, clock())
    # The case of clause 8 is met before any model is trained: what reviewers find out later must not judge it.
    by_rules = score_accounts(CASE_STUDY, home.lake, registry, policy, database, _within(progress, 0.4, 0.5), clock())
    trained = tuple(train(ORDER, Request(), home.lake, registry, _within(progress, 0.5, 0.8)))
    with_models = score_accounts(end, home.lake, registry, policy, database, _within(progress, 0.8, 1.0), clock())
    now = clock()
    logins, keys = _credentials(database, now)
    with database.transaction() as transaction:
        ServiceState(transaction).put(MADE, {"profile": profile, "as_of": end.isoformat()}, now)
    return DemoReport(profile, imported, trained, (by_rules, with_models), logins, keys)


def _after_the_last_day(features: Features) -> datetime:
    _first, last = features.span()
    end: datetime = (last.floor("D") + timedelta(days=1)).to_pydatetime()
    return end


def _credentials(database: Database, now: datetime) -> tuple[dict[str, str], dict[str, str]]:
    """New demo users and keys; a user who exists keeps their password and is not shown again."""
    passwords = Passwords()
    logins: dict[str, str] = {}
    with database.transaction() as transaction:
        for name, role in USERS.items():
            if Users(transaction).find(name) is None:
                logins[name] = secrets.token_urlsafe(12)
                Users(transaction).add(name, passwords.hash(logins[name]), role, now)
        keys = {name: ApiKeys(transaction).create(role, f"demo {name}", now) for name, role in KEYS.items()}
    return logins, keys


def _within(progress: Progress, start: float, end: float) -> Progress:
    def report(what: str, share: float) -> None:
        progress(what, start + (end - start) * share)

    return report
