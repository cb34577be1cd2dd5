"""A session ends when its user, an administrator or the clock ends it, whoever holds the cookie."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import select

from serving.people.model import Passwords, Role
from serving.people.session import LASTS
from serving.people.store import Users, page_views
from tests.serving.cases import NOW
from tests.serving.conftest import FAST_PASSWORDS, PASSWORD, Running, form_token

Ending = Callable[[Running, httpx.Client], None]


def signed_out(_service: Running, browser: httpx.Client) -> None:
    browser.post("/logout", data={"form_token": form_token(browser)})


def disabled(service: Running, _browser: httpx.Client | None = None) -> None:
    with service.database.transaction() as transaction:
        Users(transaction).disable("ria", NOW)


def given_another_password(service: Running, _browser: httpx.Client) -> None:
    with service.database.transaction() as transaction:
        Users(transaction).change_password("ria", FAST_PASSWORDS.hash("another password"), NOW)


def ended_by_an_administrator(service: Running, _browser: httpx.Client) -> None:
    with service.database.transaction() as transaction:
        assert Users(transaction).end_sessions("ria", NOW) == 1


def over(service: Running, _browser: httpx.Client) -> None:
    service.clock.move(LASTS)


@pytest.mark.parametrize("ending", [signed_out, disabled, given_another_password, ended_by_an_administrator, over])
def test_a_copied_cookie_is_worth_nothing_after_the_session(
    service: Running, ending: Callable[[Running, httpx.Client], None]
) -> None:
    browser = service.signed_in()
    thief = service.browser()
    thief.cookies.update(browser.cookies)
    assert thief.get("/reviews").url.path == "/reviews"
    ending(service, browser)
    assert thief.get("/reviews").url.path == "/login"
    assert browser.get("/reviews").url.path == "/login"


def test_a_disabled_user_cannot_sign_in_again(service: Running) -> None:
    service.signed_in()
    disabled(service)
    browser = service.browser()
    form = {"form_token": form_token(browser), "name": "ria", "password": PASSWORD}
    assert browser.post("/login", data=form).status_code == 401


def test_of_a_hundred_wrong_passwords_at_once_five_are_hashed(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And others sign in meanwhile, from the same address, too."""
    with service.database.transaction() as transaction:
        for name in ("ria", "tom"):
            Users(transaction).add(name, FAST_PASSWORDS.hash(PASSWORD), Role.REVIEWER, NOW)
    hashed: list[str] = []
    verify = Passwords.verify

    def counted(self: Passwords, password: str, stored_hash: str | None) -> bool:
        hashed.append(password)
        return verify(self, password, stored_hash)

    monkeypatch.setattr(Passwords, "verify", counted)
    browsers = [service.browser() for _ in range(20)]
    tokens = [form_token(browser) for browser in browsers]

    def guess(number: int) -> int:
        form = {"form_token": tokens[number % 20], "name": "ria", "password": f"wrong {number}"}
        return browsers[number % 20].post("/login", data=form).status_code

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(guess, range(100)))
    assert (answers.count(401), answers.count(429)) == (5, 95)
    assert len(hashed) == 5
    other = service.browser()
    form = {"form_token": form_token(other), "name": "tom", "password": PASSWORD}
    assert other.post("/login", data=form).url.path == "/reviews"


def test_thirty_wrong_names_lock_out_no_other_behind_the_same_address(service: Running) -> None:
    browser = service.browser()
    for number in range(30):
        browser.post("/login", data={"form_token": form_token(browser), "name": f"n{number}", "password": "x"})
    assert service.signed_in().get("/reviews").url.path == "/reviews"


def test_who_opened_which_page_is_kept(service: Running) -> None:
    service.signed_in().get("/reviews/none")
    with service.database.reading() as transaction:
        views = transaction.connection.execute(
            select(page_views.c.user_name, page_views.c.path, page_views.c.viewed_at)
        )
        assert [tuple(view) for view in views] == [("ria", "/reviews", NOW), ("ria", "/reviews/none", NOW)]
