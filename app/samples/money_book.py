"""A tale's money beyond its payment: what went back, and what is owed to who sent the customer."""

from app.kit.money import Money
from app.models import CommissionEntry, CommissionKind, Refund, RefundStatus
from app.samples.fields import Fields
from app.samples.numbers import dashed
from app.samples.requests_book import GATEWAY
from app.samples.scene import Affiliate, column_of
from app.samples.tables import Sheet
from app.samples.tale import Telling

_REFUND = (
    "id",
    "created_at",
    "updated_at",
    "payment_id",
    "gateway_refund_id",
    "amount_minor",
    "currency",
    "reason",
    "requested_by_user_id",
    "completed_at",
)
_ENTRY = (
    "id",
    "created_at",
    "affiliate_id",
    "service_request_id",
    "payment_id",
    "refund_id",
    "kind",
    "amount_minor",
    "currency",
    "rate_basis_points",
    "rule",
    "cause_key",
)
_REASONS = {True: "Cancelled before the work began.", False: "Part of the work was not needed."}


class MoneyBook:
    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._refunds = Sheet(Refund, _REFUND, fields, gateway=GATEWAY, status=RefundStatus.COMPLETED)
        self._entries = Sheet(CommissionEntry, _ENTRY, fields)
        self.sheets = (self._refunds, self._entries)
        reason = column_of(Refund, "reason")
        self._reasons = {is_all: fields.constant(reason, text) for is_all, text in _REASONS.items()}

    def write(self, telling: Telling) -> None:
        tale = telling.tale
        if tale.returned_minor:
            self._refund(telling)
        if tale.affiliate is not None and tale.paid_at is not None:
            self._earn(telling, tale.affiliate, tale.paid_at)

    def _refund(self, telling: Telling) -> None:
        fields, tale = self._fields, telling.tale
        at = fields.moment(telling.at + tale.returned_at)
        row = (
            fields.key(telling.refund),
            at,
            at,
            fields.key(telling.payment),
            fields.text(f"sbr_{telling.refund:032x}"),
            fields.constant(column_of(Refund, "amount_minor"), tale.returned_minor),
            tale.offer.money[1],
            self._reasons[tale.is_all_returned],
            tale.operator.key if tale.operator else fields.nothing,
            at,
            *self._refunds.rest,
        )
        self._refunds.rows.append(row)

    def _earn(self, telling: Telling, affiliate: Affiliate, paid_at: int) -> None:
        tale = telling.tale
        price = tale.offer.price
        rate, _ = affiliate.rate(tale.offer.service_id)
        earned = price.share(rate).minor
        left = Money(price.minor - tale.returned_minor, price.currency).share(rate).minor
        if earned:
            self._enter(telling, affiliate, earned, offset=paid_at)
        if left != earned:
            self._enter(telling, affiliate, left - earned, offset=tale.returned_at)

    def _enter(self, telling: Telling, affiliate: Affiliate, minor: int, *, offset: int) -> None:
        fields, is_earned, payment = self._fields, minor > 0, dashed(telling.payment)
        rate, rule = affiliate.rate(telling.tale.offer.service_id)
        row = (
            fields.key(telling.key(offset, 4 if is_earned else 5)),
            fields.moment(telling.at + offset),
            affiliate.key,
            fields.key(telling.request),
            fields.key(telling.payment),
            fields.nothing if is_earned else fields.key(telling.refund),
            fields.text(CommissionKind.EARNED.value if is_earned else CommissionKind.ADJUSTED.value),
            fields.constant(column_of(CommissionEntry, "amount_minor"), minor),
            telling.tale.offer.money[1],
            fields.constant(column_of(CommissionEntry, "rate_basis_points"), rate),
            fields.text(rule.value),
            # As `workflows.affiliates` names causes.
            fields.text(f"earned:{payment}" if is_earned else f"adjusted:{payment}:1"),
            *self._entries.rest,
        )
        self._entries.rows.append(row)
