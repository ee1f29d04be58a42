"""Buying as a browser does, and paying as the Sandbox company reports it."""

import itertools
import json
import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.db import db
from app.extensions import links
from app.gateways import sandbox
from app.models import Payment, PaymentStatus
from tests.benchmarks.client import Answer, Client
from tests.benchmarks.measure import checked
from tests.benchmarks.shop import WEBHOOK_SECRET, token_in

WEBHOOK = "/api/services/payment/webhook/sandbox"
_HIDDEN = re.compile(r'name="(submission|shown_prices)"[^>]*value="([^"]*)"')
_TIER = re.compile(r'name="tier" value="([^"]+)"')
_numbers = itertools.count(1)


@dataclass(slots=True)
class Buyer:
    """One browser on one service's page; each form that it sends is another purchase."""

    client: Client
    address: str
    page: str = ""

    def open_page(self) -> Answer:
        answer = checked(self.client.get(self.address), "the checkout page")
        self.page = answer.text
        return answer

    def send_form(self) -> Answer:
        if not self.page:
            self.open_page()
        return checked(self.client.post(self.address, self._answers()), "the form", 303)

    def open_confirmation(self, address: str) -> Answer:
        answer = checked(self.client.get(address), "the confirmation")
        if "Payment received" not in answer.text:
            raise RuntimeError("the confirmation does not say that the payment was received")
        return answer

    def _answers(self) -> dict[str, str]:
        number = next(_numbers)
        hidden = {name: value.replace("&#34;", '"') for name, value in _HIDDEN.findall(self.page)}
        tier = {"tier": found[1]} if (found := _TIER.search(self.page)) else {}
        return (
            hidden
            | tier
            | {
                "csrf_token": token_in(self.page),
                "started": "1",
                "full_name": f"Kavya Iyer {'abcdefghij'[number % 10]}",
                "email": f"kavya.{number}@example.com",
                "phone": f"98765{number % 100_000:05}",
                "requirements": f"Purchase {number} of a benchmark.",
            }
        )


def newest_payments(count: int) -> list[Payment]:
    """Those that were opened last and wait for their gateway."""
    opened = select(Payment).where(Payment.status == PaymentStatus.PENDING, Payment.gateway_intent_id.is_not(None))
    return list(db.session.scalars(opened.order_by(Payment.created_at.desc(), Payment.id.desc()).limit(count)))


def confirmation_of(payment: Payment) -> str:
    """Its path, with the key that the customer was given."""
    return "/" + links().confirmation(payment.service_request.reference_number).split("/", 3)[3]


def paid_event(payment: Payment) -> bytes:
    """Some two kilobytes, as companies write them."""
    told: dict[str, Any] = {
        "id": f"sbp_{payment.id.hex}",
        "intent_id": payment.gateway_intent_id,
        "status": "paid",
        "amount": payment.amount_minor,
        "currency": payment.currency,
        "error": None,
        "metadata": {"payment_id": str(payment.id)},
        "description": "As long as a real one. " * 70,
    }
    return json.dumps({"id": f"sbe_{payment.id.hex}", "type": "payment.paid", "payment": told}).encode()


def post_webhook(client: Client, event: bytes, *, is_news: bool = True) -> Answer:
    headers = {sandbox.SIGNATURE_HEADER: sandbox.sign(event, WEBHOOK_SECRET), "Content-Type": "application/json"}
    answer = checked(client.send(client.prepare("POST", WEBHOOK, event, headers)), "a webhook")
    if json.loads(answer.body)["processed"] is not is_news:
        raise RuntimeError(f"a webhook was answered {answer.text}")
    return answer
