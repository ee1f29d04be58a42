"""The inbox of gateway messages. Seen and handled are two steps, each in a transaction of its own."""

import json
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from app.db import LOCK, db
from app.errors import DomainError, InvalidInput
from app.gateways.base import EventKind, GatewayEvent, InvalidSignature, PaymentSnapshot, UnsupportedGateway
from app.kit import clock, ids
from app.kit.backoff import Backoff
from app.models import EventOutcome, WebhookEvent
from app.workflows import audit, disputes, gateway_choice, gateway_health, notifications, payments, refunds
from app.workflows.audit import Actor

MAXIMUM_NOTE_LENGTH = 2_000
RETRY = Backoff(first=timedelta(minutes=1), factor=3, retries=8)
_KEPT_HEADERS = ("content-type", "user-agent")
_HANDLED_ON_ARRIVAL = timedelta(minutes=1)


class ReviewRefused(DomainError):
    code = "review_refused"
    message = "Only messages that need review are marked as reviewed."


def gateway_of(headers: Mapping[str, str]) -> str:
    """Whose message it is, told by the header its signature stands in. Raises InvalidSignature."""
    gateway = gateway_choice.find_by_signature({name.lower() for name in headers})
    if gateway is None:
        raise InvalidSignature
    return gateway


def parse(gateway: str, body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
    """Verify and read a delivery. Raises UnsupportedGateway or InvalidSignature."""
    adapter = gateway_choice.adapter_of(gateway)
    if not adapter.is_available():
        raise UnsupportedGateway
    # An empty secret switches the endpoint off: the adapter refuses whatever comes.
    return adapter.parse_webhook(body, headers)


def receive(gateway: str, event: GatewayEvent, body: bytes, headers: Mapping[str, str]) -> UUID | None:
    """Note a verified delivery; the id of the event if it has yet to be handled, None if that is done.

    One statement decides who was first, so two deliveries at once make one row.
    """
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    now = clock.utc_now()
    statement = insert(WebhookEvent).values(
        id=ids.new_id(),
        created_at=now,
        gateway=gateway,
        event_id=event.event_id,
        kind=event.name[:64],
        gateway_payment_id=_id_of(event, "gateway_payment_id"),
        gateway_intent_id=_id_of(event, "gateway_intent_id"),
        body=body,
        headers=_kept(headers),
        deliveries=1,
        attempts=0,
        next_attempt_at=now + _HANDLED_ON_ARRIVAL,
    )
    upsert = statement.on_conflict_do_update(
        index_elements=["gateway", "event_id"], set_={"deliveries": WebhookEvent.deliveries + 1}
    )
    row = db.session.execute(upsert.returning(WebhookEvent.id, WebhookEvent.handled_at)).one()
    gateway_health.note_webhook(gateway)
    return row.id if row.handled_at is None else None


def handle(event_row_id: UUID) -> EventOutcome | None:
    """Act on an event that was seen; None when another delivery or job has done so."""
    row = db.session.get_one(WebhookEvent, event_row_id, with_for_update=LOCK, populate_existing=True)
    if row.handled_at is not None:
        return None
    row.attempts += 1
    row.outcome, row.detail = _act(row)
    if row.outcome is EventOutcome.REVIEW:
        # Completes nothing, is kept, and put before a person.
        notifications.alert("webhook_review", f"A {row.gateway} message needs review: {row.detail}.", fold=str(row.id))
    delay = RETRY.delay(row.attempts) if row.payment_id is None and row.outcome is EventOutcome.REVIEW else None
    # News of a payment we do not know may have overtaken it: it is tried again for a while.
    row.next_attempt_at = clock.utc_now() + delay if delay else None
    row.handled_at = None if delay else clock.utc_now()
    return row.outcome


def replay(row: WebhookEvent, *, actor: Actor) -> EventOutcome:
    """Act on a locked event once more because a person says so, whatever came of it before.

    What it did already is not done twice. Raises whatever handling it raises.
    """
    before = row.outcome
    row.attempts += 1
    found, row.detail = _act(row)
    # That it is known by now does not undo that it once did something.
    is_known = before is EventOutcome.APPLIED and found is EventOutcome.UNCHANGED
    row.outcome = before if is_known else found
    row.handled_at, row.next_attempt_at = clock.utc_now(), None
    audit.record("webhook_event.replayed", row, actor=actor, before={"outcome": before}, after={"outcome": found})
    return found


def mark_reviewed(row: WebhookEvent, note: str, *, actor: Actor) -> None:
    """A person looked into a locked event, and says what it came to. Raises ReviewRefused, InvalidInput."""
    if row.outcome is not EventOutcome.REVIEW:
        raise ReviewRefused
    if row.reviewed_at is not None:
        raise ReviewRefused("It was marked as reviewed already.")
    if not note.strip() or len(note) > MAXIMUM_NOTE_LENGTH:
        message = f"Say what it came to, in up to {MAXIMUM_NOTE_LENGTH:,} characters."
        raise InvalidInput(message, details={"note": message})
    row.review_note, row.reviewed_at, row.reviewed_by_user_id = note.strip(), clock.utc_now(), actor.user_id
    # The next try would only alert again.
    row.handled_at, row.next_attempt_at = row.handled_at or row.reviewed_at, None
    audit.record("webhook_event.reviewed", row, actor=actor, after={"note": row.review_note})


def note_failure(event_row_id: UUID, error: Exception) -> None:
    """Handling broke: keep why, and when to try again. It stays seen and not handled."""
    row = db.session.get_one(WebhookEvent, event_row_id, with_for_update=LOCK, populate_existing=True)
    row.attempts += 1
    # The type only: a message may quote what the customer wrote.
    row.detail = f"Handling failed: {type(error).__name__}"
    delay = RETRY.delay(row.attempts)
    row.next_attempt_at = clock.utc_now() + delay if delay else None
    notifications.alert(
        "webhook_failed", f"A {row.gateway} message could not be handled ({row.detail}).", fold=str(row.id)
    )


def due_events(limit: int = 100) -> list[UUID]:
    """Events seen but not handled whose next try is due, oldest first."""
    query = (
        select(WebhookEvent.id)
        .where(WebhookEvent.handled_at.is_(None), WebhookEvent.next_attempt_at <= clock.utc_now())
        .order_by(WebhookEvent.next_attempt_at)
        .limit(limit)
    )
    return list(db.session.scalars(query))


def read_again(row: WebhookEvent) -> GatewayEvent:
    """It was verified when it came; by now its secret may have been rolled or its timestamp be too old."""
    adapter = gateway_choice.adapter_of(row.gateway)
    return adapter.process_webhook(row.body, json.loads(row.headers))


def _act(row: WebhookEvent) -> tuple[EventOutcome, str | None]:
    event = read_again(row)
    if event.kind is EventKind.IGNORED or event.snapshot is None:
        return EventOutcome.IGNORED, None
    payment = payments.find_payment(row.gateway, event.snapshot)
    if payment is None:
        return EventOutcome.REVIEW, "No payment of ours has these ids"
    outcome = _apply(payment.id, event, event.snapshot)
    # Only now: referring to a payment locks it a little, and the request is to be locked before it.
    row.payment_id = payment.id
    if outcome is EventOutcome.REVIEW:
        return outcome, "Amount or currency is not what was asked"
    return outcome, None


def _apply(payment_id: UUID, event: GatewayEvent, snapshot: PaymentSnapshot) -> EventOutcome:
    if event.kind is EventKind.REFUNDED and event.refund is not None:
        return refunds.learn(payments.get_locked(payment_id), event.refund)
    if event.kind is EventKind.DISPUTED and event.dispute is not None:
        return disputes.learn(payments.get_locked(payment_id), event.dispute)
    if event.kind is EventKind.REFUNDED:
        # Something went back, and only the gateway can say what.
        payments.ask_soon(payments.get_locked(payment_id))
        return EventOutcome.APPLIED
    return payments.settle(payment_id, snapshot)


def _id_of(event: GatewayEvent, name: str) -> str | None:
    """The gateway's id of what the message speaks of, to be found by it also if no payment of ours has it."""
    value: str | None = getattr(event.snapshot, name, None)
    return value[:255] if value else None


def _kept(headers: Mapping[str, str]) -> bytes:
    names = {name.lower(): value for name, value in headers.items()}
    kept = {name: value for name, value in names.items() if name in _KEPT_HEADERS or _is_gateways(name)}
    return json.dumps(kept).encode()


def _is_gateways(name: str) -> bool:
    return name.startswith(("stripe-", "x-razorpay-", "paypal-", "sandbox-"))
