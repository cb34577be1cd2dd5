"""Guessing is slow for whoever guesses, and for nobody else."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from serving.people.throttle import (
    MAX_AT_ONCE_PER_ADDRESS,
    MAX_WRONG_PER_NAME,
    MAX_WRONG_PER_NAME_AND_ADDRESS,
    Admission,
    Attempt,
    LoginThrottle,
)
from tests.serving.cases import NOW

RIA = Attempt("ria", "192.0.2.1")
TOM = Attempt("tom", "192.0.2.1")


def fail(throttle: LoginThrottle, attempt: Attempt, times: int, after: timedelta = timedelta(0)) -> None:
    for _ in range(times):
        assert throttle.admit(attempt, NOW + after) is Admission.ADMITTED
        throttle.settle(attempt, NOW + after, is_right=False)


def test_it_closes_at_the_limit_and_opens_when_the_window_has_passed() -> None:
    throttle = LoginThrottle(window=timedelta(minutes=5))
    fail(throttle, RIA, MAX_WRONG_PER_NAME_AND_ADDRESS)
    assert throttle.admit(RIA, NOW + timedelta(minutes=4)) is Admission.TOO_MANY_FAILURES
    assert throttle.admit(RIA, NOW + timedelta(minutes=5)) is Admission.ADMITTED


def test_nobody_else_pays_for_it() -> None:
    throttle = LoginThrottle()
    fail(throttle, RIA, MAX_WRONG_PER_NAME_AND_ADDRESS)
    for number in range(40):
        fail(throttle, Attempt(f"name-{number}", RIA.address), 1)
    for other in (TOM, Attempt("ria", "192.0.2.9")):
        assert throttle.admit(other, NOW) is Admission.ADMITTED
        throttle.settle(other, NOW, is_right=True)


def test_a_name_that_is_guessed_from_many_addresses_closes_at_last() -> None:
    throttle = LoginThrottle()
    for number in range(MAX_WRONG_PER_NAME):
        fail(throttle, Attempt("ria", f"192.0.2.{number}"), 1)
    assert throttle.admit(Attempt("ria", "198.51.100.1"), NOW) is Admission.TOO_MANY_FAILURES


def test_of_many_tries_at_once_no_more_are_looked_at_than_may_fail() -> None:
    throttle, start = LoginThrottle(), Barrier(100)

    def try_it(_: int) -> Admission:
        start.wait()
        return throttle.admit(RIA, NOW)

    with ThreadPoolExecutor(100) as pool:
        admissions = list(pool.map(try_it, range(100)))
    assert admissions.count(Admission.ADMITTED) == MAX_WRONG_PER_NAME_AND_ADDRESS
    for _ in range(MAX_WRONG_PER_NAME_AND_ADDRESS):
        throttle.settle(RIA, NOW, is_right=True)
    assert throttle.admit(RIA, NOW) is Admission.ADMITTED


def test_a_crowd_of_names_from_one_address_waits_and_is_not_counted_as_failed() -> None:
    throttle = LoginThrottle()
    crowd = [Attempt(f"name-{number}", RIA.address) for number in range(MAX_AT_ONCE_PER_ADDRESS)]
    assert {throttle.admit(attempt, NOW) for attempt in crowd} == {Admission.ADMITTED}
    assert throttle.admit(RIA, NOW) is Admission.BUSY
    assert throttle.admit(Attempt("ria", "192.0.2.9"), NOW) is Admission.ADMITTED
    throttle.settle(crowd[0], NOW, is_right=True)
    assert throttle.admit(RIA, NOW) is Admission.ADMITTED


def test_it_forgets_the_oldest_name_when_too_many_are_known() -> None:
    throttle = LoginThrottle(max_names=2)
    fail(throttle, RIA, MAX_WRONG_PER_NAME_AND_ADDRESS)
    fail(throttle, TOM, MAX_WRONG_PER_NAME_AND_ADDRESS)
    assert throttle.admit(TOM, NOW) is Admission.TOO_MANY_FAILURES
    assert throttle.admit(RIA, NOW) is Admission.ADMITTED
