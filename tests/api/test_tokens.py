"""Bearer tokens: made by administrators, shown once, kept as a hash, no stronger than their owner."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from app.admin.permissions import PERMISSIONS, Permission
from app.api.callers import ROLES
from app.db import db, transaction
from app.errors import InvalidInput
from app.models import ApiToken, AuditEntry, Role
from app.workflows import api_tokens
from app.workflows.api_tokens import Scope
from app.workflows.audit import SYSTEM
from tests.api.calls import ADDRESS, bearer, change, make_token
from tests.factories import make_request, make_user
from tests.pages import Page
from tests.sign_in import sign_in

TOKENS = "/admin/tokens/"
STAFF = [Role.ADMIN, Role.OPERATOR, Role.FINANCE, Role.VIEWER]


def stored():
    db.session.rollback()
    return db.session.scalars(select(ApiToken)).one()


def form(owner, name="Nightly report", scopes=("requests:read",)):
    return {"owner": str(owner.id), "name": name, "scopes": list(scopes)}


def test_scopes_allow_what_the_console_allows():
    wanted = {
        Scope.READ_REQUESTS: Permission.READ,
        Scope.CHANGE_REQUESTS: Permission.WORK,
        Scope.READ_CUSTOMERS: Permission.READ_CUSTOMERS,
    }
    assert {scope: {role for role in Role if wanted[scope] in PERMISSIONS[role]} for scope in Scope} == ROLES


def test_an_administrator_makes_one_and_it_is_shown_this_once(client, session):
    owner = make_user(Role.OPERATOR, name="Arjun Rao")
    sign_in(client)
    page = client.post(TOKENS, data=form(owner))
    secret = page.text.partition('id="secret">')[2].partition("<")[0]
    assert client.get(ADDRESS, headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert stored().token_hash == hashlib.sha256(secret.encode()).digest()
    listed = client.get(TOKENS)
    assert secret not in listed.text
    words = Page(listed.text).words
    assert all(each in words for each in ("Nightly report", "Arjun Rao", "requests:read", "never"))


def test_sent_twice_the_form_makes_one(client, session):
    owner = make_user()
    sign_in(client)
    client.post(TOKENS, data=form(owner))
    again = client.post(TOKENS, data=form(owner))
    assert again.status_code == 422
    assert "has a token of this name" in again.text
    assert stored().name == "Nightly report"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": " "}, "Say what it is for"),
        ({"name": "x" * 101}, "Say what it is for"),
        ({"owner": "x"}, "Choose whom it acts for."),
        ({"scopes": []}, "Choose what it may do."),
        ({"scopes": ["everything"]}, "There is no scope"),
    ],
)
def test_what_is_missing_is_said_and_the_form_keeps_the_rest(client, session, change, words):
    owner = make_user()
    sign_in(client)
    page = client.post(TOKENS, data=form(owner) | change)
    assert page.status_code == 422
    assert words in page.text
    assert db.session.scalar(select(ApiToken)) is None


@pytest.mark.parametrize("role", [Role.PROVIDER, Role.AFFILIATE])
def test_partners_get_none(session, role):
    with pytest.raises(InvalidInput):
        make_token(make_user(role))


def test_revoked_it_is_refused_from_the_next_call_on(client, session):
    token = bearer()
    sign_in(client)
    assert client.get(ADDRESS, headers=token).status_code == 200
    client.post(f"{TOKENS}{stored().id}/revoke")
    client.post(f"{TOKENS}{stored().id}/revoke")
    answer = client.get(ADDRESS, headers=token)
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    of_tokens = select(AuditEntry.action).where(AuditEntry.subject_type == "api_tokens")
    assert session.scalars(of_tokens.order_by(AuditEntry.id)).all() == ["token.created", "token.revoked"]


def test_with_its_owners_account_closed_it_is_dead(client, session):
    owner = make_user(Role.OPERATOR)
    token = bearer(owner)
    with transaction():
        owner.is_enabled = False
    assert client.get(ADDRESS, headers=token).status_code == 401


@pytest.mark.parametrize("role", STAFF)
def test_it_may_not_do_what_its_owners_role_may_not(client, session, role):
    request = make_request()
    token = bearer(role)
    assert client.get(ADDRESS, headers=token).status_code == 200
    answer = change(client, request, {"status": "in_progress"}, token)
    assert answer.status_code == (200 if role in {Role.ADMIN, Role.OPERATOR} else 403)
    if answer.status_code == 403:
        assert f"The role {role.label} may not" in answer.json["error"]["message"]


def test_a_role_taken_away_takes_effect_at_once(client, session):
    owner = make_user(Role.OPERATOR)
    token, request = bearer(owner), make_request()
    with transaction():
        owner.role = Role.VIEWER
    assert change(client, request, {"status": "in_progress"}, token).status_code == 403


@pytest.mark.parametrize("scope", Scope)
def test_it_may_do_what_its_scopes_say_and_nothing_else(client, session, scope):
    request = make_request()
    token = bearer(Role.ADMIN, scope)
    assert (client.get(ADDRESS, headers=token).status_code == 200) is (scope is Scope.READ_REQUESTS)
    changed = change(client, request, {"status": "in_progress"}, token)
    assert (changed.status_code == 200) is (scope is Scope.CHANGE_REQUESTS)
    if scope is Scope.CHANGE_REQUESTS:
        assert changed.json["request"]["customer"] is None


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer cf_wrong", "Basic YTpi", "Bearer \u00e9", "cf_x", ""])
def test_anything_else_is_refused_even_for_who_is_signed_in(client, session, header):
    sign_in(client)
    answer = client.get(ADDRESS, headers={"Authorization": header})
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "unauthenticated")


def test_a_stranger_is_told_what_to_bring(client, session):
    answer = client.get(ADDRESS)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("role", [Role.PROVIDER, Role.AFFILIATE])
def test_partners_who_are_signed_in_have_no_business_here(client, session, role):
    sign_in(client, role)
    assert client.get(ADDRESS).status_code == 403


def test_its_last_use_is_noted_once_a_minute(client, session):
    now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    with time_machine.travel(now, tick=False) as traveller:
        token = bearer()
        client.get(ADDRESS, headers=token)
        assert stored().last_used_at == now
        traveller.shift(timedelta(seconds=30))
        client.get(ADDRESS, headers=token)
        assert stored().last_used_at == now
        traveller.shift(timedelta(seconds=31))
        client.get(ADDRESS, headers=token)
        assert stored().last_used_at == now + timedelta(seconds=61)


def test_the_command_prints_one_that_works(app, client, session):
    make_user(Role.OPERATOR, email="asha@example.com")
    run = app.test_cli_runner().invoke
    secret = run(args=["create-token", "asha@example.com"]).output.strip()
    assert client.get(ADDRESS, headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    narrow = run(args=["create-token", "asha@example.com", "--name", "Reader", "--scope", "requests:write"]).output
    answer = client.get(ADDRESS, headers={"Authorization": f"Bearer {narrow.strip()}"})
    assert answer.status_code == 403
    names = session.scalars(select(ApiToken.name)).all()
    assert "Reader" in names


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nobody@example.com"], "there is no account"),
        (["asha@example.com", "--scope", "everything"], "'everything' is not one of"),
        (["partner@example.com"], "Choose an open account of staff"),
    ],
)
def test_a_mistake_is_one_clear_line(app, session, arguments, words):
    make_user(Role.OPERATOR, email="asha@example.com")
    make_user(Role.AFFILIATE, email="partner@example.com")
    result = app.test_cli_runner().invoke(args=["create-token", *arguments])
    assert result.exit_code != 0
    assert words in result.output


def test_two_forms_at_once_do_not_make_two_of_a_name(session):
    owner = make_user()
    make_token(owner, name="One")
    with pytest.raises(InvalidInput), transaction():
        api_tokens.create(owner, "One", [Scope.READ_REQUESTS], actor=SYSTEM)
    with transaction():
        api_tokens.revoke(stored().id, actor=SYSTEM)
    make_token(owner, name="One")
