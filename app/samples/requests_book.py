"""A tale as rows: the request, its payment, its history, and the words its customer is found by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from app.gateways.sandbox import FAILURES
from app.models import NameWord, Payment, PaymentStatus, RequestStatus, ServiceRequest, StatusChange
from app.samples.fields import Fields
from app.samples.numbers import Bits, dashed, reference_number
from app.samples.scene import CUSTOMER_COLUMNS, OFFER_COLUMNS, Segment, column_of
from app.samples.tables import Sheet
from app.samples.tale import MINUTE, Change, Tale, Telling

GATEWAY = "sandbox"
_DECLINED = FAILURES["card_declined"]
_EXPIRED = "Not paid in time."
_REQUEST_TIMES = (
    "updated_at",
    "payment_completed_at",
    "assigned_at",
    "due_at",
    "first_contact_at",
    "closed_at",
    "overdue_alerted_at",
)
_REQUEST = (
    "id",
    "created_at",
    "reference_number",
    "payment_transaction_id",
    *_REQUEST_TIMES,
    *CUSTOMER_COLUMNS,
    *OFFER_COLUMNS,
    "payment_status",
    "refunded_minor",
    "status",
    "assigned_provider_id",
    "operator_id",
    "affiliate_code",
    "affiliate_id",
)
_PAYMENT_TIMES = ("updated_at", "completed_at", "failed_at", "checked_at", "next_check_at")
_PAYMENT = (
    "id",
    "created_at",
    "service_request_id",
    "idempotency_key",
    "gateway_intent_id",
    "gateway_payment_id",
    *_PAYMENT_TIMES,
    "amount_minor",
    "currency",
    "status",
    "refunded_minor",
    "settles_request",
    "error_code",
    "customer_message",
)
_CHANGE = ("id", "service_request_id", "created_at", "old_status", "new_status", "changed_by_user_id", "notes")


@dataclass(frozen=True, slots=True)
class _Outline:
    """What all tellings of a tale have in common. Times are picked from a list that begins with none."""

    offsets: Sequence[int]
    request_times: Callable[[Any], Segment]
    payment_times: Callable[[Any], Segment]
    request: Segment
    payment: Segment
    changes: Sequence[tuple[int, Segment]]


class RequestsBook:
    """Writes what every tale leaves behind, however old it is."""

    def __init__(self, fields: Fields, bits: Bits) -> None:
        self._fields, self._bits = fields, bits
        self._requests = Sheet(ServiceRequest, _REQUEST, fields, payment_gateway=GATEWAY)
        self._payments = Sheet(Payment, _PAYMENT, fields, gateway=GATEWAY, client_parameters={})
        self._changes = Sheet(StatusChange, _CHANGE, fields)
        self._words = Sheet(NameWord, ("word_hash", "created_at", "service_request_id"), fields)
        self.sheets = (self._requests, self._payments, self._changes, self._words)
        self._expired = fields.constant(column_of(StatusChange, "notes"), _EXPIRED)
        self._outlines: dict[Tale, _Outline] = {}

    def write(self, telling: Telling) -> None:
        fields, at, tale = self._fields, telling.at, telling.tale
        outline = self._outlines.get(tale) or self._outline(tale)
        times = [fields.nothing, *[fields.moment(at + offset) for offset in outline.offsets]]
        key, ledger = fields.key(telling.request), f"{telling.ledger:032x}"
        paid_as = fields.nothing if tale.paid_at is None else fields.text(f"sbp_{ledger}")
        reference = fields.text(reference_number(self._bits))
        self._requests.rows.append(
            (
                key,
                times[1],
                reference,
                paid_as,
                *outline.request_times(times),
                *telling.customer.columns,
                *outline.request,
            )
        )
        ours, theirs = fields.text(dashed(telling.payment)), fields.text(f"sbi_{ledger}")
        ids = (fields.key(telling.payment), times[1], key, ours, theirs, paid_as)
        self._payments.rows.append((*ids, *outline.payment_times(times), *outline.payment))
        self._changes.rows.extend(
            (fields.key(telling.change(number)), key, times[moment], *rest)
            for number, (moment, rest) in enumerate(outline.changes)
        )
        self._words.rows.extend((word, times[1], key) for word in telling.customer.words)

    def _outline(self, tale: Tale) -> _Outline:
        clock = _Clock()
        outline = _Outline(
            request_times=clock.pick(
                tale.latest,
                tale.paid_at,
                tale.assigned_at,
                tale.due_at,
                tale.first_contact_at,
                tale.closed_at,
                tale.alerted_at,
            ),
            payment_times=clock.pick(*_payment_times(tale)),
            request=self._fields.merged(self._request_rest(tale)),
            payment=self._fields.merged(self._payment_rest(tale)),
            changes=[
                (clock.place(change.at), self._fields.merged(self._change_rest(change))) for change in tale.changes
            ],
            offsets=clock.offsets,
        )
        if tale.is_settled:
            self._outlines[tale] = outline
        return outline

    def _request_rest(self, tale: Tale) -> Segment:
        fields, nothing = self._fields, self._fields.nothing
        return (
            *tale.offer.columns,
            fields.text(tale.payment.value),
            fields.constant(column_of(ServiceRequest, "refunded_minor"), tale.returned_minor),
            fields.text(tale.status.value),
            tale.provider.key if tale.provider else nothing,
            tale.operator.key if tale.operator else nothing,
            tale.affiliate.code if tale.affiliate else nothing,
            tale.affiliate.key if tale.affiliate else nothing,
            *self._requests.rest,
        )

    def _payment_rest(self, tale: Tale) -> Segment:
        fields, nothing = self._fields, self._fields.nothing
        failed = tale.payment is PaymentStatus.FAILED
        return (
            *tale.offer.money,
            fields.text(tale.payment.value),
            fields.constant(column_of(Payment, "refunded_minor"), tale.returned_minor),
            fields.constant(column_of(Payment, "settles_request"), tale.paid_at is not None),
            fields.text(_DECLINED.code) if failed else nothing,
            fields.text(f"{_DECLINED.message} {_DECLINED.next_step}") if failed else nothing,
            *self._payments.rest,
        )

    def _change_rest(self, change: Change) -> Segment:
        nothing = self._fields.nothing
        is_expiry = change.new is RequestStatus.CANCELLED and change.by is None
        return (
            self._fields.text(change.old.value),
            self._fields.text(change.new.value),
            change.by.key if change.by else nothing,
            self._expired if is_expiry else nothing,
            *self._changes.rest,
        )


class _Clock:
    """The distinct moments of a tale; place 0 is none, place 1 the purchase."""

    def __init__(self) -> None:
        self.offsets = [0]

    def place(self, offset: int | None) -> int:
        if offset is None:
            return 0
        if offset not in self.offsets:
            self.offsets.append(offset)
        return self.offsets.index(offset) + 1

    def pick(self, *offsets: int | None) -> Callable[[Any], Segment]:
        """Takes these out of a list of all moments."""
        return itemgetter(*map(self.place, offsets))


def _payment_times(tale: Tale) -> tuple[int | None, ...]:
    """As in `_PAYMENT_TIMES`. Whatever may still be paid is asked for again."""
    is_failed, is_awaited = tale.payment is PaymentStatus.FAILED, tale.paid_at is None and tale.is_open
    learned = tale.paid_at if tale.paid_at is not None else 0 if is_failed else None
    changed = tale.returned_at or learned or 0
    return changed, tale.paid_at, 0 if is_failed else None, learned, 10 * MINUTE if is_awaited else None
