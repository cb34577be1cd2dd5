"""The commands that score, show reviews, check the policy, and make keys and users."""

from pathlib import Path
from typing import Annotated, Any

import typer

from features.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, out, progress, table
from features.definitions import CATALOGUE
from features.errors import Invalid
from features.home import Home
from features.simulator.profiles import PROFILES
from features.spine import moment
from models.cli import TrackingOption, registry_of
from serving.app import serve as serve_app
from serving.auth import Passwords, Role
from serving.clock import utc_now
from serving.policy.book import Policy
from serving.policy.fields import rule_fields
from serving.policy.terms import Severity
from serving.reviews.case import Review, ReviewStatus
from serving.settings import Settings
from serving.storage import Database
from serving.storage.review_log import ReviewQuestion
from serving.workflows.run_demo import DemoReport, earlier_demo, run_demo
from serving.workflows.score_accounts import ScoringReport, score_accounts

LARGEST_PAGE = 200
PASSWORD_BYTES = 12

app = application("From scores to fair decisions.")
reviews_app = application("Cases a person must look at.")
policy_app = application("The house rules.")
keys_app = application("Keys for programs.")
users_app = application("People who may sign in to the pages.")
for name, group in (("reviews", reviews_app), ("policy", policy_app), ("keys", keys_app), ("users", users_app)):
    app.add_typer(group, name=name)


def settings_of(home: Path) -> Settings:
    """The settings of the environment, with the home folder of this call."""
    return Settings().model_copy(update={"home": home})


def database_of(settings: Settings) -> Database:
    """The database, made and migrated at first use."""
    settings.home.mkdir(parents=True, exist_ok=True)
    database = Database(settings.resolved_database_url())
    database.migrate()
    return database


def load_policy() -> Policy:
    """The shipped rules, checked against the catalogue."""
    return Policy.load(rule_fields(CATALOGUE.names))


