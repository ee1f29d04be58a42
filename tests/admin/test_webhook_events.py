"""Gateway messages in the console: found, read, tried, handled again, reviewed."""

import json

import pytest
from sqlalchemy import select

from app.db import transaction
from app.models import (
    AuditEntry,
    EventOutcome,
    Notification,
    Payment,
    PaymentStatus,
    Role,
    WebhookEvent,
)
from tests.events import event_body, post_event
from tests.factories import make_gateway, make_payment, make_provider, make_user
from tests.pages import Page
from tests.sign_in import sign_in

URL = "/admin/webhook_events/"
UNKNOWN = {"id": "sbp_unknown", "intent_id": "sbi_unknown", "metadata": {}}


@pytest.fixture
def staff(client, session):
    return sign_in(client, Role.FINANCE)


def unknown(client, session):
    """A message about a payment that nobody here has made."""
    post_event(client, event_body(make_payment(), **UNKNOWN))
    return session.scalars(select(WebhookEvent).order_by(WebhookEvent.created_at.desc())).first()


@pytest.fixture
def overtaken(client, session):
    """A message about a payment we only know by now: it came to nothing then, and would do something now."""
    make_user(Role.ADMIN)
    make_provider(name="Priya Raman")
    payment = make_payment()
    known = {name: getattr(payment, name) for name in ("gateway_intent_id", "idempotency_key")}
    with transaction():
        row = session.get_one(Payment, payment.id)
        row.gateway_intent_id, row.idempotency_key = "sbi_other", "other"
    post_event(client, event_body(payment, intent_id=known["gateway_intent_id"]))
    with transaction():
        row = session.get_one(Payment, payment.id)
        for name, value in known.items():
            setattr(row, name, value)
    return session.scalars(select(WebhookEvent)).one()


def fresh(session, row):
    session.rollback()
    return session.get_one(type(row), row.id, populate_existing=True)


def outcomes(session):
    session.rollback()
    return session.scalars(select(WebhookEvent.outcome)).all()


def listed(client, **arguments):
    answer = client.get(URL, query_string=arguments)
    assert answer.status_code == 200
    return [box["aria-label"].removeprefix("Select ") for box in Page(answer.text).find("input", name="rowid")]


def test_a_trial_tells_what_would_happen_and_nothing_happens(client, session, staff, overtaken):
    assert overtaken.outcome is EventOutcome.REVIEW
    before = session.scalars(select(Notification.id)).all()
    words = Page(client.get(f"{URL}{overtaken.id}/rehearsal").text).words
    for part in (
        "Payment Not paid yet Paid",
        "Provider – Priya Raman",
        "Entry in the history – Payment confirmed",
        "Confirmation, to the customer",
        "Assignment, to Priya Raman",
    ):
        assert part in words
    assert session.scalars(select(Payment.status)).all() == [PaymentStatus.PENDING]
    assert session.scalars(select(Notification.id)).all() == before
    assert fresh(session, overtaken).attempts == 1
    assert session.scalars(select(AuditEntry).where(AuditEntry.action == "webhook_event.replayed")).all() == []


def test_the_button_does_what_the_trial_said_and_twice_is_once(client, session, staff, overtaken):
    for _ in range(2):
        assert client.post(f"{URL}{overtaken.id}/replay").status_code == 302
    assert session.scalars(select(Payment.status)).all() == [PaymentStatus.COMPLETED]
    kinds = session.scalars(select(Notification.kind).where(Notification.kind != "alert")).all()
    assert sorted(kinds) == ["new_request", "payment_confirmed", "provider_assigned"]
    assert fresh(session, overtaken).outcome is EventOutcome.APPLIED
    entries = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.action == "webhook_event.replayed")
        .order_by(AuditEntry.created_at, AuditEntry.id)
    ).all()
    assert [json.loads(entry.changes)["after"]["outcome"] for entry in entries] == ["applied", "unchanged"]
    assert {entry.actor_user_id for entry in entries} == {staff.id}


def test_what_is_known_already_would_change_nothing(client, session, staff):
    make_gateway()
    post_event(client, event_body(make_payment()))
    event = session.scalars(select(WebhookEvent)).one()
    assert "All that this message says is known already" in client.get(f"{URL}{event.id}/rehearsal").text


def test_a_message_that_cannot_be_handled_says_so_and_changes_nothing(client, session, staff, overtaken):
    with transaction():
        session.get_one(WebhookEvent, overtaken.id).body = b"{}"
    for answer in (client.get(f"{URL}{overtaken.id}/rehearsal"), client.post(f"{URL}{overtaken.id}/replay")):
        assert answer.status_code == 409
        assert "breaks off (KeyError), so nothing was changed" in answer.text
    assert fresh(session, overtaken).attempts == 1


def test_many_are_tried_and_then_handled_with_an_outcome_for_each(client, session, staff, overtaken):
    broken = unknown(client, session)
    with transaction():
        session.get_one(WebhookEvent, broken.id).body = b"{}"
    sent = {"rowid": [str(overtaken.id), str(broken.id)], "list": "outcome=review"}
    words = Page(client.post(f"{URL}action/", data=sent | {"action": "rehearse"}).text).words
    assert "Payment: Not paid yet → Paid" in words
    assert "Refused" in words
    assert outcomes(session).count(EventOutcome.APPLIED) == 0
    answer = client.post(f"{URL}replay", data=sent)
    assert "1 done, 1 refused" in Page(answer.text).words
    assert Page(answer.text).find("a", class_="button primary")[0]["href"] == f"{URL}?outcome=review"
    assert outcomes(session).count(EventOutcome.APPLIED) == 1


