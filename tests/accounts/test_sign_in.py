"""Signing in and out: who gets in, where to, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from argon2 import PasswordHasher, extract_parameters
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.sessions import ABSOLUTE_LIMIT, BACKGROUND_HEADER, IDLE_LIMIT
from app.db import transaction
from app.models import Role
from app.workflows import accounts
from app.workflows.audit import SYSTEM
from tests.factories import PASSWORD, make_user
from tests.pages import Page
from tests.sign_in import sign_in

REFUSAL = "The email address or the password is not right."


def post(client, email, password=PASSWORD, query=""):
    return client.post(f"/login{query}", data={"email": email, "password": password})


@pytest.mark.parametrize(
    ("role", "home"),
    [
        (Role.ADMIN, "/admin/"),
        (Role.OPERATOR, "/admin/"),
        (Role.FINANCE, "/admin/"),
        (Role.VIEWER, "/admin/"),
        (Role.PROVIDER, "/provider/"),
        (Role.AFFILIATE, "/affiliate/"),
    ],
)
def test_everybody_lands_where_they_work(client, session, role, home):
    answer = post(client, make_user(role).email)
    assert (answer.status_code, answer.location) == (302, home)
    assert client.get(home).status_code == 200


def test_an_address_is_the_same_in_any_case(client, session):
    user = make_user(email="asha.rao@example.com")
    assert post(client, "  Asha.Rao@Example.com").status_code == 302
    session.refresh(user)
    assert user.last_sign_in_at is not None


def test_a_wrong_password_an_unknown_address_and_a_closed_account_read_the_same(client, session):
    closed = make_user(is_enabled=False)
    known = make_user()
    answers = [post(client, known.email, "wrong"), post(client, "nobody@example.com"), post(client, closed.email)]
    assert {answer.status_code for answer in answers} == {401}
    assert all(REFUSAL in answer.text for answer in answers)


def test_after_a_wrong_password_one_types_at_once(client, session):
    """The address stands there already, so the password is what has the focus."""
    wrong = Page(post(client, make_user().email, "wrong").text)
    assert ["autofocus" in wrong.find("input", name=name)[0] for name in ("email", "password")] == [False, True]


def test_an_account_without_a_password_lets_nobody_in(client, session):
    user = make_user(password_hash=None)
    assert post(client, user.email).status_code == 401
    assert post(client, user.email, "").status_code == 401


def test_an_unknown_address_costs_the_same_hashing_as_a_known_one(client, session, monkeypatch):
    costs = []
    verify = PasswordHasher.verify

    def watched(hasher, stored, password):
        costs.append(extract_parameters(stored))
        return verify(hasher, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", watched)
    for email in (make_user().email, make_user(password_hash=None).email, "nobody@example.com"):
        assert post(client, email, "wrong").status_code == 401
    known, *others = costs
    assert others == [known, known]


def test_it_goes_on_to_the_page_that_was_asked_for(client, session):
    asked = client.get("/admin/requests/?status=completed")
    assert asked.location == "/login?next=/admin/requests/?status%3Dcompleted"
    answer = post(client, make_user().email, query="?next=/admin/requests/?status%3Dcompleted")
    assert answer.location == "/admin/requests/?status=completed"


@pytest.mark.sqlite
@given(st.one_of(st.text(max_size=30), st.sampled_from(["//evil.example", "/\\evil.example", "https://evil.example"])))
def test_no_address_leads_to_another_host(client, session, wanted):
    user = accounts.find_user("same@example.com") or make_user(email="same@example.com")
    client.delete_cookie("session")
    answer = client.post("/login", query_string={"next": wanted}, data={"email": user.email, "password": PASSWORD})
    assert answer.location.startswith("/")
    assert not answer.location.startswith(("//", "/\\"))


def test_a_session_begins_anew(client, session):
    with client.session_transaction() as before:
        before["csrf_token"] = "planted"
        before["_user_id"] = "planted"
    user = sign_in(client)
    with client.session_transaction() as after:
        assert after.get("csrf_token") != "planted"
        assert after["_user_id"] == user.get_id()


def test_signing_out_takes_a_post(client, session):
    sign_in(client)
    assert client.get("/logout").status_code == 405
    assert client.post("/logout").location == "/login"
    assert client.get("/admin/").location.startswith("/login")


def test_an_idle_session_ends(client, session):
    start = datetime(2026, 3, 1, 9, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        sign_in(client)
        clock.move_to(start + IDLE_LIMIT - timedelta(minutes=1))
        assert client.get("/admin/").status_code == 200
        clock.shift(IDLE_LIMIT + timedelta(seconds=1))
        assert client.get("/admin/").location.startswith("/login")


def test_looking_for_news_keeps_no_session_alive(client, session):
    start = datetime(2026, 3, 1, 9, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        sign_in(client)
        for _ in range(6):
            clock.shift(timedelta(minutes=5))
            client.get("/admin/requests/news", headers={BACKGROUND_HEADER: "1"})
        clock.shift(timedelta(minutes=1))
        assert client.get("/admin/").location.startswith("/login")


def test_a_busy_session_ends_too(client, session):
    start = datetime(2026, 3, 1, 9, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        sign_in(client)
        for _ in range(ABSOLUTE_LIMIT // timedelta(minutes=20) - 1):
            clock.shift(timedelta(minutes=20))
            assert client.get("/admin/").status_code == 200
        clock.shift(timedelta(minutes=21))
        assert client.get("/admin/").location.startswith("/login")


def test_a_new_password_ends_every_session(client, session):
    user = sign_in(client)
    with transaction():
        accounts.set_password(user, "another-good-password")
    assert client.get("/admin/").location.startswith("/login")


def test_a_closed_account_is_out_at_once(client, session):
    user = sign_in(client)
    with transaction():
        accounts.set_enabled(user, False, actor=SYSTEM)
    assert client.get("/admin/").location.startswith("/login")


def test_the_form_needs_its_token(app, client, session):
    user = make_user()
    app.config["WTF_CSRF_ENABLED"] = True
    assert post(client, user.email).status_code == 400
    answer = client.submit("/login", {"email": user.email, "password": PASSWORD})
    assert answer.status_code == 302


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(client, session):
    cookie = post(client, make_user().email).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_script_without_a_session_is_told_so(client, session):
    answer = client.get("/admin/requests/news", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "unauthenticated")