@app.command()
def score(
    as_of: Annotated[str, typer.Option(help="The moment to look at.")],
    home: HomeOption = DEFAULT_HOME,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score all accounts at a moment: vectors, models, rules; open the reviews called for."""
    at = moment(as_of).to_pydatetime()
    lake, registry, policy = Home(home).lake, registry_of(home, tracking_uri), load_policy()
    lake.snapshot()
    database = database_of(settings_of(home))
    with progress("scoring") as report:
        done = score_accounts(at, lake, registry, policy, database, report)
    emit(_scored(done), as_json, lambda: _show_scored(done))


def _scored(done: ScoringReport) -> dict[str, Any]:
    return {
        "as_of": done.as_of.isoformat(),
        "lake_version": done.lake_version,
        "accounts": done.accounts,
        "reviews_opened": list(done.opened),
        "reviews_known": list(done.known),
        "models": dict(done.models),
        "notes": list(done.notes),
    }


def _show_scored(done: ScoringReport) -> None:
    out.print(
        f"{done.accounts:,} accounts scored as of {done.as_of.isoformat()}: "
        f"{len(done.opened)} reviews opened, {len(done.known)} known already"
    )
    for note in done.notes:
        out.print(f"  {note}", markup=False)


@reviews_app.command("list")
def list_reviews(
    status: Annotated[str | None, typer.Option(help="Only those in this status.")] = None,
    severity: Annotated[str | None, typer.Option(help="Only those of this severity.")] = None,
    typology: Annotated[str | None, typer.Option(help="Only those of this typology.")] = None,
    page_size: Annotated[
        int | None, typer.Option(min=1, max=LARGEST_PAGE, help="So many a page; all by default.")
    ] = None,
    page_token: Annotated[str | None, typer.Option(help="The next page, as the last one named it.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List reviews, the most severe first."""
    question = ReviewQuestion(_status(status), _severity(severity), typology)
    found: list[Review] = []
    token = page_token
    with database_of(settings_of(home)).reading() as transaction:
        while True:
            page = transaction.reviews.list(question, page_size or LARGEST_PAGE, token)
            found += page.rows
            token = page.next_page_token
            if page_size or not token:
                break

    def human() -> None:
        if not found:
            out.print("No review is open. `mscore score --as-of MOMENT` opens those the rules and models call for.")
            return
        rows = [
            (r.severity.word, r.typology, r.title, ", ".join(r.accounts[:4]), r.status.value, r.review_id)
            for r in found
        ]
        table(("severity", "typology", "title", "accounts", "status", "review"), rows)

    emit({"reviews": [review.to_json() for review in found], "next_page_token": token}, as_json, human)


def _status(word: str | None) -> ReviewStatus | None:
    if word is None:
        return None
    if word not in list(ReviewStatus):
        raise Invalid(f"There is no status {word!r}; the statuses are {', '.join(ReviewStatus)}.")
    return ReviewStatus(word)


def _severity(word: str | None) -> Severity | None:
    if word is None:
        return None
    if word.upper() not in Severity.__members__:
        raise Invalid(f"There is no severity {word!r}; the severities are {', '.join(s.word for s in Severity)}.")
    return Severity.of(word)


@reviews_app.command("show")
def show_review(
    review_id: Annotated[str, typer.Argument(help="The review.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Show one review: what fired with values against thresholds, evidence, proposed measures."""
    with database_of(settings_of(home)).reading() as transaction:
        review = transaction.reviews.get(review_id)
    emit(review.to_json(), as_json, lambda: _show_review(review))


def _show_review(review: Review) -> None:
    out.print(f"{review.severity.word.upper()} {review.title} ({review.typology}), {review.status.value}", markup=False)
    out.print(f"accounts {', '.join(review.accounts)}; clauses {', '.join(review.clauses)}; due {review.due_at}")
    out.print(review.summary, markup=False)
    for rule in review.rules:
        rows = [(key, value, rule.thresholds.get(key)) for key, value in rule.values.items()]
        table(("value of", "found", "threshold"), rows, f"{rule.title} (clause {rule.clause}, {rule.rule_id})")
    lines = [(row.table, row.id, row.ts.isoformat(), row.text) for row in review.evidence]
    table(("table", "row", "time", "what"), lines, "evidence")
    for proposed in review.proposed_measures:
        length = f" for {proposed.days} days" if proposed.days else ""
        out.print(f"proposed: {proposed.measure}{length} {proposed.scope or ''}".rstrip(), markup=False)


@policy_app.command("check")
def check_policy(as_json: JsonOption = False) -> None:
    """Load every rule and check it: names, types, thresholds, sources."""
    policy = load_policy()
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
    title = f"{len(rules)} rules are sound; policy {policy.version}"
    emit(
        {"version": policy.version, "rules": rules},
        as_json,
        lambda: table(headings, [list(r.values()) for r in rules], title),
    )


@keys_app.command("create")
def create_key(
    role: Annotated[str, typer.Option(help="What the key may do: " + ", ".join(Role) + ".")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "command line",
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Make an API key; it is shown once and stored hashed."""
    chosen = Role.of(role)
    with database_of(settings_of(home)).transaction() as transaction:
        key = transaction.api_keys.create(chosen, name, utc_now())
    emit({"key": key, "role": chosen.value, "name": name}, as_json, lambda: out.print(key, markup=False))


@users_app.command("add")
def add_user(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[str, typer.Option(help="What the person may do: " + ", ".join(Role) + ".")],
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, envvar="MSCORE_NEW_PASSWORD")
    ],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Add a person who may sign in to the pages; the password is asked for and stored hashed."""
    chosen = Role.of(role)
    hashed = Passwords().hash(password)
    with database_of(settings_of(home)).transaction() as transaction:
        transaction.users.add(name, hashed, chosen, utc_now())
    emit({"name": name, "role": chosen.value}, as_json, lambda: out.print(f"{name} may sign in as {chosen.value}."))


@app.command()
def migrate(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Bring the database to the present version."""
    settings = settings_of(home)
    database_of(settings)
    emit({"migrated": True}, as_json, lambda: out.print("The database is at the present version."))


@app.command()
def status(home: HomeOption = DEFAULT_HOME, tracking_uri: TrackingOption = None, as_json: JsonOption = False) -> None:
    """Show what this home holds: lake, models, scored accounts, reviews."""
    lake = Home(home).lake
    registry = registry_of(home, tracking_uri)
    versions = {name: registry.aliased(name) for name in ("anomaly", "violations", "m-score")}
    with database_of(settings_of(home)).reading() as transaction:
        scored, reviews = transaction.account_states.count(), transaction.reviews.count_by_status()
    document = {
        "lake_version": lake.version,
        "rows": lake.counts(),
        "catalogue": CATALOGUE.fingerprint,
        "policy": load_policy().version,
        "champions": {name: found.version if found else None for name, found in versions.items()},
        "scored_accounts": scored,
        "reviews": reviews,
    }

    def human() -> None:
        rows = [
            (key, value if not isinstance(value, dict) else ", ".join(f"{k} {v}" for k, v in value.items()) or "none")
            for key, value in document.items()
        ]
        table(("what", "now"), rows)

    emit(document, as_json, human)


@app.command()
def serve(home: HomeOption = DEFAULT_HOME) -> None:
    """Serve the endpoints and pages on MSCORE_HOST and MSCORE_PORT (127.0.0.1:8000)."""
    settings = settings_of(home)
    database = database_of(settings)
    out.print(f"mscore serves http://{settings.host}:{settings.port}", markup=False)
    serve_app(settings, database, load_policy())


@app.command()
def demo(
    profile: Annotated[str, typer.Option(help="How large: " + ", ".join(PROFILES) + ".")] = "demo",
    serves: Annotated[bool, typer.Option("--serve/--no-serve", help="Start the server at the end.")] = True,
    home: HomeOption = DEFAULT_HOME,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
) -> None:
    """The whole line on a simulated exchange, then the server; what an earlier demo made is kept and served."""
    if profile not in PROFILES:
        raise Invalid(f"There is no profile {profile!r}; choose one of {', '.join(PROFILES)}.")
    settings = settings_of(home)
    database, policy = database_of(settings), load_policy()
    earlier = earlier_demo(database)
    if earlier is not None:
        kept = f"{home} holds a {earlier['profile']} demo already; remove the folder for a new one"
        emit({"kept": dict(earlier)}, as_json, lambda: out.print(f"{kept}.", markup=False))
    else:
        lake = Home(home).lake
        if lake.version is not None:
            raise Invalid(f"{home} holds activity of its own; give the demo another folder with --home.")
        with progress("demo") as report:
            done = run_demo(profile, Home(home), registry_of(home, tracking_uri), policy, database, utc_now(), report)
        emit(_demonstrated(done, settings), as_json, lambda: _show_demo(done, settings))
    if serves:
        out.print(f"mscore serves http://{settings.host}:{settings.port} (stop with Ctrl-C)", markup=False)
        serve_app(settings, database, policy)


def _demonstrated(done: DemoReport, settings: Settings) -> dict[str, Any]:
    return {
        "profile": done.profile,
        "rows": {name: report.accepted for name, report in done.imported.tables.items()},
        "models": [
            {
                "model": trained.name,
                "version": version.version if version else None,
                "metrics": {split: dict(values) for split, values in trained.metrics.items()},
                "notes": list(trained.notes),
            }
            for trained, version in done.trained
        ],
        "scored": [_scored(one) for one in done.scored],
        "address": f"http://{settings.host}:{settings.port}",
        "logins": dict(done.logins),
        "keys": dict(done.keys),
    }


def _show_demo(done: DemoReport, settings: Settings) -> None:
    counts = [(name, report.read, report.accepted, report.quarantined) for name, report in done.imported.tables.items()]
    table(("table", "read", "accepted", "quarantined"), counts, "activity")
    for trained, version in done.trained:
        label = f"version {version.version}, champion" if version else "not kept"
        rows = [
            (split, *(values.get(name) for name in ("auc", "average_precision", "ece")))
            for split, values in trained.metrics.items()
            if "auc" in values
        ]
        if rows:
            table(("split", "AUC", "average precision", "calibration error"), rows, f"\n{trained.name}: {label}")
        else:
            out.print(f"\n{trained.name}: {label}")
        for note in trained.notes:
            out.print(f"  {note}", markup=False)
    out.print()
    for one in done.scored:
        _show_scored(one)
    out.print(f"\naddress   http://{settings.host}:{settings.port}/reviews", markup=False)
    for name, password in done.logins.items():
        out.print(f"login     {name}  {password}", markup=False)
    for name, key in done.keys.items():
        out.print(f"API key   {name}  {key}", markup=False)
    out.print("Passwords and keys are shown this once.")
