"""The business's hours and each provider's, as administrators set them."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.db import db
from app.kit.calendar import Hours
from app.models import AuditEntry, Role
from app.workflows import working_time
from tests.factories import make_provider, make_user
from tests.pages import Page
from tests.sign_in import sign_in

URL = "/admin/working_hours/"
WEEK = {"step": "hours", "day0": "9-18", "day5": "10-14"}


def test_administrators_set_the_hours_of_the_business(client, session):
    sign_in(client, Role.ADMIN)
    assert client.post(URL, data=WEEK).status_code == 302
    assert working_time.hours_of(None) == {0: (Hours(540, 1080),), 5: (Hours(600, 840),)}
    assert Page(client.get(URL).text).find("input", name="day5")[0]["value"] == "10:00-14:00"
    client.post(URL, data={"step": "hours"})
    assert working_time.business().is_always_open
    actions = db.session.scalars(select(AuditEntry.action).where(AuditEntry.subject_type == "business")).all()
    assert actions == ["hours.changed"] * 2


def test_a_providers_hours_are_set_on_a_page_of_their_own(client, session):
    provider = make_provider(name="Priya Raman")
    sign_in(client, Role.ADMIN)
    client.post(f"{URL}{provider.id}", data=WEEK)
    assert working_time.hours_of(provider.id)[0] == (Hours(540, 1080),)
    assert working_time.hours_of(None) == {}
    assert "Hours of Priya Raman" in Page(client.get(f"{URL}{provider.id}").text).words
    assert client.get(f"{URL}{make_user(Role.VIEWER).id}").status_code == 404


def test_public_holidays_come_and_go(client, session):
    sign_in(client, Role.ADMIN)
    first = working_time.today() + timedelta(days=10)
    last = first + timedelta(days=1)
    client.post(URL, data={"step": "add", "first": first.isoformat(), "last": last.isoformat(), "name": "Diwali"})
    days = working_time.days_off(None, since=first)
    assert [(each.day, each.name) for each in days] == [(first, "Diwali"), (last, "Diwali")]
    client.post(URL, data={"step": "remove", "day_off": str(days[0].id)})
    session.expire_all()
    assert [each.day for each in working_time.days_off(None, since=first)] == [last]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.FINANCE, Role.VIEWER])
def test_others_read_them_and_change_nothing(client, session, role):
    sign_in(client, role)
    assert client.get(URL).status_code == 200
    assert client.post(URL, data=WEEK).status_code == 403
    assert working_time.hours_of(None) == {}
