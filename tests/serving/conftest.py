"""What the tests of the service share: a migrated database, a small policy, and the application on a real port."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from serving.app import Dependencies, create_app
from serving.people.model import Passwords, Role
from serving.people.store import ApiKeys, Users
from serving.policy.book import Policy
from serving.policy.fields import rule_fields
from serving.settings import Settings
from serving.storage import Database
from serving.web.request_log import json_log
from tests.serving.cases import NOW
from tests.serving.policy.fields import POLICY
from tests.serving.running import running

# Loading the machine's certificates takes longer than most tests, and nothing here speaks TLS.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
PASSWORD = "correct horse battery"
FAST_PASSWORDS = Passwords(time_cost=1, memory_cost_kib=8)
RULES = """
- id: large-withdrawal
  title: Large withdrawal
  clause: "4.4"
  version: 2025-01-01
  effective_from: 2025-01-01
  state: live
  subject: account
  typology: money_laundering
  severity: high
  outcome: review
  when: request_type = 'withdrawal' AND request_amount_usd >= :large
  thresholds: {large: {value: 50000, unit: USD, source: test}}
  values: [request_amount_usd]
  proposes: [{measure: withdrawal_hold, days: 1}]
  if_unknown: review
  if_unknown_reason: test
  holder_message: review
  says: A withdrawal above the house limit.
- id: fresh-address
  title: Withdrawal to a fresh address
  clause: "6"
  version: 2025-01-01
  effective_from: 2025-01-01
  state: live
  subject: account
  typology: account_takeover
  severity: low
  outcome: step_up
  when: request_type = 'withdrawal' AND hours_since_address_added < :fresh
  thresholds: {fresh: {value: 24, unit: hours, source: test}}
  values: [hours_since_address_added]
  if_unknown: fires
  if_unknown_reason: test
  holder_message: review
  says: The address was added a short time ago.
"""


@dataclass
class Hand:
    """A clock that tests move."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """The moment the hand stands at."""
        return self.now

    def move(self, span: timedelta) -> None:
        """Let time pass."""
        self.now += span


@dataclass
class Running:
    """The application on a port, with everything a test may look into."""

    url: str
    database: Database
    policy: Policy
    clock: Hand
    log: BytesIO
    keys: dict[Role, str] = field(default_factory=dict)
    clients: ExitStack = field(default_factory=ExitStack)

    def client(self, **headers: str) -> httpx.Client:
        """A client that is closed with the test."""
        client = httpx.Client(base_url=self.url, headers=headers, verify=NO_TLS)
        return self.clients.enter_context(client)

    def as_role(self, role: Role) -> httpx.Client:
        """A client that presents a key of the role."""
        if role not in self.keys:
            with self.database.transaction() as transaction:
                self.keys[role] = ApiKeys(transaction).create(role, f"test {role}", NOW)
        return self.client(Authorization=f"Bearer {self.keys[role]}")

    def browser(self) -> httpx.Client:
        """A client that keeps cookies and asks for pages."""
        browser = self.client(Accept="text/html")
        browser.follow_redirects = True
        return browser

    def signed_in(self, name: str = "ria", role: Role = Role.REVIEWER) -> httpx.Client:
        """A browser in which a new user of the role has signed in."""
        with self.database.transaction() as transaction:
            Users(transaction).add(name, FAST_PASSWORDS.hash(PASSWORD), role, NOW)
        browser = self.browser()
        answer = browser.post("/login", data={"form_token": form_token(browser), "name": name, "password": PASSWORD})
        assert answer.url.path == "/reviews", answer.text
        return browser


def form_token(browser: httpx.Client) -> str:
    """The form token of the browser's session."""
    page = browser.get("/login").text
    return page.split('name="form_token" value="')[1].split('"')[0]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A migrated database of its own."""
    database = Database(f"sqlite:///{tmp_path / 'home' / 'mscore.db'}")
    database.migrate()
    yield database
    database.close()


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """Two rules: one asks for a review, one for a second factor."""
    folder = tmp_path_factory.mktemp("policy")
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    return Policy.load(rule_fields([]), folder)


@pytest.fixture
def start(database: Database, tmp_path: Path) -> Iterator[Callable[[Policy], Running]]:
    """Starts the application with a policy; it stops with the test."""
    stack = ExitStack()

    def begin(policy: Policy) -> Running:
        clock, log = Hand(), BytesIO()
        settings = Settings(
            home=tmp_path / "home", session_secret=SecretStr("a-test-secret-of-40-characters-123456789")
        )
        world = Dependencies(clock=clock, passwords=FAST_PASSWORDS, log=json_log(log))
        url = stack.enter_context(running(create_app(settings, database, policy, world)))
        return Running(url, database, policy, clock, log, clients=stack.enter_context(ExitStack()))

    with stack:
        yield begin


@pytest.fixture
def service(start: Callable[[Policy], Running], policy: Policy) -> Running:
    """The application on a port, with two small rules."""
    return start(policy)


@pytest.fixture
def full_service(start: Callable[[Policy], Running]) -> Running:
    """The application on a port, with the shipped rules."""
    return start(POLICY)
