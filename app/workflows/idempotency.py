"""A program that asks twice with one key gets one purchase, and the same answer."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from app.columns import keyring
from app.db import db
from app.errors import InvalidInput
from app.kit import clock
from app.models import IdempotencyKey, Payment, ServiceRequest
from app.workflows import payment_return, purchase

MAXIMUM_KEY_LENGTH = 255
KEPT = timedelta(days=30)


class KeyReused(InvalidInput):
    code = "idempotency_key_reused"
    message = "This idempotency key was used for another purchase."
    suggested_action = "Use a new key for each purchase, and the same one only to repeat it."


def open_once(key: str, body: str, open_request: Callable[[], Payment]) -> Payment:
    """The payment that `open_request` opens, or the one it opened when `key` was first used. Raises KeyReused."""
    if not 0 < len(key) <= MAXIMUM_KEY_LENGTH:
        raise InvalidInput(f"An idempotency key has 1 to {MAXIMUM_KEY_LENGTH} characters.")
    known = _find(key)
    if known is not None:
        return _repeat(known, body)
    payment = open_request()
    try:
        with db.session.begin_nested():
            db.session.add(_make(key, body, payment))
    except IntegrityError:
        # Another call with this key was faster; if it meant something else, ours must not stand.
        winner = _find(key)
        assert winner is not None
        return _repeat(winner, body)
    return payment


def prune(limit: int) -> int:
    """Forget the oldest keys that nobody repeats any more, at most `limit`; how many there were."""
    old = select(IdempotencyKey.id).where(IdempotencyKey.created_at < clock.utc_now() - KEPT)
    keys = list(db.session.scalars(old.order_by(IdempotencyKey.created_at).limit(limit)))
    db.session.execute(delete(IdempotencyKey).where(IdempotencyKey.id.in_(keys)))
    return len(keys)


def _repeat(known: IdempotencyKey, body: str) -> Payment:
    if known.body_hash not in keyring.hashes(body, "idempotency_body"):
        raise KeyReused
    service_request = db.session.get_one(ServiceRequest, known.service_request_id)
    payment = payment_return.current_payment(service_request)
    return payment if payment is not None else purchase.open_payment(service_request)


def _make(key: str, body: str, payment: Payment) -> IdempotencyKey:
    return IdempotencyKey(
        key_hash=keyring.hash(key, "idempotency_key"),
        body_hash=keyring.hash(body, "idempotency_body"),
        service_request_id=payment.service_request_id,
    )


def _find(key: str) -> IdempotencyKey | None:
    hashes = keyring.hashes(key, "idempotency_key")
    return db.session.scalar(select(IdempotencyKey).where(IdempotencyKey.key_hash.in_(hashes)))
