"""The list of what gateways told us: its columns, filters and search."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import joinedload, load_only

from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.filters import Options, choice, days, enum_options, switch
from app.admin.listing import Column
from app.admin.paging import Order
from app.admin.payments import gateway_options
from app.ages import exact
from app.db import db
from app.kit.money import Money
from app.models import EventOutcome, Payment, ServiceRequest, User, WebhookEvent
from app.workflows import attention, webhook_search

_MOST_KINDS = 200


def outcome(row: WebhookEvent) -> Markup | str:
    if row.outcome is None:
        return cells.pill("failed", "Not handled yet") if row.attempts else cells.pill("pending", "Just seen")
    if row.outcome is EventOutcome.REVIEW and row.reviewed_at is not None:
        return cells.pill("ignored", "Reviewed")
    return cells.state(row.outcome)


def kind_options() -> Options:
    """Each kind once: one step in the index from one to the next, however many messages there are."""
    kinds = select(func.min(WebhookEvent.kind).label("kind")).cte("kinds", recursive=True)
    following = select(func.min(WebhookEvent.kind)).where(WebhookEvent.kind > kinds.c.kind).scalar_subquery()
    kinds = kinds.union_all(select(following).where(kinds.c.kind.is_not(None)))
    found = db.session.scalars(select(kinds.c.kind).where(kinds.c.kind.is_not(None)).limit(_MOST_KINDS))
    return tuple((kind, kind) for kind in found)


def words_of(value: object) -> str:
    """One side of a difference in a forecast."""
    if isinstance(value, Money):
        return cells.money(value)
    if isinstance(value, datetime):
        return exact(value)
    if isinstance(value, Enum):
        return str(getattr(value, "label", value.value.capitalize()))
    return str(value) if value else "–"


def _request(row: WebhookEvent) -> Any:
    return cells.request_link(row.payment.service_request if row.payment else None)


def _is_reviewed() -> ColumnElement[bool]:
    # With its outcome, which has an index.
    return and_(WebhookEvent.outcome == EventOutcome.REVIEW, WebhookEvent.reviewed_at.is_not(None))


class WebhookEventList(ConsoleView):
    """The raw message is left in the database but for the one page that shows it: it may carry a customer's data."""

    noun = "webhook_event"
    empty = "No gateway has sent anything yet. Give each the webhook address that stands on its page under Gateways."
    search_label = "Event id, gateway's payment id or reference"
    orders = {"newest": Order(WebhookEvent.created_at, WebhookEvent.id)}
    options = (
        load_only(
            WebhookEvent.created_at,
            WebhookEvent.gateway,
            WebhookEvent.event_id,
            WebhookEvent.kind,
            WebhookEvent.payment_id,
            WebhookEvent.gateway_payment_id,
            WebhookEvent.gateway_intent_id,
            WebhookEvent.deliveries,
            WebhookEvent.handled_at,
            WebhookEvent.outcome,
            WebhookEvent.detail,
            WebhookEvent.attempts,
            WebhookEvent.next_attempt_at,
            WebhookEvent.reviewed_at,
            WebhookEvent.review_note,
            raiseload=True,
        ),
        joinedload(WebhookEvent.reviewed_by).load_only(User.name),
        joinedload(WebhookEvent.payment)
        .load_only(Payment.service_request_id)
        .joinedload(Payment.service_request, innerjoin=True)
        .load_only(ServiceRequest.reference_number),
    )
    columns = (
        Column("Event", lambda row: cells.short_id(row.event_id), lambda row: row.event_id),
        Column("Gateway", lambda row: cells.gateway_name(row.gateway)),
        Column("Says", lambda row: row.kind),
        Column("Request", _request, lambda row: row.payment and row.payment.service_request.reference_number),
        Column("Outcome", outcome, lambda row: row.outcome.label if row.outcome else ""),
        Column("Why", lambda row: row.detail or "–", css="wrap"),
        Column("Deliveries", lambda row: row.deliveries, css="number"),
        Column("Seen", cells.moment(lambda row: row.created_at), lambda row: exact(row.created_at), "number"),
        Column("Handled", cells.moment(lambda row: row.handled_at), lambda row: row.handled_at, "number"),
    )

    def __init__(self, *arguments: Any, **more: Any) -> None:
        is_handled = WebhookEvent.handled_at.is_not(None)
        self.filters = (
            choice("outcome", "Outcome", WebhookEvent.outcome, options=enum_options(EventOutcome)),
            choice("gateway", "Gateway", WebhookEvent.gateway, options=gateway_options),
            choice("kind", "Message", WebhookEvent.kind, options=kind_options),
            switch("handled", "Handling", {"no": ("not done", ~is_handled), "yes": ("done", is_handled)}),
            switch(
                "review",
                "Review",
                {
                    "needed": ("needed", attention.message_needs_review()),
                    "done": ("done", _is_reviewed()),
                },
            ),
            *days(WebhookEvent.created_at, "Seen"),
        )
        super().__init__(*arguments, **more)

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        return query.where(WebhookEvent.id.in_(webhook_search.ids_of(text)))

    def title_of(self, row: WebhookEvent) -> str:
        return f"{cells.gateway_name(row.gateway)}: {row.kind}"

    def facts(self, row: WebhookEvent) -> Sequence[tuple[str, object]]:
        return [
            ("Event id", cells.mono(row.event_id)),
            ("Request", _request(row)),
            ("Gateway's payment id", cells.mono(row.gateway_payment_id)),
            ("Gateway's order id", cells.mono(row.gateway_intent_id)),
            ("Outcome", outcome(row)),
            ("Detail", row.detail),
            ("Seen", exact(row.created_at)),
            ("Handled", row.handled_at and exact(row.handled_at)),
            ("Deliveries", row.deliveries),
            ("Tries to handle it", row.attempts),
            ("Next try", row.next_attempt_at and exact(row.next_attempt_at)),
            *_review(row, self.written(row.review_note)),
        ]


def _review(row: WebhookEvent, note: str | None) -> Sequence[tuple[str, object]]:
    if row.reviewed_at is None:
        return []
    who = row.reviewed_by.name if row.reviewed_by else "nobody"
    return [("Reviewed", f"{exact(row.reviewed_at)} by {who}"), ("It came to", note)]
