"""Disputes: the bank asks money back on the customer's word, and somebody has to answer in time."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, or_
from sqlalchemy.orm import joinedload, load_only

from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.filters import choice, days
from app.admin.listing import Column, Tab
from app.admin.paging import Order
from app.admin.payments import find_quoted, gateway_options
from app.ages import due, exact
from app.models import Dispute, DisputeStatus, Payment, ServiceRequest
from app.workflows import payment_numbers


def _is(status: DisputeStatus) -> ColumnElement[bool]:
    return Dispute.status == status


def _answer_by(row: Dispute) -> Markup | str:
    if row.status is not DisputeStatus.OPEN:
        return "–"
    return due(row.evidence_due_at) if row.evidence_due_at else "now: no day is named"


def _what_now(row: Dispute) -> str:
    return {
        DisputeStatus.OPEN: "Send what proves the sale in the gateway's dashboard before the deadline. "
        "What the bank decides arrives here by itself.",
        DisputeStatus.WON: "The bank decided for us: the money stays.",
        DisputeStatus.LOST: "The bank decided for the customer: the money is gone, and counts as refunded.",
    }[row.status]


class DisputeView(ConsoleView):
    noun = "dispute"
    empty = "No bank ever asked for money back."
    search_label = "Reference, or an id of the gateway"
    orders = {
        "newest": Order(Dispute.created_at, Dispute.id),
        "oldest": Order(Dispute.created_at, Dispute.id, descending=False),
        "urgent": Order(Dispute.urgent_from, Dispute.id, descending=False),
        "calm": Order(Dispute.urgent_from, Dispute.id),
    }
    tabs = (
        Tab("open", "Open", lambda: _is(DisputeStatus.OPEN), "urgent", "No dispute is open: nothing to answer."),
        Tab("won", "Won", lambda: _is(DisputeStatus.WON), empty="No dispute was won yet."),
        Tab("lost", "Lost", lambda: _is(DisputeStatus.LOST), empty="No dispute was lost."),
        Tab("all", "All"),
    )
    options = (
        joinedload(Dispute.payment, innerjoin=True).options(
            load_only(Payment.service_request_id, Payment.amount_minor, Payment.currency, raiseload=True),
            joinedload(Payment.service_request, innerjoin=True).load_only(ServiceRequest.reference_number),
        ),
    )
    columns = (
        Column(
            "Answer by",
            _answer_by,
            lambda row: row.evidence_due_at and exact(row.evidence_due_at),
            sorts=("urgent", "calm"),
        ),
        Column(
            "Request",
            lambda row: cells.request_link(row.payment.service_request),
            lambda row: row.payment.service_request.reference_number,
        ),
        Column("Amount", lambda row: cells.money(row.amount), lambda row: row.amount.decimal, "number"),
        Column("Currency", lambda row: row.currency, is_listed=False),
        Column("Status", lambda row: cells.state(row.status), lambda row: row.status.label),
        Column("Reason", lambda row: (row.reason or "–").replace("_", " "), css="wrap"),
        Column("Gateway", lambda row: cells.gateway_name(row.gateway)),
        Column("Gateway's id", lambda row: cells.short_id(row.gateway_dispute_id), lambda row: row.gateway_dispute_id),
        Column(
            "Opened",
            cells.moment(lambda row: row.created_at),
            lambda row: exact(row.created_at),
            "number",
            sorts=("oldest", "newest"),
        ),
        Column(
            "Closed",
            cells.moment(lambda row: row.closed_at),
            lambda row: row.closed_at and exact(row.closed_at),
            "number",
        ),
    )
    filters = (
        choice("gateway", "Gateway", Dispute.gateway, options=gateway_options),
        *days(Dispute.created_at, "Opened"),
    )

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        number = payment_numbers.of_gateway(Dispute.gateway, Dispute.gateway_dispute_id, text)
        return query.where(or_(number, Dispute.payment_id.in_(find_quoted(text))))

    def title_of(self, row: Dispute) -> str:
        return f"Dispute over {cells.money(row.amount)}"

    def facts(self, row: Dispute) -> Sequence[tuple[str, object]]:
        return [
            ("Request", cells.request_link(row.payment.service_request)),
            ("Status", cells.state(row.status)),
            ("What to do", _what_now(row)),
            ("Answer by", row.evidence_due_at and exact(row.evidence_due_at)),
            ("Amount", cells.money(row.amount)),
            (
                "Of a payment of",
                cells.link("payments.details_view", cells.money(row.payment.amount), id=row.payment_id),
            ),
            ("Reason", (row.reason or "").replace("_", " ")),
            ("Gateway", cells.gateway_name(row.gateway)),
            ("Gateway's dispute id", cells.mono(row.gateway_dispute_id)),
            ("Opened", exact(row.created_at)),
            ("Closed", row.closed_at and exact(row.closed_at)),
        ]
