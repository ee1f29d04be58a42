"""Payments: every attempt to pay, whatever came of it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import joinedload, load_only

from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.filters import Options, choice, days, enum_options
from app.admin.listing import Column, Tab
from app.admin.paging import Order
from app.ages import exact
from app.db import db
from app.kit.ids import parse_id, parse_reference_number
from app.models import PAID_STATUSES, GatewayConfig, Payment, PaymentStatus, ServiceRequest
from app.workflows import attention, payment_numbers

_MOST_QUOTED = 100


def gateway_options() -> Options:
    names = db.session.scalars(select(GatewayConfig.gateway).order_by(GatewayConfig.gateway))
    return tuple((name, cells.gateway_name(name)) for name in names)


def _flag_words(row: Payment) -> str:
    return row.flag.label if row.flag and not row.flag_resolved_at else "–"


def _question(row: Payment) -> Markup | str:
    """Our state beside the gateway's answer of this moment."""
    if not row.gateway_intent_id:
        return "It was not told of this payment"
    is_settled = row.status in PAID_STATUSES
    words = "Ask the gateway" if is_settled else "Why is this stuck?"
    return cells.link("requests.stuck", words, key=row.service_request_id, payment_key=row.id)


def quoted(text: str) -> ColumnElement[bool]:
    """Payments by what customers and gateways quote: each reading is a plain value, so that each finds its index."""
    readings = [*payment_numbers.of_payments(text)]
    request_id = find_request(text)
    if request_id is not None:
        readings.append(Payment.service_request_id == request_id)
    payment_id = parse_id(text)
    if payment_id is not None:
        readings.append(Payment.id == payment_id)
    return or_(*readings)


def find_quoted(text: str) -> list[UUID]:
    """The payments themselves, for lists of what belongs to them."""
    return list(db.session.scalars(select(Payment.id).where(quoted(text)).limit(_MOST_QUOTED)))


def find_request(text: str) -> UUID | None:
    """The request of a typed reference number."""
    reference = parse_reference_number(text)
    if reference is None:
        return None
    return db.session.scalar(select(ServiceRequest.id).where(ServiceRequest.reference_number == reference))


class PaymentView(ConsoleView):
    noun = "payment"
    empty = "Nobody has started a payment yet."
    search_label = "Reference, gateway id or bank reference"
    orders = {
        "newest": Order(Payment.created_at, Payment.id),
        "oldest": Order(Payment.created_at, Payment.id, descending=False),
    }
    # What opens a payment at the gateway is not even read here.
    options = (
        load_only(
            Payment.created_at,
            Payment.service_request_id,
            Payment.gateway,
            Payment.amount_minor,
            Payment.refunded_minor,
            Payment.currency,
            Payment.status,
            Payment.settles_request,
            Payment.gateway_intent_id,
            Payment.gateway_payment_id,
            Payment.bank_reference,
            Payment.error_code,
            Payment.customer_message,
            Payment.flag,
            Payment.flag_resolved_at,
            Payment.completed_at,
            Payment.failed_at,
            Payment.checked_at,
            Payment.next_check_at,
            raiseload=True,
        ),
        joinedload(Payment.service_request, innerjoin=True).load_only(ServiceRequest.reference_number),
    )
    columns = (
        Column(
            "Started",
            cells.moment(lambda row: row.created_at),
            lambda row: exact(row.created_at),
            sorts=("oldest", "newest"),
        ),
        Column(
            "Request",
            lambda row: cells.request_link(row.service_request),
            lambda row: row.service_request.reference_number,
        ),
        Column("Gateway", lambda row: cells.gateway_name(row.gateway)),
        Column("Amount", lambda row: cells.money(row.amount), lambda row: row.amount.decimal, "number"),
        Column("Currency", lambda row: row.currency, is_listed=False),
        Column(
            "Refunded",
            lambda row: cells.money(row.refunded) if row.refunded else "–",
            lambda row: row.refunded.decimal,
            "number",
        ),
        Column("Status", lambda row: cells.state(row.status), lambda row: row.status.label),
        Column("Gateway's id", lambda row: cells.short_id(row.gateway_payment_id), lambda row: row.gateway_payment_id),
        Column("Bank reference", lambda row: row.bank_reference, is_listed=False),
        Column("Paid", lambda row: row.completed_at and exact(row.completed_at), is_listed=False),
        Column("Error code", lambda row: row.error_code, is_listed=False),
        Column("Needs review", _flag_words, css="wrap"),
    )

    filters = (
        choice("status", "Status", Payment.status, options=enum_options(PaymentStatus)),
        choice("gateway", "Gateway", Payment.gateway, options=gateway_options),
        *days(Payment.created_at, "Started"),
    )
    tabs = (
        Tab("all", "All"),
        Tab(
            "review",
            "To review",
            attention.payment_is_flagged,
            empty="No payment needs a look: every one is as it should be.",
        ),
        Tab(
            "stuck",
            "Stuck",
            attention.payment_is_stuck,
            empty="No payment waits for more than an hour to hear from its gateway.",
        ),
    )

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        return query.where(quoted(text))

    def title_of(self, row: Payment) -> str:
        return f"{cells.money(row.amount)} through {cells.gateway_name(row.gateway)}"

    def facts(self, row: Payment) -> Sequence[tuple[str, object]]:
        return [
            ("Request", cells.request_link(row.service_request)),
            ("Status", cells.state(row.status)),
            ("At the gateway", _question(row)),
            ("Needs review", _flag_words(row)),
            ("Amount", cells.money(row.amount)),
            ("Refunded", cells.money(row.refunded)),
            ("Pays the request", "Yes" if row.settles_request else "No"),
            ("Gateway's payment id", cells.mono(row.gateway_payment_id)),
            ("Gateway's order id", cells.mono(row.gateway_intent_id)),
            ("Bank reference", cells.mono(row.bank_reference)),
            ("Error code", row.error_code),
            ("Customer was told", row.customer_message),
            ("Started", exact(row.created_at)),
            ("Paid", row.completed_at and exact(row.completed_at)),
            ("Failed", row.failed_at and exact(row.failed_at)),
            ("Last asked the gateway", row.checked_at and exact(row.checked_at)),
            ("Asks again", row.next_check_at and exact(row.next_check_at)),
        ]
