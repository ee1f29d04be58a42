"""The second factor: set up, asked for, replaced by recovery codes, never taken twice, compulsory for some roles."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import time_machine
from sqlalchemy import select

from app.db import db, transaction
from app.models import AuditEntry, Notification, RecoveryCode, Role, User
from app.workflows import second_factor
from app.workflows.audit import SYSTEM
from tests.factories import PASSWORD, make_user
from tests.pages import Page
from tests.sign_in import sign_in
from tests.threads import at_once

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
SET_UP = "/account/second-factor"


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as clock:
        yield clock


@pytest.fixture
def make_compulsory(app):
    usual = app.extensions["settings"]
    app.extensions["settings"] = replace(usual, second_factor_roles=frozenset({"admin", "finance"}))
    yield
    app.extensions["settings"] = usual


def equip(user):
    """A user with a second factor, and the recovery codes."""
    with transaction():
        second_factor.begin(user)
        return second_factor.enable(user, code_of(user, -1), actor=SYSTEM)


def code_of(user, steps=0):
    return pyotp.TOTP(user.totp_secret_sealed).at(datetime.now(UTC) + timedelta(seconds=30 * steps))


def enter_password(client, user):
    return client.post("/login", data={"email": user.email, "password": PASSWORD})


def enter(client, code):
    return client.post("/login/code", data={"code": code})


def is_in(client):
    return client.get("/account").status_code == 200


def test_it_is_set_up_with_an_app_and_a_first_code(client, session, clock):
    user = sign_in(client, Role.OPERATOR)
    assert "Off" in client.get("/account").text
    assert client.post(f"{SET_UP}/begin").location == SET_UP
    page = client.get(SET_UP)
    session.refresh(user)
    groups = [user.totp_secret_sealed[at : at + 4] for at in range(0, 32, 4)]
    assert all(f"<span>{group}</span>" in page.text for group in groups)
    assert "<svg" in page.text
    assert "style=" not in page.text
    wrong = client.post(SET_UP, data={"code": "000000"})
    assert wrong.status_code == 422
    assert "This code is not right" in wrong.text
    shown = client.post(SET_UP, data={"code": code_of(user)})
    codes = [words for words in Page(shown.text).words.split() if words.count("-") == 3]
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    # Never again: neither the secret nor the codes.
    assert not any(text in client.get(SET_UP).text for text in (*groups, *codes))
    session.expire_all()
    assert session.get(User, user.id).has_second_factor
    assert session.scalars(select(Notification.kind)).all() == ["second_factor_changed"]
    assert "user.second_factor_enabled" in session.scalars(select(AuditEntry.action)).all()


def test_the_password_alone_opens_nothing_any_more(client, session, clock):
    user = make_user(Role.FINANCE)
    equip(user)
    assert enter_password(client, user).location == "/login/code"
    assert client.get("/admin/").location.startswith("/login")
    assert client.get("/account").location.startswith("/login")
    assert client.post(f"{SET_UP}/off", data={"password": PASSWORD, "code": "1"}).location.startswith("/login")
    assert enter(client, code_of(user)).location == "/admin/"
    assert is_in(client)


def test_the_page_that_was_asked_for_is_kept_all_the_way(client, session, clock):
    user = make_user(Role.FINANCE)
    equip(user)
    answer = client.post("/login?next=/admin/payouts/", data={"email": user.email, "password": PASSWORD})
    assert answer.location == "/login/code?next=/admin/payouts/"
    assert client.post(answer.location, data={"code": code_of(user)}).location == "/admin/payouts/"


@pytest.mark.parametrize(("off", "status"), [(-2, 401), (-1, 302), (0, 302), (1, 302), (2, 401)])
def test_a_clock_may_be_one_step_off(client, session, clock, off, status):
    user = make_user()
    equip(user)
    clock.shift(timedelta(minutes=5))
    enter_password(client, user)
    assert enter(client, code_of(user, off)).status_code == status


def test_a_code_is_taken_once(app, client, session, clock):
    user = make_user()
    equip(user)
    enter_password(client, user)
    assert enter(client, code_of(user)).status_code == 302
    thief = app.test_client()
    enter_password(thief, user)
    for seen in (code_of(user), code_of(user, -1)):
        assert enter(thief, seen).status_code == 401
    assert enter(thief, code_of(user, 1)).status_code == 302


def test_a_recovery_code_is_taken_once_however_it_is_typed(app, client, session, clock):
    user = make_user()
    codes = equip(user)
    enter_password(client, user)
    assert 'autocomplete="off"' in client.get("/login/code?recovery=1").text
    assert enter(client, f" {codes[0].lower().replace('-', ' ')} ").status_code == 302
    other = app.test_client()
    enter_password(other, user)
    assert enter(other, codes[0]).status_code == 401
    assert enter(other, codes[1]).status_code == 302
    assert "8 of 10 recovery codes left" in client.get("/account").text


@pytest.mark.parametrize("kind", ["recovery", "app"])
def test_of_many_who_use_one_code_at_once_one_gets_in(app, session, kind):
    user = make_user()
    codes = equip(user)
    code = codes[0] if kind == "recovery" else code_of(user, 1)

    def attempt():
        with transaction():
            return second_factor.accept(db.session.get_one(User, user.id), code)

    answers = at_once(app, [attempt] * 6)
    assert answers.count(True) == 1
    assert answers.count(False) == 5


def test_recovery_codes_are_kept_as_hashes_and_belong_to_one_person(session):
    user, other = make_user(), make_user()
    codes = equip(user)
    equip(other)
    kept = b"".join(session.scalars(select(RecoveryCode.code_hash).where(RecoveryCode.user_id == user.id)))
    assert not any(code.encode() in kept or code.replace("-", "").encode() in kept for code in codes)
    with transaction():
        assert not second_factor.accept(session.get(User, other.id), codes[0])


def test_guessing_codes_has_to_wait(client, session, clock):
    user = make_user()
    equip(user)
    enter_password(client, user)
    answers = [enter(client, "000000") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert "Wait 15 seconds" in answers[-1].text
    assert enter(client, code_of(user)).status_code == 429


def test_half_a_sign_in_ends_after_ten_minutes_and_with_a_new_password(app, client, session, clock):
    user = make_user()
    equip(user)
    enter_password(client, user)
    clock.shift(timedelta(minutes=11))
    assert enter(client, code_of(user)).location == "/login"
    assert client.get("/login/code").location == "/login"
    enter_password(client, user)
    with transaction():
        user.session_epoch += 1
    assert enter(client, code_of(user)).location == "/login"
    assert not is_in(client)


def test_the_code_page_needs_a_password_first(client, session):
    assert client.get("/login/code").location == "/login"
    assert enter(client, "123456").location == "/login"


def test_new_recovery_codes_end_the_old_ones(app, client, session, clock):
    user = sign_in(client)
    old = equip(user)
    shown = client.post(f"{SET_UP}/codes")
    assert shown.status_code == 200
    assert old[0] not in shown.text
    other = app.test_client()
    enter_password(other, user)
    assert enter(other, old[0]).status_code == 401


def test_turning_it_off_asks_for_the_password_and_a_code(client, session, clock):
    user = sign_in(client)
    codes = equip(user)
    for sent in ({"password": "wrong", "code": code_of(user)}, {"password": PASSWORD, "code": "000000"}, {}):
        assert client.post(f"{SET_UP}/off", data=sent).status_code == 422
    assert client.post(f"{SET_UP}/off", data={"password": PASSWORD, "code": codes[3]}).location == "/account"
    session.expire_all()
    assert not session.get(User, user.id).has_second_factor
    assert session.scalars(select(RecoveryCode)).all() == []


def test_setting_it_up_needs_a_confirmed_session(client, session, clock):
    """Or whoever finds a screen open could shut its owner out."""
    sign_in(client)
    clock.shift(timedelta(minutes=11))
    assert client.post(f"{SET_UP}/begin").status_code == 403


def test_it_is_not_replaced_while_it_is_on(client, session, clock):
    user = sign_in(client)
    equip(user)
    secret = user.totp_secret_sealed
    client.post(f"{SET_UP}/begin")
    client.post(SET_UP, data={"code": code_of(user, 1)})
    session.expire_all()
    assert session.get(User, user.id).totp_secret_sealed == secret


def test_a_role_that_must_have_it_sets_it_up_before_going_in(client, session, clock, make_compulsory):
    user = make_user(Role.FINANCE)
    assert enter_password(client, user).location == SET_UP
    assert client.get("/admin/").location.startswith("/login")
    assert "Your role needs a second factor" in client.get(SET_UP).text
    client.post(f"{SET_UP}/begin")
    session.refresh(user)
    assert "Keep these recovery codes" in client.post(SET_UP, data={"code": code_of(user)}).text
    assert is_in(client)


def test_other_roles_go_in_as_before(client, session, make_compulsory):
    assert enter_password(client, make_user(Role.OPERATOR)).location == "/admin/"


def test_setting_up_is_for_who_has_entered_a_password(client, session):
    assert client.get(SET_UP).location.startswith("/login")
    assert client.post(f"{SET_UP}/begin").location.startswith("/login")
    assert client.post(SET_UP, data={"code": "1"}).location.startswith("/login")
    assert client.post(f"{SET_UP}/codes").location.startswith("/login")


def test_an_administrator_resets_somebodys_and_they_are_told(app, client, session, clock):
    user = make_user(Role.FINANCE)
    equip(user)
    theirs = app.test_client()
    enter_password(theirs, user)
    enter(theirs, code_of(user))
    admin = sign_in(client, Role.ADMIN)
    assert client.post(f"/admin/users/{user.id}/reset-second-factor").status_code == 302
    assert not is_in(theirs)
    assert enter_password(theirs, user).location == "/admin/"
    told = session.scalars(select(Notification).filter_by(kind="second_factor_changed")).all()
    assert [each.context["what"] for each in told if each.recipient == user.email] == ["enabled", "reset"]
    entry = session.scalars(select(AuditEntry).filter_by(action="user.second_factor_reset")).one()
    assert (entry.actor_user_id, entry.subject_id) == (admin.id, user.id)


def test_an_administrator_does_not_get_round_their_own(client, session, clock):
    admin = sign_in(client, Role.ADMIN)
    equip(admin)
    assert client.post(f"/admin/users/{admin.id}/reset-second-factor").status_code == 422
    session.expire_all()
    assert session.get(User, admin.id).has_second_factor


def test_a_code_confirms_too(client, session, clock):
    user = sign_in(client)
    equip(user)
    clock.shift(timedelta(minutes=11))
    assert "one-time-code" in client.get("/account/confirm").text
    assert client.post("/account/confirm", data={"confirm_code": "000000"}).status_code == 401
    assert client.post("/account/confirm", data={"confirm_code": code_of(user)}).location == "/account"
