"""Passwords: forgotten and chosen by a link that works once, changed by their owner, first chosen by an invitation."""

import re
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import time_machine
from sqlalchemy import select

from app.db import transaction
from app.jobs import notifications as delivering
from app.models import AuditEntry, Notification, Role
from app.stationery import stationery
from app.workflows import account_letters, accounts, letters
from app.workflows.audit import SYSTEM
from app.workflows.deliveries import SentCopy
from tests.factories import PASSWORD, make_user
from tests.pages import Page
from tests.sign_in import sign_in
from tests.statements import asked
from tests.threads import at_once

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
NEW = "a-new-fine-password"


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as clock:
        yield clock


def ask(client, email):
    return client.post("/reset", data={"email": email})


def link_in(session, kind="password_reset"):
    """The path in the letter as it would go out now."""
    session.expire_all()
    (row,) = session.scalars(select(Notification).filter_by(kind=kind)).all()
    text = letters.compose(row, stationery()).text
    return re.search(r"http://[^/]+(/reset/choose\S+)", text)[1]


def choose(client, link, password=NEW):
    return client.post(link, data={"password": password, "again": password})


def can_sign_in(app, user, password):
    answer = app.test_client().post("/login", data={"email": user.email, "password": password})
    return answer.status_code == 302


def test_the_link_in_the_letter_sets_a_new_password(app, client, session):
    user = make_user()
    answer = ask(client, f" {user.email.upper()} ")
    assert "is on its way" in answer.text
    link = link_in(session)
    page = client.get(link)
    assert page.text.count('autocomplete="new-password"') == 2
    assert choose(client, link).location == "/login"
    assert can_sign_in(app, user, NEW)
    assert not can_sign_in(app, user, PASSWORD)


def test_an_address_that_nobody_has_reads_the_same_and_gets_nothing(client, session):
    known, closed = make_user(), make_user(is_enabled=False)
    emails = (known.email, closed.email, "nobody@example.com")
    answers = [ask(client, email).text.replace(email, "X") for email in emails]
    assert answers[0] == answers[1] == answers[2]
    assert session.scalars(select(Notification.recipient)).all() == [known.email]


def test_an_unknown_address_costs_the_same_statements(app, client, session):
    known = make_user()
    counts = {}
    for email in (known.email, "nobody@example.com"):
        # Taken back in one case, kept in the other.
        with asked(without=["RELEASE", "ROLLBACK"]) as statements:
            ask(client, email)
        counts[email] = [statement.split()[0] for statement in statements]
    assert counts[known.email] == counts["nobody@example.com"]


def test_a_link_works_once(app, client, session):
    user = make_user()
    ask(client, user.email)
    link = link_in(session)
    choose(client, link)
    again = choose(client, link, "yet-another-password")
    assert again.status_code == 410
    assert "does not work any more" in again.text
    assert client.get(link).status_code == 410
    assert can_sign_in(app, user, NEW)


def test_a_link_is_dead_after_an_hour(client, session, clock):
    user = make_user()
    ask(client, user.email)
    link = link_in(session)
    clock.shift(account_letters.RESET_LIFE - timedelta(seconds=1))
    assert client.get(link).status_code == 200
    clock.shift(timedelta(seconds=2))
    assert client.get(link).status_code == 410
    assert choose(client, link).status_code == 410


@pytest.mark.parametrize("what", ["password", "closed", "role"])
def test_a_link_is_dead_after_a_change_of_the_account(client, session, what):
    user = make_user()
    ask(client, user.email)
    link = link_in(session)
    with transaction():
        if what == "password":
            accounts.set_password(user, "meanwhile-another-one")
        elif what == "role":
            accounts.change_role(user, Role.VIEWER)
        else:
            accounts.set_enabled(user, False, actor=SYSTEM)
    assert choose(client, link).status_code == 410


def test_a_letter_that_comes_too_late_is_not_sent(session, clock):
    user = make_user()
    with transaction():
        account_letters.password_reset(user, user.email)
    (row,) = session.scalars(select(Notification)).all()
    assert letters.is_still_true(row, stationery())
    clock.shift(timedelta(minutes=61))
    assert not letters.is_still_true(row, stationery())


@pytest.mark.parametrize("at", [0, 10, 33, 45, -1])
def test_a_link_that_was_tampered_with_is_refused(client, session, at):
    user, other = make_user(), make_user()
    ask(client, user.email)
    head, key = link_in(session).split("key=")
    letters_of_key = list(key)
    letters_of_key[at] = "0" if letters_of_key[at] != "0" else "1"
    assert choose(client, f"{head}key={''.join(letters_of_key)}").status_code == 410
    assert choose(client, f"{head}key={key.replace(user.id.hex, other.id.hex)}").status_code == 410
    for nonsense in ("", "x", "..", f"{user.id.hex}.99999999999.", f"{user.id.hex}.é.é"):
        assert choose(client, f"{head}key={nonsense}").status_code == 410