def test_no_more_than_a_hundred_at_once(client, session, staff):
    sent = {"action": "rehearse", "rowid": [f"00000000-0000-7000-8000-{number:012}" for number in range(101)]}
    assert client.post(f"{URL}action/", data=sent).status_code == 422


def test_a_review_is_kept_with_its_note(client, session, staff, overtaken):
    answer = client.post(f"{URL}{overtaken.id}/review", data={"note": "A payment of the other shop."})
    assert answer.status_code == 302
    assert listed(client, review="needed") == []
    assert listed(client, review="done") == [overtaken.event_id]
    words = Page(client.get(f"{URL}details/?id={overtaken.id}").text).words
    assert f"by {staff.name}" in words
    assert "A payment of the other shop." in words
    again = client.post(f"{URL}{overtaken.id}/review", data={"note": "Once more"})
    assert (again.status_code, "reviewed already" in again.text) == (409, True)
    assert fresh(session, overtaken).next_attempt_at is None


@pytest.mark.parametrize("note", ["", "   ", "x" * 2_001])
def test_a_review_says_what_it_came_to(client, session, staff, overtaken, note):
    assert client.post(f"{URL}{overtaken.id}/review", data={"note": note}).status_code == 422
    assert fresh(session, overtaken).reviewed_at is None


def test_many_are_reviewed_with_one_note(client, session, staff, overtaken):
    post_event(client, event_body(make_payment()))
    keys = [str(key) for key in session.scalars(select(WebhookEvent.id))]
    sent = {"action": "review", "rowid": keys, "note": "Looked into."}
    assert "1 done, 1 refused" in Page(client.post(f"{URL}action/", data=sent).text).words


@pytest.mark.parametrize("field", ["event_id", "gateway_payment_id", "gateway_intent_id", "reference"])
def test_a_message_is_found_by_what_people_quote(client, session, staff, field):
    payment = make_payment()
    post_event(client, event_body(payment))
    post_event(client, event_body(make_payment()))
    event = session.scalars(select(WebhookEvent).where(WebhookEvent.payment_id == payment.id)).one()
    text = payment.service_request.reference_number if field == "reference" else getattr(event, field)
    assert listed(client, q=text) == [event.event_id]
    assert listed(client, q=f"{text}x") == []


def test_a_message_about_an_unknown_payment_is_found_by_the_gateways_id(client, session, staff):
    event = unknown(client, session)
    assert (event.payment_id, listed(client, q="sbp_unknown")) == (None, [event.event_id])


def test_filters_combine(client, session, staff, overtaken):
    post_event(client, event_body(make_payment(), is_paid=False))
    failed = session.scalars(select(WebhookEvent).where(WebhookEvent.kind == "payment.failed")).one()
    assert listed(client, kind="payment.failed") == [failed.event_id]
    assert listed(client, gateway="sandbox", outcome="review") == [overtaken.event_id]
    assert listed(client, handled="no") == [overtaken.event_id]
    assert listed(client, handled="yes", kind="payment.paid") == []
    assert listed(client, **{"from": "2001-01-01", "to": "2001-01-02"}) == []
    page = Page(client.get(f"{URL}?kind=payment.failed").text)
    assert "Message is payment.failed" in page.words
    assert {each["value"] for each in page.find("option")} >= {"payment.paid", "payment.failed"}


TALKATIVE = {
    "email": "kavya@example.org",
    "card": {"last4": "4242", "name": "Kavya Iyer", "network": "Visa"},
    "client_secret": "pi_1_secret_2",
    "receipt": 77,
}


@pytest.mark.parametrize(
    ("role", "is_whole"), [(Role.ADMIN, True), (Role.FINANCE, True), (Role.OPERATOR, False), (Role.VIEWER, False)]
)
def test_what_tells_of_a_person_is_for_those_who_may_read_it(client, session, role, is_whole):
    sign_in(client, role)
    payment = make_payment()
    post_event(client, event_body(payment, **TALKATIVE))
    event = session.scalars(select(WebhookEvent)).one()
    text = client.get(f"{URL}details/?id={event.id}").text
    for personal in ("kavya@example.org", "4242", "Kavya Iyer"):
        assert (personal in text) is is_whole
    assert "Visa" in text
    assert str(payment.amount_minor) in text
    assert "pi_1_secret_2" not in text


@pytest.mark.parametrize("role", [Role.VIEWER])
def test_those_who_only_read_handle_nothing(client, session, overtaken, role):
    sign_in(client, role)
    assert "handling it again" not in client.get(f"{URL}details/?id={overtaken.id}").text
    assert client.get(f"{URL}{overtaken.id}/rehearsal").status_code == 403
    assert client.post(f"{URL}{overtaken.id}/replay").status_code == 403
    assert client.post(f"{URL}replay", data={"rowid": str(overtaken.id)}).status_code == 403
    assert client.post(f"{URL}{overtaken.id}/review", data={"note": "x"}).status_code == 403
    for action in ("rehearse", "review"):
        sent = {"action": action, "rowid": str(overtaken.id), "note": "x"}
        assert client.post(f"{URL}action/", data=sent).status_code == 403
    assert fresh(session, overtaken).outcome is EventOutcome.REVIEW


def test_an_unknown_message_is_not_found(client, session, staff):
    missing = "00000000-0000-7000-8000-000000000000"
    assert client.get(f"{URL}{missing}/rehearsal").status_code == 404
    assert client.post(f"{URL}{missing}/replay").status_code == 404
