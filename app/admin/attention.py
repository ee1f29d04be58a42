"""What needs a person now, as numbers that lead to the lists behind them; first what this person may act on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import url_for
from sqlalchemy import Select, select

from app.admin import paging, permissions
from app.admin.permissions import Permission
from app.ages import remaining
from app.extensions import settings
from app.kit import clock
from app.models import (
    Dispute,
    GatewayConfig,
    Notification,
    Payment,
    RequestStatus,
    ServiceRequest,
    User,
    WebhookEvent,
)
from app.workflows import attention, request_search
from app.workflows.request_search import RequestFilters


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that may wait: which rows, where they are listed, who may act; `all_well` is what none means."""

    name: str
    label: str
    query: Callable[[], Select[Any]]
    place: tuple[str, dict[str, str]]
    hint: str
    all_well: str
    acts: Permission
    state: str = "problem"


@dataclass(frozen=True, slots=True)
class Number:
    """A matter as it stands; `count` is in words, as it may be capped."""

    name: str
    label: str
    amount: int
    count: str
    address: str
    hint: str
    state: str
    is_mine: bool


def _requests(filters: RequestFilters) -> Callable[[], Select[Any]]:
    return lambda: request_search.select_requests(filters, zone=settings().time_zone).with_only_columns(
        ServiceRequest.id
    )


MATTERS = (
    Matter(
        "awaiting",
        "Awaiting first contact",
        _requests(RequestFilters(status=RequestStatus.PENDING_CONTACT)),
        ("requests.index_view", {"status": RequestStatus.PENDING_CONTACT.value}),
        "Paid, and nobody has called yet",
        "Every customer was contacted",
        Permission.WORK,
        "waiting",
    ),
    Matter(
        "unassigned",
        "Unassigned",
        _requests(RequestFilters(provider="none", is_open=True)),
        ("requests.index_view", {"view": "unassigned"}),
        "Open, and without a provider",
        "Every open request has its provider",
        Permission.WORK,
        "waiting",
    ),
    Matter(
        "overdue",
        "Overdue",
        _requests(RequestFilters(is_overdue=True)),
        ("requests.index_view", {"view": "overdue"}),
        "Longer without a call than promised",
        "Nobody waits longer than promised",
        Permission.WORK,
    ),
    Matter(
        "stuck",
        "Stuck payments",
        lambda: select(Payment.id).where(attention.payment_is_stuck()),
        ("payments.index_view", {"view": "stuck"}),
        "No answer from the gateway for an hour",
        "Every gateway said how its payments stand",
        Permission.WORK,
    ),
    Matter(
        "flagged",
        "Payments to review",
        lambda: select(Payment.id).where(attention.payment_is_flagged()),
        ("payments.index_view", {"view": "review"}),
        "Late, double, or another amount",
        "Every payment is as it should be",
        Permission.REFUND,
    ),
    Matter(
        "disputes",
        "Open disputes",
        lambda: select(Dispute.id).where(attention.dispute_is_open()),
        ("disputes.index_view", {"view": "open"}),
        "A bank asks money back",
        "No bank asks money back",
        Permission.REFUND,
    ),
    Matter(
        "messages",
        "Gateway messages to review",
        lambda: select(WebhookEvent.id).where(attention.message_needs_review()),
        ("webhook_events.index_view", {"review": "needed"}),
        "They fit no payment of ours",
        "Every message was understood",
        Permission.REPLAY,
    ),
    Matter(
        "mails",
        "Failed mails",
        lambda: select(Notification.id).where(attention.mail_failed()),
        ("notifications.index_view", {"status": "dead"}),
        "Given up after several tries",
        "Every message went out",
        Permission.RESEND,
    ),
    Matter(
        "gateways",
        "Gateways down",
        lambda: select(GatewayConfig.id).where(attention.gateway_is_down()),
        ("gateways.index_view", {"health": "down"}),
        "They keep failing; others are offered first",
        "Every gateway answers",
        Permission.MANAGE_GATEWAYS,
    ),
)


def numbers(user: User) -> list[Number]:
    """All of them, those that `user` may act on first."""
    counts = attention.count_up_to({matter.name: matter.query() for matter in MATTERS}, paging.COUNT_CAP)
    shown = [_number(matter, counts[matter.name], user) for matter in MATTERS]
    return sorted(shown, key=lambda number: not number.is_mine)


def _number(matter: Matter, count: int, user: User) -> Number:
    endpoint, arguments = matter.place
    return Number(
        matter.name,
        matter.label,
        count,
        paging.count_words(count),
        url_for(endpoint, **arguments),  # type: ignore[arg-type]
        _hint(matter, count),
        matter.state if count else "calm",
        permissions.may(user, matter.acts),
    )


def _hint(matter: Matter, count: int) -> str:
    if not count:
        return matter.all_well
    deadline = attention.next_deadline() if matter.name == "disputes" else None
    return f"{matter.hint}: answer {remaining(deadline, clock.utc_now())}" if deadline else matter.hint