def test_of_many_who_use_a_link_at_the_same_moment_one_chooses(app, client, session):
    user = make_user()
    ask(client, user.email)
    link = link_in(session)
    tries = [partial(choose, app.test_client(), link, f"password-of-number-{number}") for number in range(4)]
    assert sorted(answer.status_code for answer in at_once(app, tries)) == [302, 410, 410, 410]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"password": "short", "again": "short"}, "Use at least 10 characters"),
        ({"password": "aaaaaaaaaaaaaa", "again": "aaaaaaaaaaaaaa"}, "not the same few"),
        ({"password": NEW, "again": "another"}, "The two are not the same."),
        ({}, "Choose a password."),
    ],
)
def test_a_weak_choice_is_refused_in_words_and_the_link_lives_on(client, session, sent, said):
    user = make_user()
    ask(client, user.email)
    link = link_in(session)
    answer = client.post(link, data=sent)
    assert answer.status_code == 422
    assert said in answer.text
    assert choose(client, link).status_code == 302


def test_many_wishes_are_one_letter(client, session, clock):
    user = make_user()
    for _ in range(5):
        ask(client, user.email)
    assert len(session.scalars(select(Notification)).all()) == 1


def test_what_is_changed_is_told_and_written_down(client, session):
    user = make_user()
    ask(client, user.email)
    choose(client, link_in(session))
    session.expire_all()
    kinds = session.scalars(select(Notification.kind).order_by(Notification.created_at, Notification.id)).all()
    assert kinds == ["password_reset", "password_changed"]
    entry = session.scalars(select(AuditEntry).filter_by(action="user.password_changed")).one()
    assert entry.actor_user_id == user.id
    assert NEW not in entry.changes


def test_the_link_stands_in_nothing_that_we_keep(app, client, session, smtp):
    user = make_user()
    ask(client, user.email)
    link = link_in(session)
    delivering.deliver_due()
    session.expire_all()
    (row,) = session.scalars(select(Notification)).all()
    copy = SentCopy.unpack(row.sent_copy)
    key = link.partition("key=")[2]
    assert key in smtp.messages[0].text
    assert "/reset/choose?key=" in copy.text
    assert key not in copy.text + copy.html + str(row.context)
    dead = re.search(r"(/reset/choose\S+)", copy.text)[1]
    assert client.get(dead).status_code == 410


def test_staff_cannot_read_somebodys_link_before_it_is_sent(app, client, session):
    victim = make_user(Role.ADMIN)
    ask(app.test_client(), victim.email)
    (row,) = session.scalars(select(Notification)).all()
    sign_in(client, Role.VIEWER)
    page = client.get(f"/admin/notifications/details/?id={row.id}").text
    preview = client.get(f"/admin/notifications/{row.id}/preview").text
    for found in re.findall(r"/reset/choose\?key=([\w.]+)", page + preview):
        assert client.get(f"/reset/choose?key={found}").status_code == 410


def test_the_owner_changes_it_with_the_present_one(app, client, session):
    user = sign_in(client, Role.PROVIDER)
    other = app.test_client()
    sign_in(other, user)
    page = client.get("/account/password")
    assert 'autocomplete="current-password"' in page.text
    wrong = client.post("/account/password", data={"current": "wrong", "password": NEW, "again": NEW})
    assert wrong.status_code == 422
    assert "This is not your present password." in wrong.text
    before = client.get_cookie("session").value
    answer = client.post("/account/password", data={"current": PASSWORD, "password": NEW, "again": NEW})
    assert answer.location == "/account"
    assert client.get("/account").status_code == 200
    assert other.get("/account").location.startswith("/login")
    client.set_cookie("session", before)
    assert client.get("/account").location.startswith("/login")
    assert can_sign_in(app, user, NEW)


def test_guessing_the_present_password_has_to_wait(client, session, clock):
    sign_in(client)
    sent = {"current": "wrong", "password": NEW, "again": NEW}
    answers = [client.post("/account/password", data=sent) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert "Wait 15 seconds" in answers[-1].text


def test_who_came_by_a_link_is_known_to_the_account(app, client, session):
    user = make_user()
    ask(client, user.email)
    answer = choose(client, link_in(session))
    assert any(cookie.startswith("browser=") for cookie in answer.headers.getlist("Set-Cookie"))


def test_links_name_our_own_host_whatever_the_visitor_called_us(app, client, session):
    user = make_user()
    client.post("/reset", data={"email": user.email}, base_url="http://evil.example")
    (row,) = session.scalars(select(Notification)).all()
    assert "evil.example" not in letters.compose(row, stationery()).text
    assert Page(client.get("/reset").text).find("input", name="email")
