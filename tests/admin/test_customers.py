"""Administrators hand out and erase a customer's data in the console; nobody else does."""

import json

import pytest
from sqlalchemy import select

from app.models import AuditEntry, Role, ServiceRequest
from tests.factories import make_request
from tests.pages import Page
from tests.sign_in import sign_in

URL = "/admin/customers/"
EMAIL = "kavya.iyer@example.org"


@pytest.fixture
def admin(client, session):
    return sign_in(client)


def send(client, step, **fields):
    return client.post(URL, data={"step": step, "email": EMAIL} | fields)


def test_a_customer_is_found_handed_out_and_erased(client, session, admin):
    request = make_request(is_paid=False)
    page = Page(send(client, "find").text).words
    assert request.reference_number in page
    assert "waits for its payment" in page
    answer = send(client, "export")
    assert json.loads(answer.text)["requests"][0]["reference"] == request.reference_number
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "tick the box" in send(client, "erase").text
    assert "waits for its payment" in send(client, "erase", sure="1").text
    assert session.get_one(ServiceRequest, request.id).customer_name == "Kavya Iyer"
    answer = send(client, "erase", sure="1", although_needed="1")
    assert answer.status_code == 302
    assert f"Erased the customer of {request.reference_number}" in client.get(answer.location).text
    session.rollback()
    session.expire_all()
    assert session.get_one(ServiceRequest, request.id).customer_name == "Erased customer"
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "customer.erased")).one()
    assert entry.actor_user_id == admin.id
    assert "Nothing is kept about" in send(client, "find").text
    for address in (f"/admin/requests/{request.id}", "/admin/requests/?view=all", "/admin/audit/"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "Kavya" not in answer.text


def test_a_step_that_there_is_not_is_refused(client, session, admin):
    assert send(client, "forge").status_code == 404


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.FINANCE, Role.VIEWER])
def test_it_is_for_administrators(client, session, role):
    sign_in(client, role)
    assert send(client, "find").status_code == 403
    assert client.get(URL).status_code == 403
