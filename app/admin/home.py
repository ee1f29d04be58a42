"""What needs a person now, as numbers that lead to the lists behind them."""

from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import Select, select

from app.admin import paging
from app.admin.pages import Guarded
from app.extensions import settings
from app.models import EventOutcome, Notification, NotificationStatus, Payment, RequestStatus, WebhookEvent
from app.workflows import request_search
from app.workflows.request_search import RequestFilters


@dataclass(frozen=True, slots=True)
class Figure:
    """`count` is in words, as it may be capped; `all_well` is what a zero means."""

    label: str
    count: str
    address: str
    hint: str
    all_well: str
    state: str = "waiting"


class Home(Guarded):
    def __init__(self, **more: Any) -> None:
        super().__init__(endpoint="admin", url="/admin", **more)

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return self.render("admin/home.html", figures=[*_work(), *_trouble()])


def _work() -> list[Figure]:
    awaiting = RequestFilters(status=RequestStatus.PENDING_CONTACT, is_open=True)
    unassigned = RequestFilters(provider="none", is_open=True)
    return [
        Figure(
            "Awaiting first contact",
            _requests(awaiting),
            url_for("requests.index_view", status=RequestStatus.PENDING_CONTACT.value),
            "Paid, and nobody has called yet",
            "Every customer was contacted",
        ),
        Figure(
            "Unassigned",
            _requests(unassigned),
            url_for("requests.index_view", view="unassigned"),
            "Open, and without a provider",
            "Every open request has its provider",
        ),
        Figure(
            "Overdue",
            _requests(RequestFilters(is_overdue=True)),
            url_for("requests.index_view", view="overdue"),
            "Longer without a call than we promised",
            "Nobody waits longer than we promised",
            "problem",
        ),
    ]


def _trouble() -> list[Figure]:
    flagged = select(Payment.id).where(Payment.flag.is_not(None), Payment.flag_resolved_at.is_(None))
    in_review = select(WebhookEvent.id).where(
        WebhookEvent.outcome == EventOutcome.REVIEW, WebhookEvent.reviewed_at.is_(None)
    )
    dead = select(Notification.id).where(Notification.status == NotificationStatus.DEAD)
    return [
        Figure(
            "Payments to review",
            _count(flagged, Payment),
            url_for("payments.index_view", view="review"),
            "Late, double, or another amount",
            "Every payment is as it should be",
            "problem",
        ),
        Figure(
            "Gateway messages to review",
            _count(in_review, WebhookEvent),
            url_for("webhook_events.index_view", outcome=EventOutcome.REVIEW.value),
            "They fit no payment of ours",
            "Every message was understood",
            "problem",
        ),
        Figure(
            "Failed mails",
            _count(dead, Notification),
            url_for("notifications.index_view", status=NotificationStatus.DEAD.value),
            "Given up after several tries",
            "Every message went out",
            "problem",
        ),
    ]


def _requests(filters: RequestFilters) -> str:
    query = request_search.select_requests(filters, zone=settings().time_zone)
    return paging.count_words(request_search.count_up_to(query, paging.COUNT_CAP))


def _count(query: Select[Any], model: Any) -> str:
    return paging.count_words(paging.count_up_to_cap(query, model.id))
