"""Who only reads sees whom a request is for, but not how to reach them, nor what was written."""

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.models import Notification, NotificationStatus, Role
from app.workflows import requests
from app.workflows.audit import SYSTEM
from app.workflows.deliveries import SentCopy
from tests.factories import make_request
from tests.sign_in import sign_in

SECRETS = ("kavya.iyer@example.org", "70000", "Please call me", "Prefers Mondays")


@pytest.fixture
def request_made(client, session):
    request = make_request()
    with transaction():
        requests.add_note(requests.get_locked(request.id), "Prefers Mondays", actor=SYSTEM)
        for letter in session.scalars(select(Notification)):
            letter.status = NotificationStatus.SENT
            letter.sent_copy = SentCopy("Hello", "Write to kavya.iyer@example.org", "<p>Prefers Mondays</p>").pack()
    return request


def places(request):
    letter = db.session.scalars(select(Notification).where(Notification.recipient_user_id.is_(None))).first()
    return (
        "/admin/requests/?view=all",
        f"/admin/requests/{request.id}",
        f"/admin/requests/{request.id}/preview",
        "/admin/notifications/",
        f"/admin/notifications/details/?id={letter.id}",
        f"/admin/notifications/{letter.id}/letter",
        "/admin/palette/?q=kavya",
    )


def seen(client, request):
    client.post("/admin/requests/columns", data={"column": ["who", "email", "phone"]})
    texts = [client.get(address).text for address in places(request)]
    return {secret for secret in SECRETS for text in texts if secret in text}, texts


def test_a_viewer_sees_names_and_no_way_to_reach_anybody(client, session, request_made):
    sign_in(client, Role.VIEWER)
    found, texts = seen(client, request_made)
    assert found == set()
    assert all("Kavya Iyer" in text for text in texts[:3])
    assert "Your role does not show how to reach customers" in texts[1]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.OPERATOR, Role.FINANCE])
def test_who_works_with_customers_sees_all(client, session, request_made, role):
    sign_in(client, role)
    found, _ = seen(client, request_made)
    assert found == set(SECRETS)
