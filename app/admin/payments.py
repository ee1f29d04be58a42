"""Payments: every attempt to pay, whatever came of it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload, load_only

from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.filters import Options, choice, days, enum_options, switch
from app.admin.listing import Column
from app.admin.paging import Order
from app.ages import exact
from app.db import db
from app.kit.ids import parse_reference_number
from app.models import GatewayConfig, Payment, PaymentStatus, ServiceRequest


def gateway_options() -> Options:
    names = db.session.scalars(select(GatewayConfig.gateway).order_by(GatewayConfig.gateway))
    return tuple((name, name.capitalize()) for name in names)


def _flag_words(row: Payment) -> str:
    return row.flag.label if row.flag and not row.flag_resolved_at else "–"


class PaymentView(ConsoleView):
    noun = "payment"
    empty = "Nobody has started a payment yet."
    search_label = "Reference, gateway id or bank reference"
    orders = {"newest": Order(Payment.created_at, Payment.id)}
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
        Column("Started", cells.moment(lambda row: row.created_at), lambda row: exact(row.created_at)),
        Column(
            "Request",
            lambda row: cells.request_link(row.service_request),
            lambda row: row.service_request.reference_number,
        ),
        Column("Gateway", lambda row: row.gateway.capitalize()),
        Column("Amount", lambda row: cells.money(row.amount), lambda row: row.amount.decimal, "number"),
        Column("Currency", lambda row: row.currency, is_listed=False),
        Column("Refunded", lambda row: cells.money(row.refunded) if row.refunded else "–", css="number"),
        Column("Status", lambda row: cells.state(row.status), lambda row: row.status.label),
        Column("Gateway's id", lambda row: cells.mono(row.gateway_payment_id), lambda row: row.gateway_payment_id),
        Column("Needs review", _flag_words, css="wrap"),
    )

    def __init__(self, *arguments: Any, **more: Any) -> None:
        flagged = Payment.flag.is_not(None) & Payment.flag_resolved_at.is_(None)
        self.filters = (
            choice("status", "Status", Payment.status, options=enum_options(PaymentStatus)),
            choice("gateway", "Gateway", Payment.gateway, options=gateway_options),
            *days(Payment.created_at, "Started"),
            switch("review", "Review", {"needed": ("needed", flagged)}),
        )
        super().__init__(*arguments, **more)

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        readings = [
            Payment.gateway_payment_id == text,
            Payment.gateway_intent_id == text,
            Payment.bank_reference == text.upper(),
        ]
        reference = parse_reference_number(text)
        if reference:
            of_request = select(ServiceRequest.id).where(ServiceRequest.reference_number == reference)
            readings.append(Payment.service_request_id.in_(of_request))
        return query.where(or_(*readings))

    def title_of(self, row: Payment) -> str:
        return f"{cells.money(row.amount)} through {row.gateway.capitalize()}"

    def facts(self, row: Payment) -> Sequence[tuple[str, object]]:
        return [
            ("Request", cells.request_link(row.service_request)),
            ("Status", cells.state(row.status)),
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
