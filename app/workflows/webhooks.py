"""The inbox of gateway messages. Seen and handled are two steps, each in a transaction of its own."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import Select, Table, Uuid, bindparam, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from app.db import LOCK, db, unsynced
from app.gateways.base import EventKind, Gateway, GatewayEvent, InvalidSignature, PaymentSnapshot, UnsupportedGateway
from app.kept_statements import carry_out
from app.kit import clock, ids
from app.kit.backoff import Backoff
from app.models import Edition, EventOutcome, GatewayConfig, Payment, WebhookEvent
from app.workflows import (
    audit,
    bulk_writes,
    disputes,
    editions,
    gateway_choice,
    locked_payments,
    notifications,
    payments,
    refunds,
)
from app.workflows.audit import Actor
from app.workflows.editions import STAMPS, Stamps
from app.workflows.found_rows import ask

RETRY = Backoff(first=timedelta(minutes=1), factor=3, retries=8)
_KEPT_HEADERS = ("content-type", "user-agent")
_HANDLED_ON_ARRIVAL = timedelta(minutes=1)

_EVENTS = cast(Table, WebhookEvent.__table__)
_LOCKED = (
    select(WebhookEvent.attempts, WebhookEvent.handled_at)
    .where(WebhookEvent.id == bindparam("row"))
    .with_for_update(key_share=True)
)
_MARK = (
    update(_EVENTS)
    .where(_EVENTS.c.id == bindparam("row"))
    .values(
        {
            name: bindparam(name)
            for name in ("outcome", "detail", "payment_id", "attempts", "next_attempt_at", "handled_at")
        }
    )
)


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


class Seen(NamedTuple):
    """A delivery on record: the key of its event, and whether that was handled before."""

    id: UUID
    is_handled: bool
    last_webhook_at: datetime | None
    stamps: Stamps


def receive(gateway: str, event: GatewayEvent, body: bytes, headers: Mapping[str, str]) -> Seen | None:
    """Note a verified delivery. None, and nothing is noted, if a gateway was set up anew since it was verified.

    One statement decides who was first, so two deliveries at once make one row, and makes sure of the settings.
    """
    now = clock.utc_now()
    delivery = {
        "id": ids.new_id(),
        "created_at": now,
        "gateway": gateway,
        "event_id": event.event_id,
        "kind": event.name[:64],
        "gateway_payment_id": _id_of(event, "gateway_payment_id"),
        "gateway_intent_id": _id_of(event, "gateway_intent_id"),
        "body_sealed": body,
        "headers_sealed": _kept(gateway, headers),
        "deliveries": 1,
        "attempts": 0,
        "next_attempt_at": now + _HANDLED_ON_ARRIVAL,
    }
    verified_by = editions.seen_before()
    presumed = {"sender": gateway, "stamp": verified_by.gateways if verified_by else None}
    entry = _entry(db.session.get_bind().dialect.name, tuple(delivery))
    row = carry_out(db.session.connection(), entry, delivery | presumed).first
    return Seen(row.id, row.handled_at is not None, row.last_webhook_at, row) if row else None


@cache
def _entry(dialect: str, names: tuple[str, ...]) -> ReturningInsert[Any]:
    """Also tells when its gateway was last heard of, and the stamps as they are now."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    columns = [bindparam(name, type_=_EVENTS.c[name].type) for name in names]
    stamp = bindparam("stamp", type_=Uuid)
    stands = or_(stamp.is_(None), select(Edition.gateways).scalar_subquery() == stamp)
    once = insert(_EVENTS).from_select(names, select(*columns).where(stands, unsynced(dialect)), include_defaults=False)
    last = select(GatewayConfig.last_webhook_at).where(GatewayConfig.gateway == bindparam("sender"))
    return once.on_conflict_do_update(
        index_elements=["gateway", "event_id"], set_={"deliveries": _EVENTS.c.deliveries + 1}
    ).returning(
        _EVENTS.c.id,
        _EVENTS.c.handled_at,
        last.scalar_subquery().label("last_webhook_at"),
        *(select(stamp).scalar_subquery().label(stamp.key) for stamp in STAMPS),
    )


def handle(event_row_id: UUID, gateway: str, event: GatewayEvent) -> EventOutcome | None:
    """Act on a message that was seen, which says `event`; None when another delivery or job has done so."""
    locked = _lock(event_row_id, gateway, event)
    if locked.is_handled:
        return None
    with bulk_writes.gathered():
        found = _act(locked.payment, event)
        if found.outcome is EventOutcome.REVIEW:
            # Completes nothing, is kept, and put before a person.
            text = f"A {gateway} message needs review: {found.detail}."
            notifications.alert("webhook_review", text, fold=str(event_row_id))
        _mark(event_row_id, found, attempts=locked.attempts + 1)
    return found.outcome


def handle_again(event_row_id: UUID) -> EventOutcome | None:
    """The same for a message that was seen some time ago."""
    row = db.session.get_one(WebhookEvent, event_row_id, populate_existing=True)
    return handle(event_row_id, row.gateway, read_again(row)) if row.handled_at is None else None


