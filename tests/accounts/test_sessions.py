"""Sessions: recognised, listed, ended one by one and everywhere, and cheap to look up."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from app.accounts.sessions import BACKGROUND_HEADER
from app.db import transaction
from app.jobs import upkeep
from app.models import Role, UserSession
from app.workflows import accounts, user_sessions
from app.workflows.audit import SYSTEM
from tests.factories import PASSWORD, make_user
from tests.pages import Page
from tests.sign_in import sign_in
from tests.statements import asked

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def is_in(client):
    return client.get("/account").status_code == 200


def sessions(session, user):
    session.expire_all()
    return user_sessions.alive_of(user.id)


@pytest.fixture
def two(app, client, session):
    """The same person in two browsers."""
    user = sign_in(client, Role.OPERATOR)
    other = app.test_client()
    other.post("/login", data={"email": user.email, "password": PASSWORD}, headers={"User-Agent": FIREFOX})
    # Where the session is used decides whether it is the same browser.
    other.environ_base["HTTP_USER_AGENT"] = FIREFOX
    return user, client, other


def test_the_account_page_lists_where_one_is_signed_in(two):
    _, client, _ = two
    words = Page(client.get("/account").text).words
    assert "Firefox on Linux" in words
    assert "From 127.0.0.1." in words
    assert words.count("(this one)") == 1


def test_one_is_ended_from_another(two, session):
    user, client, other = two
    (found,) = [each for each in sessions(session, user) if each.browser == FIREFOX]
    assert client.post(f"/account/sessions/{found.id}/end").location == "/account"
    assert not is_in(other)
    assert is_in(client)


def test_all_others_are_ended_and_this_one_goes_on(two):
    _, client, other = two
    client.post("/account/sessions/end-others")
    assert is_in(client)
    assert not is_in(other)


def test_nobody_ends_somebody_elses(two, app, session):
    user, client, _ = two
    stranger = app.test_client()
    sign_in(stranger, Role.ADMIN)
    for each in sessions(session, user):
        stranger.post(f"/account/sessions/{each.id}/end")
    stranger.post("/account/sessions/end-others")
    assert is_in(client)


def test_signing_out_ends_the_session_and_not_only_its_cookie(client, session):
    sign_in(client)
    cookie = client.get_cookie("session").value
    client.post("/logout")
    client.set_cookie("session", cookie)
    assert not is_in(client)


def test_signing_in_anew_ends_the_session_before(client, session):
    user = sign_in(client)
    cookie = client.get_cookie("session").value
    client.post("/login", data={"email": user.email, "password": PASSWORD})
    assert len(sessions(session, user)) == 1
    client.set_cookie("session", cookie)
    assert not is_in(client)


@pytest.mark.parametrize("what", ["password", "role", "closed"])
def test_every_session_ends_with(two, session, what):
    user, client, other = two
    with transaction():
        if what == "password":
            accounts.set_password(user, "another-good-password")
        elif what == "role":
            accounts.change_role(user, Role.FINANCE)
        else:
            accounts.set_enabled(user, False, actor=SYSTEM)
    assert not is_in(client)
    assert not is_in(other)
    assert not sessions(session, user)


def test_the_token_is_kept_only_in_its_browser(client, session):
    user = sign_in(client)
    with client.session_transaction() as kept:
        token = kept["session_token"]
    (row,) = sessions(session, user)
    assert token.encode() not in row.token_hash
    with client.session_transaction() as kept:
        kept["session_token"] = "another"
    assert not is_in(client)


def test_a_request_costs_one_query_for_its_user_and_a_write_once_a_minute(client, session):
    with time_machine.travel(START, tick=False) as clock:
        sign_in(client, Role.PROVIDER)
        assert words(client, 1) == ["SELECT"]
        clock.shift(timedelta(seconds=61))
        assert words(client, 2) == ["UPDATE", "SELECT", "SELECT"]
        clock.shift(timedelta(seconds=61))
        assert words(client, 1, headers={BACKGROUND_HEADER: "1"}) == ["SELECT"]


def words(client, times, **request):
    """How the statements of so many looks at the home page begin."""
    with asked(without=["BEGIN"]) as statements:
        for _ in range(times):
            client.get("/home", **request)
    return [text.split()[0] for text in statements]


def test_a_session_that_ended_is_not_woken_by_its_own_cookie(client, session):
    with time_machine.travel(START, tick=False) as clock:
        user = sign_in(client)
        clock.shift(timedelta(minutes=2))
        with transaction():
            user_sessions.end_all(user)
        client.get("/account")
        assert not sessions(session, user)


def test_what_ended_long_ago_is_forgotten(client, session):
    with time_machine.travel(START, tick=False) as clock:
        sign_in(client)
        clock.shift(user_sessions.MEMORY + timedelta(days=1))
        upkeep.forget_sign_ins()
        assert session.scalars(select(UserSession)).all() == []


def test_an_administrator_signs_somebody_out_everywhere(two, app):
    user, client, other = two
    admin = app.test_client()
    sign_in(admin, Role.ADMIN)
    assert "2 browsers now" in Page(admin.get(f"/admin/users/edit/?id={user.id}").text).words
    assert admin.post(f"/admin/users/{user.id}/end-sessions").status_code == 302
    assert not is_in(client)
    assert not is_in(other)


def test_the_account_page_is_for_whoever_is_signed_in(client, session):
    for role in Role:
        sign_in(client, make_user(role))
        assert is_in(client)
    client.post("/logout")
    assert client.get("/account").location.startswith("/login?next=/account")
