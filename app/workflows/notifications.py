"""Who is told what: rows of the outbox, written in the transaction that causes them.

What a message says is built from the rows when it is sent (`letters`), so that it is true then.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select

from app.db import db
from app.jobs import queue
from app.kit import clock, ids
from app.models import Notification, Payment, Refund, Role, ServiceRequest, StatusChange, User
from app.workflows import bulk_writes
from app.workflows.editions import Kept

URGENT, ORDINARY, PATIENT = 0, 5, 9
"""What a customer waits for goes out before what staff are told, and both before the thousands of a bulk change."""

_HELD = "held_messages"
_READ_ADMINISTRATORS = select(User.id, User.email).where(User.role == Role.ADMIN, User.is_enabled).order_by(User.id)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody with a mail address; `user` is set when they sign in here."""

    address: str
    user: UUID | None = None


@dataclass(slots=True)
class Held:
    """Messages of one bulk change, which leave no earlier than `until`: as long as they are here it can be undone."""

    bulk_change_id: UUID
    until: datetime
    rows: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def held(bulk_change_id: UUID, *, until: datetime) -> Iterator[Held]:
    """What is owed inside is held until then, and written all at once when it ends."""
    messages = db.session().info[_HELD] = Held(bulk_change_id, until)
    try:
        yield messages
    finally:
        del db.session().info[_HELD]
    with bulk_writes.gathered():
        for row in messages.rows:
            bulk_writes.add_once(Notification, row, by="dedupe_key")


def payment_confirmed(service_request: ServiceRequest, payment: Payment) -> None:
    _tell_customer("payment_confirmed", service_request, about=payment)


def payment_failed(service_request: ServiceRequest, payment: Payment) -> None:
    _tell_customer("payment_failed", service_request, about=payment)


def refund_issued(service_request: ServiceRequest, refund: Refund) -> None:
    _tell_customer("refund_issued", service_request, about=refund)


def status_changed(service_request: ServiceRequest, change: StatusChange) -> None:
    _tell_customer("status_changed", service_request, about=change)


def customer_awaited(service_request: ServiceRequest) -> None:
    """Tell the customer that we could not reach them; waited for again later, they are told again."""
    recipient = Recipient(service_request.customer_email)
    occasion = f"{service_request.id}:{service_request.waiting_since}"
    queue_notification("customer_awaited", service_request, to=recipient, occasion=occasion)


def provider_assigned(service_request: ServiceRequest, provider: Recipient) -> None:
    """Tell the provider; assigned again after an interval, they are told again."""
    occasion = f"{service_request.id}:{provider.user}:{_moment(service_request)}"
    queue_notification("provider_assigned", service_request, to=provider, occasion=occasion, subject_id=provider.user)


def new_request(service_request: ServiceRequest) -> None:
    _tell_administrators("new_request", service_request)


def no_provider(service_request: ServiceRequest) -> None:
    _tell_administrators("no_provider", service_request)


def alert(kind_key: str, text: str, *, service_request: ServiceRequest | None = None, fold: str) -> None:
    """Tell every administrator `text`; the same `fold` within the same hour is told once."""
    digest = hashlib.blake2s(fold.encode(), digest_size=12).hexdigest()
    hour = clock.utc_now().strftime("%Y-%m-%dT%H")
    for administrator in administrators():
        queue_notification(
            "alert",
            service_request,
            to=administrator,
            occasion=f"{kind_key}:{digest}:{hour}:{administrator.user}",
            context={"key": kind_key, "text": text},
        )


def queue_notification(
    kind: str,
    service_request: ServiceRequest | None,
    *,
    to: Recipient,
    occasion: str,
    subject_id: UUID | None = None,
    context: dict[str, Any] | None = None,
) -> None:
    """Owe one message to one person. The same `kind` and `occasion` is owed once, however often this is called.

    A customer who was erased gets none: we do not know their address any more.
    """
    if to.user is None and service_request is not None and service_request.erased_at is not None:
        return
    key = ids.new_id()
    row = {
        "id": key,
        "kind": kind,
        "dedupe_key": f"{kind}:{occasion}",
        "message_id": f"<{key}@{postmark.host}>",
        "service_request_id": service_request.id if service_request else None,
        "subject_id": subject_id,
        "recipient_user_id": to.user,
        "recipient": to.address,
        "context": context or {},
    }
    messages = _held()
    if messages is not None:
        held_back = {"bulk_change_id": messages.bulk_change_id, "next_attempt_at": messages.until}
        messages.rows.append(row | held_back | {"priority": PATIENT})
        return
    urgency = {"next_attempt_at": clock.utc_now(), "priority": ORDINARY if to.user else URGENT}
    with bulk_writes.gathered():
        bulk_writes.add_once(Notification, row | urgency, by="dedupe_key")
    queue.ring_deliveries()


def _held() -> Held | None:
    return cast("Held | None", db.session().info.get(_HELD))


class Postmark:
    """The name that ends every Message-ID; `create_app` sets it to our own host."""

    host = "counterfoil.localhost"


postmark = Postmark()


def administrators() -> Sequence[Recipient]:
    return _ADMINISTRATORS.lately()


def _read_administrators() -> Sequence[Recipient]:
    return [Recipient(email, key) for key, email in db.session.connection().execute(_READ_ADMINISTRATORS)]


def _tell_customer(kind: str, service_request: ServiceRequest, *, about: Payment | Refund | StatusChange) -> None:
    recipient = Recipient(service_request.customer_email)
    queue_notification(kind, service_request, to=recipient, occasion=str(about.id), subject_id=about.id)


def _tell_administrators(kind: str, service_request: ServiceRequest) -> None:
    for administrator in administrators():
        occasion = f"{service_request.id}:{administrator.user}"
        queue_notification(kind, service_request, to=administrator, occasion=occasion)


def _moment(service_request: ServiceRequest) -> str:
    assigned_at = service_request.assigned_at or clock.utc_now()
    return clock.isoformat(assigned_at)


_ADMINISTRATORS = Kept("people", _read_administrators)