class _Locked(NamedTuple):
    """A message, and the payment of ours that it speaks of."""

    attempts: int
    is_handled: bool
    payment: Payment | None


def _lock(event_row_id: UUID, gateway: str, event: GatewayEvent) -> _Locked:
    """The message first, and the request before anything refers to its payment: that locks it a little."""
    keys = {"row": event_row_id, "gateway": gateway}
    for name, value in _marks_of(event):
        found = next(iter(ask(_with_payment(name), keys | {"value": value})), None)
        if found is not None:
            payment = locked_payments.take_in_locked(found)
            return _Locked(found.event_attempts, found.event_handled_at is not None, payment)
    row = db.session.connection().execute(_LOCKED, keys).one()
    return _Locked(row.attempts, row.handled_at is not None, None)


@cache
def _with_payment(mark: str) -> Select[*tuple[Any, ...]]:
    found = locked_payments.locking(mark, _EVENTS).join(_EVENTS, _EVENTS.c.id == bindparam("row"))
    return found.add_columns(_EVENTS.c.attempts.label("event_attempts"), _EVENTS.c.handled_at.label("event_handled_at"))


def _marks_of(event: GatewayEvent) -> Iterable[tuple[str, str]]:
    """What the payment is known by, if it matters."""
    return () if event.kind is EventKind.IGNORED or event.snapshot is None else locked_payments.marks_of(event.snapshot)


def _mark(event_row_id: UUID, found: "_Found", *, attempts: int) -> None:
    now = clock.utc_now()
    is_unknown = found.payment_id is None and found.outcome is EventOutcome.REVIEW
    # News of a payment we do not know may have overtaken it: it is tried again for a while.
    delay = RETRY.delay(attempts) if is_unknown else None
    marks = {
        "row": event_row_id,
        **found._asdict(),
        "attempts": attempts,
        "next_attempt_at": now + delay if delay else None,
        "handled_at": None if delay else now,
    }
    bulk_writes.change(_MARK, marks)


def replay(row: WebhookEvent, *, actor: Actor) -> EventOutcome:
    """Act on a locked event once more because a person says so, whatever came of it before.

    What it did already is not done twice. Raises whatever handling it raises.
    """
    before = row.outcome
    row.attempts += 1
    event = read_again(row)
    payment = locked_payments.find_payment(row.gateway, event.snapshot, locked=True) if event.snapshot else None
    found, row.detail, payment_id = _act(payment, event)
    row.payment_id = payment_id or row.payment_id
    # That it is known by now does not undo that it once did something.
    is_known = before is EventOutcome.APPLIED and found is EventOutcome.UNCHANGED
    row.outcome = before if is_known else found
    row.handled_at, row.next_attempt_at = clock.utc_now(), None
    audit.record("webhook_event.replayed", row, actor=actor, before={"outcome": before}, after={"outcome": found})
    return found


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


class _Found(NamedTuple):
    """What came of acting on a message; `payment_id` tells whose it was."""

    outcome: EventOutcome
    detail: str | None = None
    payment_id: UUID | None = None


def _act(payment: Payment | None, event: GatewayEvent) -> _Found:
    if event.kind is EventKind.IGNORED or event.snapshot is None:
        return _Found(EventOutcome.IGNORED)
    if payment is None:
        return _Found(EventOutcome.REVIEW, "No payment of ours has these ids")
    if locked_payments.is_another_try(payment, event.snapshot):
        # What may be money of the customer's is put before a person.
        is_money = event.kind in {EventKind.PAID, EventKind.DISPUTED}
        outcome = EventOutcome.REVIEW if is_money else EventOutcome.IGNORED
        return _Found(outcome, "It is about another try than the one that paid", payment.id)
    outcome = _apply(payment, event, event.snapshot)
    differs = outcome is EventOutcome.REVIEW
    return _Found(outcome, "Amount or currency is not what was asked" if differs else None, payment.id)


def _apply(payment: Payment, event: GatewayEvent, snapshot: PaymentSnapshot) -> EventOutcome:
    if event.kind is EventKind.REFUNDED and event.refund is not None:
        return refunds.learn(payment, event.refund)
    if event.kind is EventKind.DISPUTED and event.dispute is not None:
        return disputes.learn(payment, event.dispute)
    if event.kind is EventKind.REFUNDED:
        # Something went back, and only the gateway can say what.
        payments.ask_soon(payment)
        return EventOutcome.APPLIED
    return payments.settle_locked(payment, snapshot)


def _id_of(event: GatewayEvent, name: str) -> str | None:
    """The gateway's id of what the message speaks of, to be found by it also if no payment of ours has it."""
    value: str | None = getattr(event.snapshot, name, None)
    return value[:255] if value else None


def _kept(gateway: str, headers: Mapping[str, str]) -> bytes:
    """Those that it takes to read the message again."""
    names = {name.lower(): value for name, value in headers.items()}
    family = Gateway.registry[gateway].header_family()
    return json.dumps({k: v for k, v in names.items() if k in _KEPT_HEADERS or k.startswith(family)}).encode()
