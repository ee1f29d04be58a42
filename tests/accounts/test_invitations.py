"""Accounts made in the console without a password: invited by mail, with a link to choose one."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from app.models import Notification, User
from tests.accounts.test_passwords import NEW, can_sign_in, choose, link_in
from tests.factories import make_user
from tests.sign_in import sign_in

START = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as clock:
        yield clock


def make_in_console(client, **changes):
    sent = {"name": "New Person", "email": "new@example.com", "role": "operator", "is_enabled": "y"} | changes
    return client.post("/admin/users/new/", data=sent)


def test_an_account_without_a_password_gets_an_invitation(app, client, session, clock):
    sign_in(client)
    assert make_in_console(client).status_code == 302
    user = session.scalars(select(User).filter_by(email="new@example.com")).one()
    link = link_in(session, "invitation")
    clock.shift(timedelta(days=6))
    assert choose(app.test_client(), link).status_code == 302
    assert can_sign_in(app, user, NEW)


def test_an_account_with_a_password_gets_none(client, session):
    sign_in(client)
    assert make_in_console(client, password=NEW).status_code == 302
    assert session.scalars(select(Notification)).all() == []


@pytest.mark.parametrize(
    ("role", "form"), [("providers", {"capacity": "5"}), ("affiliates", {"code": "NEW", "rate": "5"})]
)
def test_partners_are_invited_alike(client, session, role, form):
    sign_in(client)
    sent = {"name": "New", "email": "new@example.com", "availability": "available", "is_enabled": "y"} | form
    assert client.post(f"/admin/{role}/new/", data=sent).status_code == 302
    assert session.scalars(select(Notification.kind)).all() == ["invitation"]


def test_an_administrator_sends_the_link_again(client, session, clock):
    sign_in(client)
    user = make_user(password_hash=None)
    client.post(f"/admin/users/{user.id}/invite")
    clock.shift(timedelta(minutes=2))
    client.post(f"/admin/users/{user.id}/invite")
    with_password = make_user()
    client.post(f"/admin/users/{with_password.id}/invite")
    kinds = session.scalars(select(Notification.kind).order_by(Notification.created_at, Notification.id)).all()
    assert kinds == ["invitation", "invitation", "password_reset"]
    closed = make_user(is_enabled=False)
    assert client.post(f"/admin/users/{closed.id}/invite").status_code == 422
