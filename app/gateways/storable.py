"""What no database keeps. Gateways send nothing of the kind, but a stranger with a secret of ours may."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.gateways.base import GatewayEvent
    from app.kit.money import Money

LONGEST_NAME = 255
LARGEST_AMOUNT = 2**63 - 1


def ensure_storable(event: "GatewayEvent") -> None:
    """Raises ValueError for what is too long, too large or no text; TypeError or AttributeError for another kind."""
    for text in _texts(event):
        if text is None:
            continue
        if len(text) > LONGEST_NAME or "\0" in text:
            raise ValueError("a name is too long, or holds a NUL")
        text.encode()
    if not all(0 < amount.minor <= LARGEST_AMOUNT for amount in _amounts(event)):
        raise ValueError("nobody gives back or disputes such an amount")


def _texts(event: "GatewayEvent") -> Iterator[str | None]:
    yield from (event.event_id, event.name)
    if (paid := event.snapshot) is not None:
        yield from (paid.gateway_intent_id, paid.gateway_payment_id, paid.bank_reference)
        yield paid.metadata.get("payment_id")
        yield paid.failure.code if paid.failure else None
    if event.refund is not None:
        yield from (event.refund.gateway_refund_id, event.refund.idempotency_key)
    if event.dispute is not None:
        yield from (event.dispute.gateway_dispute_id, event.dispute.reason)


def _amounts(event: "GatewayEvent") -> Iterator["Money"]:
    """Those that become rows of their own. What was paid is compared, and another amount is kept for review."""
    for told in (event.refund, event.dispute):
        if told is not None:
            yield told.amount
