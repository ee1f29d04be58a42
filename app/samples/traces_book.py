"""What a purchase leaves outside our books: visitors' steps, clicks, and the Sandbox company's own ledger."""

from app.models import AffiliateClick, AnalyticsEvent, PaymentStatus, SandboxPayment, SandboxRefund, SandboxStatus
from app.samples.fields import Field, Fields
from app.samples.numbers import Bits, dashed
from app.samples.scene import Affiliate, column_of
from app.samples.tables import Sheet
from app.samples.tale import MINUTE, Telling

_SECOND = MINUTE // 60
_LEDGER = (
    "id",
    "created_at",
    "updated_at",
    "idempotency_key",
    "payment_reference",
    "intent_id",
    "amount_minor",
    "currency",
    "description",
    "status",
    "outcome",
    "settles_at",
)
_RETURNED = ("id", "created_at", "sandbox_payment_id", "idempotency_key", "amount_minor")
_STEP = ("id", "created_at", "name", "service_id", "service_request_id", "visitor")
_CLICK = ("id", "created_at", "code", "affiliate_id", "service_id")
_ONLOOKERS = 3
"""Visitors who look at a service, for each who buys it; every other one of them begins the checkout."""


class TracesBook:
    def __init__(self, fields: Fields, bits: Bits) -> None:
        self._fields, self._bits = fields, bits
        # Nobody can open the pay page of a payment that is decided, so one secret for all of them opens none.
        self._ledger = Sheet(SandboxPayment, _LEDGER, fields, client_secret="", return_url="")
        self._returned = Sheet(SandboxRefund, _RETURNED, fields)
        self._steps = Sheet(AnalyticsEvent, _STEP, fields)
        self._clicks = Sheet(AffiliateClick, _CLICK, fields)
        self.sheets = (self._ledger, self._returned, self._steps, self._clicks)
        self._written = 0

    def write(self, telling: Telling) -> None:
        self._remember(telling)
        if telling.tale.returned_minor:
            self._give_back(telling)
        if telling.tale.affiliate is not None:
            self._click(telling, telling.tale.affiliate)
        self._visit(telling)
        for number in range(_ONLOOKERS):
            self._look(telling, number)

    def _remember(self, telling: Telling) -> None:
        fields, offer = self._fields, telling.tale.offer
        at, payment = fields.moment(telling.at), fields.text(dashed(telling.payment))
        intent = fields.text(f"sbi_{telling.ledger:032x}")
        ids = (fields.key(telling.ledger), at, at, payment, payment, intent)
        self._ledger.rows.append((*ids, *offer.money, offer.title, *self._decided(telling), *self._ledger.rest))

    def _decided(self, telling: Telling) -> tuple[Field, ...]:
        """Status, outcome, and when the company knew."""
        fields, tale = self._fields, telling.tale
        if tale.paid_at is not None:
            known_at = fields.moment(telling.at + tale.paid_at)
            return fields.text(SandboxStatus.APPROVED.value), fields.text("approve"), known_at
        if tale.payment is PaymentStatus.FAILED:
            return fields.text(SandboxStatus.DECLINED.value), fields.text("decline"), fields.moment(telling.at)
        return fields.text(SandboxStatus.OPEN.value), fields.nothing, fields.nothing

    def _give_back(self, telling: Telling) -> None:
        fields, tale = self._fields, telling.tale
        row = (
            fields.key(telling.refund),
            fields.moment(telling.at + tale.returned_at),
            fields.key(telling.ledger),
            fields.text(dashed(telling.refund)),
            fields.constant(column_of(SandboxRefund, "amount_minor"), tale.returned_minor),
            *self._returned.rest,
        )
        self._returned.rows.append(row)

    def _click(self, telling: Telling, affiliate: Affiliate) -> None:
        fields, offset = self._fields, -6 * MINUTE
        key, at = fields.key(telling.key(offset, 6)), fields.moment(telling.at + offset)
        service = telling.tale.offer.columns[0]
        self._clicks.rows.append((key, at, affiliate.code, affiliate.key, service, *self._clicks.rest))

    def _visit(self, telling: Telling) -> None:
        fields, tale = self._fields, telling.tale
        visitor, request = self._visitor(), fields.key(telling.request)
        self._written = 0
        self._step(telling, "service_selected", -5 * MINUTE, fields.nothing, visitor)
        self._step(telling, "checkout_started", -4 * MINUTE, fields.nothing, visitor)
        self._step(telling, "submitted", 0, request, visitor)
        if tale.paid_at is not None:
            self._step(telling, "paid", tale.paid_at, request, fields.nothing)
            self._step(telling, "confirmation_viewed", tale.paid_at + 3 * _SECOND, request, visitor)
        elif tale.payment is PaymentStatus.FAILED:
            self._step(telling, "failed", 0, request, fields.nothing)

    def _look(self, telling: Telling, number: int) -> None:
        """Somebody who did not buy."""
        offset, visitor = -(7 + number) * MINUTE, self._visitor()
        self._step(telling, "service_selected", offset, self._fields.nothing, visitor)
        if number % 2:
            self._step(telling, "checkout_started", offset + MINUTE, self._fields.nothing, visitor)

    def _step(self, telling: Telling, name: str, offset: int, *about: Field) -> None:
        fields, service = self._fields, telling.tale.offer.columns[0]
        self._written += 1
        key, at = fields.key(telling.key(offset, 64 + self._written)), fields.moment(telling.at + offset)
        self._steps.rows.append((key, at, fields.text(name), service, *about, *self._steps.rest))

    def _visitor(self) -> Field:
        return self._fields.text(f"{self._bits(128):032x}")
