"""Roles, feature flags and accounts, as the people who run the shop see them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.admin.permissions import PERMISSIONS, Permission
from app.admin.roles import DUTIES
from app.db import transaction
from app.kit import clock
from app.models import FeatureFlag, FlagState, Role
from app.workflows import flags
from app.workflows.flags import PURCHASE, Setting
from tests.factories import make_user
from tests.pages import Page
from tests.sign_in import sign_in

FLAG = f"/admin/flags/{PURCHASE}"


# --- roles


@pytest.mark.parametrize("role", [Role.ADMIN, Role.VIEWER])
def test_the_table_of_roles_says_what_is_checked(client, session, role):
    sign_in(client, role)
    text = client.get("/admin/roles/").text
    table = text.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = [Page(f"<tr{part}").words for part in table.split("<tr")[1:]]
    staff = [Role.ADMIN, Role.OPERATOR, Role.FINANCE, Role.VIEWER]
    wanted = [
        " ".join([permission.label, *("yes" if permission in PERMISSIONS[each] else "–" for each in staff)])
        for permission in Permission
    ]
    assert rows == wanted
    assert all(duty in Page(text).words for duty in DUTIES.values())


def test_it_is_said_which_roles_must_have_a_second_factor(app, client, session, monkeypatch):
    sign_in(client, Role.VIEWER)
    assert "No role must have a second factor" in client.get("/admin/roles/").text
    demanding = replace(app.extensions["settings"], second_factor_roles=frozenset({"admin", "finance"}))
    monkeypatch.setitem(app.extensions, "settings", demanding)
    assert "must be set up by: Admin, Finance." in client.get("/admin/roles/").text


def test_every_role_has_its_duty_and_each_permission_its_words():
    assert set(DUTIES) == set(Role)
    assert len({permission.label for permission in Permission}) == len(Permission)


def test_what_a_role_opens_is_what_its_navigation_shows(client, session):
    sign_in(client, Role.VIEWER)
    text = client.get("/admin/roles/").text
    parts = {part.partition("<")[0]: Page(f"<p>{part}").words for part in text.split("<h2>")}
    assert "Audit log" in parts["Admin"]
    assert "Audit log" not in parts["Viewer"]
    assert "Payouts" in parts["Viewer"]


# --- flags


def switch(client, **sent):
    seen = Page(client.get(FLAG).text).find("input", name="seen")
    return client.post(FLAG, data={"seen": seen[0]["value"] if seen else ""} | sent)


def setting():
    with transaction():
        return flags.setting(PURCHASE)


def test_each_flag_says_what_it_guards_and_how_it_stands(client, session):
    sign_in(client, Role.VIEWER)
    words = Page(client.get("/admin/flags/").text).words
    for flag in flags.FLAGS:
        assert flag.label in words
        assert flag.guards in words
    assert not Page(client.get(FLAG).text).find("input", name="state")


def test_an_administrator_switches_a_flag_for_a_share_and_for_people(client, session):
    admin = sign_in(client)
    assert switch(client, state="percent", percent="25 %").location == "/admin/flags/"
    assert setting() == Setting(FlagState.PERCENT, 25)
    assert "25 % of visitors" in Page(client.get("/admin/flags/").text).words
    assert switch(client, state="users", emails=f"{admin.email}\n").status_code == 302
    assert setting().emails == (admin.email,)
    page = Page(client.get(FLAG).text)
    assert admin.email in page.words
    assert f"IST: {admin.name}" in page.words
    assert switch(client, state="off", percent="99", emails="x").status_code == 302
    assert setting() == Setting(FlagState.OFF)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"state": ""}, "Choose for whom"),
        ({"state": "sometimes"}, "Choose for whom"),
        ({"state": "percent", "percent": "a few"}, "0 to 100"),
        ({"state": "percent", "percent": "250"}, "0 to 100"),
        ({"state": "users", "emails": "ghost@example.com"}, "Nobody has an account with ghost@example.com"),
        ({"state": "on", "seen": "something else"}, "Somebody changed this"),
    ],
)
def test_a_wrong_setting_changes_nothing_and_is_said(client, session, sent, told):
    sign_in(client)
    answer = switch(client, **sent)
    assert answer.status_code in {412, 422}
    assert told in Page(answer.text).words
    assert session.scalar(select(FeatureFlag)) is None


def test_an_unknown_flag_is_not_found(client, session):
    sign_in(client)
    assert client.get("/admin/flags/nonsense").status_code == 404
    assert client.post("/admin/flags/nonsense", data={"state": "off"}).status_code == 404


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.FINANCE, Role.VIEWER])
def test_others_switch_nothing(client, session, role):
    sign_in(client, role)
    seen = flags.fingerprint(flags.setting(PURCHASE))
    assert client.post(FLAG, data={"state": "off", "seen": seen}).status_code == 403
    assert setting() == Setting(FlagState.ON)


# --- accounts


def names(client, **arguments):
    text = client.get("/admin/users/", query_string=arguments).text
    return [Page(f"<tr{part}").words.split(" ")[0] for part in text.partition("<tbody>")[2].split("<tr")[1:]]


def test_accounts_are_sorted_by_name_and_narrowed_to_those_that_need_a_look(client, session):
    sign_in(client, make_user(Role.ADMIN, name="Zara"))
    now = clock.utc_now()
    make_user(Role.PROVIDER, name="Amar", last_sign_in_at=now)
    make_user(Role.VIEWER, name="Bela", last_sign_in_at=now - timedelta(days=91))
    make_user(Role.VIEWER, name="Chitra", created_at=now - timedelta(days=91))
    make_user(Role.OPERATOR, name="Dev", is_enabled=False, last_sign_in_at=now - timedelta(days=200))
    assert names(client) == ["Amar", "Bela", "Chitra", "Dev", "Zara"]
    assert names(client, sort="name_down")[0] == "Zara"
    assert names(client, view="staff") == ["Bela", "Chitra", "Dev", "Zara"]
    assert names(client, view="partners") == ["Amar"]
    assert names(client, view="idle") == ["Bela", "Chitra"]
    assert names(client, view="closed") == ["Dev"]
    assert names(client, role="viewer", account="on") == ["Bela", "Chitra"]
    assert names(client, q="be") == ["Bela"]
    assert "never" in Page(client.get("/admin/users/?q=Chitra").text).words


def test_nobody_is_made_an_administrator_because_it_stands_first(client, session):
    sign_in(client)
    page = Page(client.get("/admin/users/new/").text)
    assert page.find("option")[0]["value"] == ""
    sent = {"name": "Omar", "email": "omar@example.com", "role": "", "is_enabled": "on"}
    assert "This is needed." in Page(client.post("/admin/users/new/", data=sent).text).words
    assert names(client, q="omar@") == []


def test_an_account_is_changed_by_the_form_it_was_made_with(client, session):
    sign_in(client)
    sent = {"name": "Omar", "email": "omar@example.com", "role": "operator", "password": "short", "is_enabled": "on"}
    assert "Use at least 10 characters" in Page(client.post("/admin/users/new/", data=sent).text).words
    assert client.post("/admin/users/new/", data=sent | {"password": "a-long-enough-one"}).status_code == 302
    assert names(client, q="omar@") == ["Omar"]
