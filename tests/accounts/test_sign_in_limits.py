"""Limits on guessing: strangers wait longer and longer, the owner does not, and nobody learns who has an account."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app import guesses
from app.db import db, transaction
from app.jobs import upkeep
from app.models import Role, SignInAttempt
from app.workflows import accounts, sign_in_limits
from app.workflows.sign_in_limits import FREE_TRIES, FREE_TRIES_OF_ADDRESS, LONGEST_WAIT, Target, TooManyTries
from tests.factories import PASSWORD, make_user
from tests.threads import at_once

START = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as clock:
        yield clock


@pytest.fixture
def cheap_hashes(monkeypatch):
    """How often a password was hashed; what it costs is another test's business."""
    calls = []
    verify = accounts._hasher.verify

    class Counting:
        def verify(self, stored, password):
            calls.append(stored)
            return verify(stored, password) if password == PASSWORD else _refuse()

        def __getattr__(self, name):
            return getattr(accounts_hasher, name)

    accounts_hasher = accounts._hasher
    monkeypatch.setattr(accounts, "_hasher", Counting())
    return calls


def _refuse():
    raise accounts.VerifyMismatchError


def post(client, email, password="wrong", address="203.0.113.7"):
    return client.post(
        "/login", data={"email": email, "password": password}, environ_overrides={"REMOTE_ADDR": address}
    )


def statuses(client, email, times, **more):
    return [post(client, email, **more).status_code for _ in range(times)]


def test_a_stranger_waits_longer_after_each_wrong_try(client, session, clock, cheap_hashes):
    user = make_user()
    assert statuses(client, user.email, FREE_TRIES) == [401] * FREE_TRIES
    told = post(client, user.email)
    assert told.status_code == 429
    assert "There were too many wrong tries. Wait 15 seconds, then try again." in told.text
    clock.shift(timedelta(seconds=16))
    assert post(client, user.email).status_code == 401
    assert "Wait 30 seconds" in post(client, user.email).text


def test_waiting_is_not_made_longer_by_asking_too_early(client, session, clock, cheap_hashes):
    user = make_user()
    statuses(client, user.email, FREE_TRIES)
    assert statuses(client, user.email, 4) == [429] * 4
    clock.shift(timedelta(seconds=16))
    assert post(client, user.email, PASSWORD).status_code == 302


def test_while_there_is_a_wait_even_the_right_password_is_not_looked_at(client, session, clock, cheap_hashes):
    user = make_user()
    statuses(client, user.email, FREE_TRIES)
    del cheap_hashes[:]
    assert post(client, user.email, PASSWORD).status_code == 429
    assert cheap_hashes == []


def test_the_owner_gets_in_whatever_strangers_try(app, client, session, clock, cheap_hashes):
    user = make_user()
    assert post(client, user.email, PASSWORD, address="198.51.100.1").status_code == 302
    client.post("/logout")
    stranger = app.test_client()
    assert statuses(stranger, user.email, FREE_TRIES + 3)[-1] == 429
    # From the stranger's own address too: whole offices have one.
    assert post(client, user.email, PASSWORD).status_code == 302


def test_a_known_browser_has_an_allowance_of_its_own_and_no_more(client, session, clock, cheap_hashes):
    user = make_user()
    post(client, user.email, PASSWORD)
    client.post("/logout")
    assert statuses(client, user.email, FREE_TRIES + 1) == [401] * FREE_TRIES + [429]


def test_a_browser_is_known_to_the_account_that_used_it_alone(client, session, clock, cheap_hashes):
    known, other = make_user(), make_user()
    post(client, known.email, PASSWORD)
    client.post("/logout")
    statuses(client, other.email, FREE_TRIES)
    assert post(client, other.email, address="198.51.100.9").status_code == 429


def test_a_forged_cookie_is_no_known_browser(client, session, clock, cheap_hashes):
    user = make_user()
    client.set_cookie("browser", "forged.cookie.value")
    assert statuses(client, user.email, FREE_TRIES + 1)[-1] == 429


