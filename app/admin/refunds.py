"""Refunds: money on its way back, who asked for it, and what came of it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import joinedload, load_only

from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.filters import Options, choice, days, enum_options
from app.admin.listing import Column, Tab
from app.admin.paging import Order
from app.admin.payments import find_quoted, gateway_options
from app.admin.permissions import PERMISSIONS, Permission
from app.ages import exact
from app.db import db
from app.kit import clock
from app.kit.ids import parse_id
from app.models import Payment, Refund, RefundStatus, ServiceRequest, User
from app.workflows import payment_numbers, refunds

_NO_ANSWER_AFTER = timedelta(minutes=30)
_SLOW_AFTER = timedelta(days=7)
_MOST_PEOPLE = 200


def _is_under_way() -> ColumnElement[bool]:
    return Refund.status.in_(refunds.UNDER_WAY)


def _is_stuck() -> ColumnElement[bool]:
    """The gateway did not take it, or took it and a week later has not paid it out."""
    now = clock.utc_now()
    unanswered = (Refund.status == RefundStatus.REQUESTED) & (Refund.created_at < now - _NO_ANSWER_AFTER)
    slow = (Refund.status == RefundStatus.PENDING) & (Refund.created_at < now - _SLOW_AFTER)
    return unanswered | slow


def _has_failed() -> ColumnElement[bool]:
    return Refund.status == RefundStatus.FAILED


def _people() -> Options:
    """Those whose role may refund."""
    roles = [role for role, permissions in PERMISSIONS.items() if Permission.REFUND in permissions]
    query = select(User.id, User.name).where(User.role.in_(roles)).order_by(User.name).limit(_MOST_PEOPLE)
    return tuple((str(key), name) for key, name in db.session.execute(query))


def who(row: Refund) -> str:
    if row.requested_by is not None:
        return row.requested_by.name
    return "At the gateway" if row.is_external else "System"


def _what_now(row: Refund) -> str:
    """The state in a sentence: what it means, and what to do."""
    return {
        RefundStatus.REQUESTED: "The gateway has not answered yet. It is asked again by itself; nothing is paid twice.",
        RefundStatus.PENDING: "The gateway has taken it. Banks take up to a week; then the customer is told.",
        RefundStatus.COMPLETED: "The money went back, and the customer was told by email.",
        RefundStatus.FAILED: "Nothing went back. Read the error, then refund once more from the request.",
    }[row.status]


class RefundView(ConsoleView):
    noun = "refund"
    empty = "Nothing was ever refunded. Refunds are made on the page of a request."
    search_label = "Reference, or an id of the gateway"
    orders = {
        "newest": Order(Refund.created_at, Refund.id),
        "oldest": Order(Refund.created_at, Refund.id, descending=False),
    }
    tabs = (
        Tab("all", "All"),
        Tab("under_way", "Under way", _is_under_way, "oldest", "No refund is under way."),
        Tab("stuck", "Stuck", _is_stuck, "oldest", "No refund is stuck: gateways took and paid all of them in time."),
        Tab("failed", "Failed", _has_failed, empty="No refund was refused."),
    )
    options = (
        joinedload(Refund.requested_by).load_only(User.name),
        joinedload(Refund.payment, innerjoin=True).options(
            load_only(Payment.service_request_id, Payment.amount_minor, Payment.currency, raiseload=True),
            joinedload(Payment.service_request, innerjoin=True).load_only(ServiceRequest.reference_number),
        ),
    )
    columns = (
        Column(
            "Asked for",
            cells.moment(lambda row: row.created_at),
            lambda row: exact(row.created_at),
            sorts=("oldest", "newest"),
        ),
        Column(
            "Request",
            lambda row: cells.request_link(row.payment.service_request),
            lambda row: row.payment.service_request.reference_number,
        ),
        Column("Amount", lambda row: cells.money(row.amount), lambda row: row.amount.decimal, "number"),
        Column("Currency", lambda row: row.currency, is_listed=False),
        Column("Status", lambda row: cells.state(row.status), lambda row: row.status.label),
        Column("Who", who),
        Column("Gateway", lambda row: cells.gateway_name(row.gateway)),
        Column("Gateway's id", lambda row: cells.short_id(row.gateway_refund_id), lambda row: row.gateway_refund_id),
        Column("Error", lambda row: row.error_code or "–", lambda row: row.error_code),
        Column(
            "Refunded",
            cells.moment(lambda row: row.completed_at),
            lambda row: row.completed_at and exact(row.completed_at),
            "number",
        ),
    )
    filters = (
        choice("status", "Status", Refund.status, options=enum_options(RefundStatus)),
        choice("gateway", "Gateway", Refund.gateway, options=gateway_options),
        choice("who", "Who", Refund.requested_by_user_id, options=_people),
        *days(Refund.created_at, "Asked for"),
    )

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        number = payment_numbers.of_gateway(Refund.gateway, Refund.gateway_refund_id, text)
        readings = [number, Refund.payment_id.in_(find_quoted(text))]
        refund_id = parse_id(text)
        return query.where(or_(*readings, *([Refund.id == refund_id] if refund_id else [])))

    def title_of(self, row: Refund) -> str:
        return f"Refund of {cells.money(row.amount)}"

    def facts(self, row: Refund) -> Sequence[tuple[str, object]]:
        return [
            ("Request", cells.request_link(row.payment.service_request)),
            ("Status", cells.state(row.status)),
            ("What that means", _what_now(row)),
            ("Amount", cells.money(row.amount)),
            (
                "Of a payment of",
                cells.link("payments.details_view", cells.money(row.payment.amount), id=row.payment_id),
            ),
            ("Who", who(row)),
            ("Why", self.written(row.reason)),
            ("Error", row.error_code),
            ("Gateway", cells.gateway_name(row.gateway)),
            ("Gateway's refund id", cells.mono(row.gateway_refund_id)),
            ("Our id for it", cells.mono(row.id)),
            ("Asked for", exact(row.created_at)),
            ("Refunded", row.completed_at and exact(row.completed_at)),
            ("The gateway is asked again", row.next_check_at and exact(row.next_check_at)),
        ]
