"""What gateways told us: each verified message once, seen and handled."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import joinedload, load_only

from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.filters import choice, days, enum_options, switch
from app.admin.listing import Column
from app.admin.paging import Order
from app.admin.payments import gateway_options
from app.ages import exact
from app.models import EventOutcome, Payment, ServiceRequest, WebhookEvent


def _outcome(row: WebhookEvent) -> str:
    if row.outcome is None:
        return cells.pill("failed", "Not handled yet") if row.attempts else cells.pill("pending", "Just seen")
    return cells.state(row.outcome)


def _request(row: WebhookEvent) -> Any:
    return cells.request_link(row.payment.service_request if row.payment else None)


class WebhookEventView(ConsoleView):
    """The raw message is never loaded here: it may carry a customer's data."""

    noun = "webhook_event"
    empty = "No gateway has sent anything yet."
    search_label = "Event id"
    orders = {"newest": Order(WebhookEvent.created_at, WebhookEvent.id)}
    options = (
        load_only(
            WebhookEvent.created_at,
            WebhookEvent.gateway,
            WebhookEvent.event_id,
            WebhookEvent.kind,
            WebhookEvent.payment_id,
            WebhookEvent.deliveries,
            WebhookEvent.handled_at,
            WebhookEvent.outcome,
            WebhookEvent.detail,
            WebhookEvent.attempts,
            WebhookEvent.next_attempt_at,
            raiseload=True,
        ),
        joinedload(WebhookEvent.payment)
        .load_only(Payment.service_request_id)
        .joinedload(Payment.service_request, innerjoin=True)
        .load_only(ServiceRequest.reference_number),
    )
    columns = (
        Column("Event", lambda row: cells.mono(row.event_id), lambda row: row.event_id),
        Column("Gateway", lambda row: row.gateway.capitalize()),
        Column("Says", lambda row: row.kind),
        Column("Request", _request, lambda row: row.payment and row.payment.service_request.reference_number),
        Column("Outcome", _outcome, lambda row: row.outcome.label if row.outcome else ""),
        Column("Deliveries", lambda row: row.deliveries, css="number"),
        Column("Seen", cells.moment(lambda row: row.created_at), lambda row: exact(row.created_at), "number"),
    )

    def __init__(self, *arguments: Any, **more: Any) -> None:
        self.filters = (
            choice("outcome", "Outcome", WebhookEvent.outcome, options=enum_options(EventOutcome)),
            choice("gateway", "Gateway", WebhookEvent.gateway, options=gateway_options),
            *days(WebhookEvent.created_at, "Seen"),
            switch(
                "handled",
                "Handling",
                {
                    "no": ("not done", WebhookEvent.handled_at.is_(None)),
                    "yes": ("done", WebhookEvent.handled_at.is_not(None)),
                },
            ),
        )
        super().__init__(*arguments, **more)

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        return query.where(WebhookEvent.event_id == text)

    def title_of(self, row: WebhookEvent) -> str:
        return f"{row.gateway.capitalize()}: {row.kind}"

    def facts(self, row: WebhookEvent) -> Sequence[tuple[str, object]]:
        return [
            ("Event id", cells.mono(row.event_id)),
            ("Request", _request(row)),
            ("Outcome", _outcome(row)),
            ("Detail", row.detail),
            ("Seen", exact(row.created_at)),
            ("Handled", row.handled_at and exact(row.handled_at)),
            ("Deliveries", row.deliveries),
            ("Tries to handle it", row.attempts),
            ("Next try", row.next_attempt_at and exact(row.next_attempt_at)),
        ]
