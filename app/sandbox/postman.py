"""Posts the Sandbox company's signed webhooks, from threads of its own, as a company elsewhere would."""

import json
import logging
import threading
from dataclasses import dataclass

from app.extensions import links
from app.gateways.base import PaymentSnapshot, SnapshotStatus
from app.gateways.sandbox import SIGNATURE_HEADER, sign
from app.models import SandboxPayment, SandboxStatus
from app.sandbox.ledger import snapshot_of
from app.sandbox.outcomes import OUTCOMES
from app.workflows import gateway_choice

logger = logging.getLogger(__name__)

_WAITS_SECONDS = (1, 5, 25)
_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Letter:
    """One webhook to post: where, what, and the secret it is signed with when it goes out."""

    url: str
    body: bytes
    secret: str


def announce(payment: SandboxPayment) -> None:
    """Post what the payer's choice calls for; returns at once."""
    if payment.outcome is None:
        return
    # Loaded by whoever has something to post, and before there are threads: two that load it at once can find half.
    import requests  # noqa: F401, PLC0415

    outcome = OUTCOMES[payment.outcome]
    secret = next(iter(gateway_choice.get_account("sandbox").config.webhook_secrets), "")
    letter = Letter(links().webhook("sandbox"), _body(payment), secret)
    for _ in range(outcome.webhooks):
        _post_later(letter, outcome.settles_after.total_seconds(), tries_left=len(_WAITS_SECONDS))


def _body(payment: SandboxPayment) -> bytes:
    paid = payment.status is SandboxStatus.APPROVED
    event = {
        "id": f"sbe_{payment.id.hex}_{payment.status}",
        "type": "payment.paid" if paid else "payment.failed",
        "payment": _payment(payment, snapshot_of(payment), paid=paid),
    }
    return json.dumps(event).encode()


def _payment(payment: SandboxPayment, snapshot: PaymentSnapshot, *, paid: bool) -> dict[str, object]:
    return {
        "id": f"sbp_{payment.id.hex}",
        "intent_id": payment.intent_id,
        "status": SnapshotStatus.PAID if paid else SnapshotStatus.FAILED,
        "amount": payment.amount_minor,
        "currency": payment.currency,
        "error": snapshot.failure.code if snapshot.failure else None,
        "metadata": dict(snapshot.metadata),
    }


def _post_later(letter: Letter, seconds: float, *, tries_left: int) -> None:
    timer = threading.Timer(seconds, _post, args=(letter, tries_left))
    timer.daemon = True
    timer.start()


def _post(letter: Letter, tries_left: int) -> None:
    # Loaded by the thread that posts: no page needs it.
    import requests  # noqa: PLC0415

    headers = {SIGNATURE_HEADER: sign(letter.body, letter.secret), "Content-Type": "application/json"}
    try:
        requests.post(letter.url, data=letter.body, headers=headers, timeout=_TIMEOUT_SECONDS).raise_for_status()
    except requests.RequestException as error:
        logger.info("sandbox webhook not taken", extra={"error": type(error).__name__, "tries_left": tries_left})
        if tries_left:
            _post_later(letter, _WAITS_SECONDS[-tries_left], tries_left=tries_left - 1)
