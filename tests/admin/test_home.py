"""Today at a glance, and the read-only lists behind its numbers."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.db import transaction
from app.kit import clock
from app.models import (
    EventOutcome,
    GatewayConfig,
    Notification,
    NotificationStatus,
    Payment,
    PaymentFlag,
    Role,
    ServiceRequest,
    WebhookEvent,
)
from tests.admin.rows import count_queries
from tests.factories import make_provider, make_request
from tests.pages import Page
from tests.sign_in import sign_in

SECRET = "a-webhook-secret-that-nobody-may-see"


def figures(client):
    items = client.get("/admin/").text.partition('class="figures"')[2].split("<li")[1:]
    pages = [Page(f"<li{item}") for item in items]
    return {page.words.partition(" ")[2]: (page.words.partition(" ")[0], page.find("a")[0]["href"]) for page in pages}


def number(client, label):
    return next((count, address) for words, (count, address) in figures(client).items() if words.startswith(label))


def test_each_number_leads_to_as_many_rows(client, session):
    sign_in(client, Role.OPERATOR)
    make_request()
    late = make_request(due_at=clock.utc_now() - timedelta(hours=3))
    make_provider()
    with transaction():
        row = session.scalars(select(Notification)).first()
        row.status = NotificationStatus.DEAD
        payment = session.scalars(select(Payment).where(Payment.service_request_id == late.id)).one()
        payment.flag = PaymentFlag.DUPLICATE
    expected = {
        "Awaiting first contact": "2",
        "Unassigned": "2",
        "Overdue": "1",
        "Payments to review": "1",
        "Failed mails": "1",
    }
    for label, count in expected.items():
        shown, address = number(client, label)
        assert shown == count, label
        page = client.get(address)
        assert f'<span class="count">{count}</span>' in page.text, label
    assert "3 h late" in client.get("/admin/requests/?view=overdue").text


def test_a_quiet_day_says_so(client, session):
    sign_in(client, Role.VIEWER)
    assert all(count == "0" for count, _ in figures(client).values())
    assert "Every customer was contacted" in Page(client.get("/admin/").text).words


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
    few = count_queries(client, address)
    for _ in range(10):
        session.rollback()
        version = session.get_one(ServiceRequest, key, populate_existing=True).version
        client.post(f"{address}/notes", data={"note": "Again.", "version": version})
    assert count_queries(client, address) == few
