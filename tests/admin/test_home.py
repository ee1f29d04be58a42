"""The read-only lists behind the numbers of the first page."""

import pytest
from sqlalchemy import select

from app.db import transaction
from app.models import EventOutcome, GatewayConfig, Payment, Role, ServiceRequest, WebhookEvent
from tests.admin.rows import count_queries
from tests.factories import make_provider, make_request
from tests.pages import Page
from tests.sign_in import sign_in

SECRET = "a-webhook-secret-that-nobody-may-see"


def add_event(session, **changes):
    values = {"gateway": "sandbox", "event_id": "evt_1", "kind": "payment.captured", "body": b"{}", "headers": b"{}"}
    with transaction():
        row = WebhookEvent(
            **values | {"outcome": EventOutcome.REVIEW, "detail": "No payment of ours has these ids"} | changes
        )
        session.add(row)
    return row


def test_a_gateways_message_is_read_without_its_raw_body(client, session):
    sign_in(client, Role.VIEWER)
    event_row = add_event(session, body=b'{"secret": "raw-body"}', headers=b'{"sandbox-signature": "raw-header"}')
    assert "evt_1" in client.get("/admin/webhook_events/?outcome=review").text
    page = client.get(f"/admin/webhook_events/details/?id={event_row.id}").text
    assert "No payment of ours has these ids" in page
    assert "raw-body" not in page
    assert "raw-header" not in page


def test_a_gateways_secrets_are_nowhere_to_be_seen(client, session):
    sign_in(client)
    with transaction():
        session.add(GatewayConfig(gateway="stripe", api_key=SECRET, api_secret=SECRET, webhook_secret=SECRET))
    row = session.scalars(select(GatewayConfig)).one()
    for address in ("", f"details/?id={row.id}", "export/csv/"):
        answer = client.get(f"/admin/gateways/{address}", buffered=True)
        assert SECRET not in answer.text
        assert SECRET[-4:] not in answer.text
    assert "/api/services/payment/webhook/stripe" in client.get(f"/admin/gateways/{row.gateway}").text


@pytest.mark.parametrize("text", ["reference", "gateway_payment_id", "gateway_intent_id"])
def test_a_payment_is_found_by_what_customers_quote(client, session, text):
    sign_in(client, Role.FINANCE)
    request, _ = make_request(), make_request()
    payment = session.scalars(select(Payment).where(Payment.service_request_id == request.id)).one()
    term = request.reference_number if text == "reference" else getattr(payment, text)
    page = Page(client.get("/admin/payments/", query_string={"q": term}).text)
    assert "Payments 1" in page.words
    assert request.reference_number in page.words


LISTS = ["payments", "notifications", "webhook_events", "services", "tiers", "providers", "users", "gateways"]
ODD = ["-1", "99999999999999999999", "zzz", "\x00", "0001-01-01", "9999-12-31", "'", "%", "😀"]
NAMES = "status gateway from to review kind outcome handled category sale availability load role account service q sort"


@pytest.mark.parametrize("table", LISTS)
def test_odd_input_breaks_no_list(client, session, table):
    sign_in(client)
    for value in ODD:
        everything = dict.fromkeys((*NAMES.split(), "after", "before", "page"), value)
        assert client.get(f"/admin/{table}/", query_string=everything).status_code == 200


@pytest.mark.parametrize("table", ["payments", "notifications", "providers"])
def test_lists_ask_the_database_as_often_for_forty_as_for_four(client, session, table):
    sign_in(client)
    grow(4)
    few = count_queries(client, f"/admin/{table}/")
    grow(36)
    assert count_queries(client, f"/admin/{table}/") == few


def grow(number):
    for _ in range(number):
        make_provider()
        make_request()


def test_the_page_of_a_request_asks_as_often_however_long_its_story(client, session):
    sign_in(client)
    request = make_request()
    key, address = request.id, f"/admin/requests/{request.id}"
    client.get(address)  # who looks is noted, once an hour
    few = count_queries(client, address)
    for _ in range(10):
        session.rollback()
        version = session.get_one(ServiceRequest, key, populate_existing=True).version
        client.post(f"{address}/notes", data={"note": "Again.", "version": version})
    assert count_queries(client, address) == few
