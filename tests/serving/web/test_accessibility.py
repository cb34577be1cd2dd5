"""Tests in a real browser: no axe violation, nothing stopped by the policy, no sideways scrolling."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from serving.people.model import Role
from serving.people.store import Users
from serving.reviews.store import ReviewLog
from serving.scoring.store import KEY
from serving.storage.service_state import ServiceState
from tests.serving.cases import NOW, plain_review, ring_review, spoofing_review
from tests.serving.conftest import FAST_PASSWORDS, PASSWORD, Running
from tests.serving.scoring.drift_looks import history, latest

CHROMIUM = Path("/usr/bin/chromium")
PATHS = ("/reviews", "/reviews?severity=info", "/reviews/rev_flock", "/reviews/rev_spoof", "/reviews/p", "/drift")

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all pages."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield browser
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_are_readable_for_everybody(service: Running, browser: Browser, width: int, scheme: str) -> None:
    with service.database.transaction() as transaction:
        Users(transaction).add("ria", FAST_PASSWORDS.hash(PASSWORD), Role.REVIEWER, NOW)
        for review in (ring_review(), spoofing_review(), plain_review("p")):
            ReviewLog(transaction).open(review)
        ServiceState(transaction).put(KEY, {"latest": latest(), "history": history(4)}, NOW)
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(service.url + "/login")
    found = {"/login": Axe().run(page).response["violations"]}
    page.fill("#name", "ria")
    page.fill("#password", PASSWORD)
    page.click("button.primary")
    for path in PATHS:
        page.goto(service.url + path)
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        found[path] = Axe().run(page).response["violations"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert {
        path: [violation["id"] for violation in violations] for path, violations in found.items() if violations
    } == {}
    assert complaints == []
    context.close()


def test_keys_move_through_the_queue(service: Running, browser: Browser) -> None:
    with service.database.transaction() as transaction:
        Users(transaction).add("ria", FAST_PASSWORDS.hash(PASSWORD), Role.REVIEWER, NOW)
        for review in (ring_review(), spoofing_review()):
            ReviewLog(transaction).open(review)
    page = browser.new_page()
    page.goto(service.url + "/login")
    page.fill("#name", "ria")
    page.fill("#password", PASSWORD)
    page.click("button.primary")
    page.wait_for_url("**/reviews")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url("**/reviews/rev_flock")
    page.keyboard.press("b")
    page.wait_for_url("**/reviews")
    page.close()