def test_an_address_that_tries_many_accounts_waits_too(client, session, clock, cheap_hashes):
    answers = [post(client, f"nobody{number}@example.com") for number in range(FREE_TRIES_OF_ADDRESS + 1)]
    assert [answer.status_code for answer in answers] == [401] * FREE_TRIES_OF_ADDRESS + [429]
    assert post(client, "nobody@example.com", address="198.51.100.1").status_code == 401


def test_an_unknown_address_reads_and_waits_like_a_known_one(client, session, clock, cheap_hashes):
    known, closed = make_user(), make_user(is_enabled=False)
    answers = {
        email: [post(client, email, address=f"198.51.100.{number}") for _ in range(FREE_TRIES + 1)]
        for number, email in enumerate((known.email, closed.email, "nobody@example.com"))
    }
    # The same work: one hash each, and none while there is a wait.
    assert len(cheap_hashes) == 3 * FREE_TRIES
    texts = [[answer.text.replace(email, "X") for answer in each] for email, each in answers.items()]
    assert texts[0] == texts[1] == texts[2]


def test_a_day_later_all_is_forgotten(client, session, clock, cheap_hashes):
    user = make_user()
    statuses(client, user.email, FREE_TRIES)
    clock.shift(sign_in_limits.MEMORY + timedelta(minutes=1))
    assert statuses(client, user.email, FREE_TRIES) == [401] * FREE_TRIES
    upkeep.forget_sign_ins()
    with transaction():
        assert db.session.scalar(select(func.count(SignInAttempt.id))) == FREE_TRIES


def test_what_was_right_is_not_kept_and_what_was_wrong_names_nobody(client, session, clock, cheap_hashes):
    user = make_user()
    post(client, user.email, PASSWORD)
    assert session.scalars(select(SignInAttempt)).all() == []
    post(client.application.test_client(), user.email)
    (row,) = session.scalars(select(SignInAttempt)).all()
    assert user.email.encode() not in row.target_hash
    assert len(row.target_hash) == 16


def test_of_many_at_the_same_moment_few_are_checked(app, session):
    """However many try at once, no more are let through than one after the other would be."""
    target = Target("password", "all@example.com", "203.0.113.7")
    checked = []

    def attempt():
        return guesses.is_right(target, lambda: bool(checked.append(1)))

    with transaction():
        for _ in range(FREE_TRIES - 1):
            sign_in_limits.note(target)
    answers = at_once(app, [attempt] * 6)
    assert len(checked) <= 1
    assert sum(isinstance(answer, TooManyTries) for answer in answers) >= 5


def test_a_household_with_a_whole_network_counts_as_one():
    assert sign_in_limits.network_of("2001:db8::1") == sign_in_limits.network_of("2001:db8::ffff:1")
    assert sign_in_limits.network_of("2001:db8::1") != sign_in_limits.network_of("2001:db8:0:1::1")
    assert sign_in_limits.network_of("192.0.2.1") == "192.0.2.1"
    assert len(sign_in_limits.network_of("x" * 500)) == 45


@given(st.integers(0, 10_000))
def test_waits_grow_and_stay_bearable(tries):
    wait = sign_in_limits.wait_after(tries, FREE_TRIES)
    assert timedelta(0) <= wait <= sign_in_limits.wait_after(tries + 1, FREE_TRIES) <= LONGEST_WAIT
    assert bool(wait) == (tries >= FREE_TRIES)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.PROVIDER])
def test_a_password_hashed_with_weaker_parameters_is_hashed_anew_on_sign_in(client, session, role):
    weak = accounts.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    user = make_user(role)
    with transaction():
        user.password_hash = weak
    epoch = user.session_epoch
    assert post(client, user.email, PASSWORD).status_code == 302
    session.refresh(user)
    assert user.password_hash != weak
    assert not accounts._hasher.check_needs_rehash(user.password_hash)
    assert user.session_epoch == epoch
