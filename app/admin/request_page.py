"""The page of one request: its story, its facts, and what can be done next."""

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import ColumnElement, ScalarSelect, bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import joinedload, lazyload

from app.admin import listing, money_story, paging, request_filters, request_rows, story
from app.admin.permissions import Permission
from app.admin.request_money import Account, RequestMoney, accounts
from app.admin.story import Entry
from app.db import db, transaction
from app.errors import DomainError, NotFound
from app.extensions import links
from app.kit.contact import format_phone
from app.kit.money import Money
from app.models import CommissionEntry, ProviderProfile, RequestStatus, ServiceRequest
from app.workflows import assignment, looks
from app.workflows.status import NEEDS_NOTE

logger = logging.getLogger(__name__)

_PREVIEWED = 5
_LOOKS_SHOWN = 10
_NEXT = {
    RequestStatus.PENDING_CONTACT: (RequestStatus.IN_PROGRESS, "Start the work"),
    RequestStatus.TEAM_ASSIGNED: (RequestStatus.IN_PROGRESS, "Start the work"),
    RequestStatus.IN_PROGRESS: (RequestStatus.COMPLETED, "Mark completed"),
}


def _of_commission(value: ColumnElement[Any]) -> ScalarSelect[Any]:
    entries = select(value).where(CommissionEntry.service_request_id == ServiceRequest.id)
    return entries.correlate(ServiceRequest).scalar_subquery()


# Put together once, as all that a request's page asks.
_WITH_ALL = (
    select(
        ServiceRequest,
        ProviderProfile,
        _of_commission(func.sum(CommissionEntry.amount_minor)).label("earned"),
        _of_commission(func.min(CommissionEntry.currency)).label("currency"),
    )
    .outerjoin(ProviderProfile, ProviderProfile.user_id == ServiceRequest.assigned_provider_id)
    .where(ServiceRequest.id == bindparam("key"))
    .options(
        joinedload(ServiceRequest.provider),
        joinedload(ServiceRequest.operator),
        # Else whoever has no provider would be left out: it is joined as if each had one.
        lazyload(ProviderProfile.user),
    )
)


class RequestView(RequestMoney):
    """List, changes and page as one view of the console."""

    noun = "request"

    @expose("/<uuid:key>")
    def page(self, key: UUID) -> ResponseReturnValue:
        return self.show(key)

    def show(self, key: UUID, *, refusal: DomainError | None = None) -> str:
        self._note_look(key)
        service_request, profile, commission = self._load(key)
        money = accounts(key)
        payments = [account.payment for account in money]
        return self.render(
            "admin/requests/page.html",
            request_row=service_request,
            entries=self._story(service_request, money),
            payments=payments,
            accounts=money,
            profile=profile,
            commission=commission,
            phone=_phone(service_request),
            links=links(),
            looks=looks.latest(key, _LOOKS_SHOWN) if self.may_read_audit else (),
            refusal=refusal,
            draft=request.form if refusal else {},
            rows=request_rows,
            **self._place_in_list(service_request),
            **self._choices(service_request),
        )

    @expose("/<uuid:key>/preview")
    def preview(self, key: UUID) -> ResponseReturnValue:
        """What one wants to know before opening it, for the panel beside the list."""
        self._note_look(key)
        service_request, _, _ = self._load(key)
        entries = self._story(service_request, accounts(key))
        return self.render(
            "admin/requests/preview.html",
            request_row=service_request,
            entries=entries[:_PREVIEWED],
            notes=[entry for entry in entries[_PREVIEWED:] if entry.kind == "note"][:_PREVIEWED],
            phone=_phone(service_request),
            rows=request_rows,
            view_query=self._view_query(),
        )

    def _note_look(self, key: UUID) -> None:
        """Who may not read personal data saw none. A page is not refused because its look could not be noted."""
        user = self.user
        if not self.may_read_customers or looks.is_noted(key, user):
            return
        try:
            with transaction():
                looks.note(key, user.id)
        except SQLAlchemyError:
            logger.exception("a look was not noted", extra={"request": key})

    def _story(self, service_request: ServiceRequest, money: Sequence[Account]) -> list[Entry]:
        entries = story.tell(service_request, money_story.tell(money))
        return entries if self.may_read_customers else [story.without_words(entry) for entry in entries]

    def _view_query(self) -> str:
        """The list that the page was opened from, also after a form on it was sent."""
        sent = request.form.get("list") or request.query_string.decode(errors="replace")
        return request_filters.kept(sent)

    def _place_in_list(self, service_request: ServiceRequest) -> dict[str, Any]:
        """The list this request was opened from, and its neighbours there."""
        query = self._view_query()
        if not query:
            return {"view_query": "", "previous": None, "following": None}
        arguments = dict(parse_qsl(query))
        found = self.meant_by(arguments)
        order = self.orders[self.sort_of(arguments)]
        order = request_rows.as_found(found, order, text=listing.searched_text(arguments))
        previous, following = paging.neighbours(found, order, service_request)
        return {"view_query": query, "previous": previous, "following": following}

    def _load(self, key: UUID) -> tuple[ServiceRequest, ProviderProfile | None, Money | None]:
        """With who has it, and the commission that it earned somebody."""
        found = db.session.execute(self.scope(_WITH_ALL), {"key": key}).one_or_none()
        if found is None:
            raise NotFound("This request does not exist.")
        service_request, profile, earned, currency = found
        return service_request, profile, Money(int(earned), currency) if currency else None

    def _choices(self, service_request: ServiceRequest) -> dict[str, Any]:
        """What this person can do now, the most likely step apart."""
        if not self.may(Permission.WORK):
            return {"may_work": False}
        moves = request_rows.next_statuses(service_request.status)
        return {
            "may_work": True,
            "moves": [move for move in moves if not move["ends"]],
            "can_cancel": any(move["ends"] for move in moves),
            "next_step": _next_step(service_request),
            "providers": assignment.all_providers() if service_request.is_open else [],
            "needs_note": {wanted.value for old, wanted in NEEDS_NOTE if old is service_request.status},
        }


def _next_step(service_request: ServiceRequest) -> tuple[RequestStatus, str] | None:
    """The move that most likely comes next; a paid request without a provider wants one first."""
    if not service_request.is_paid or service_request.assigned_provider_id is None:
        return None
    return _NEXT.get(service_request.status)


def _phone(service_request: ServiceRequest) -> str:
    return format_phone(service_request.customer_phone) if service_request.customer_phone.startswith("+") else ""
