"""Messages owed to people: sent, waiting, failed; read as they went out or would go out now, and sent again."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.actions import action
from flask_login import current_user
from sqlalchemy import Select, select
from sqlalchemy.orm import defer, joinedload

from app.admin import cells, letter_pages, permissions
from app.admin.base import ConsoleView
from app.admin.filters import choice, days, enum_options, switch
from app.admin.letter_pages import Proof
from app.admin.listing import Column
from app.admin.pages import MASK, done
from app.admin.paging import Order
from app.admin.permissions import Permission
from app.admin.story import letter_name, letter_names
from app.ages import exact
from app.db import db, transaction
from app.errors import NotFound
from app.models import Notification, NotificationStatus, ServiceRequest
from app.stationery import stationery
from app.workflows import deliveries, letters, notification_search
from app.workflows.deliveries import ResendRefused, SentCopy
from app.workflows.letters import Case

_OPEN = {NotificationStatus.PENDING, NotificationStatus.DEAD}
"""Where it may still be sent, by itself or by a person."""


def _trouble(row: Notification) -> str:
    """Why it did not go out, or had better not."""
    objection = letters.objection(row, stationery()) if row.status in _OPEN else None
    if objection is not None:
        return f"Not true any more: {objection}"
    return row.last_error or "–"


def _to(row: Notification) -> str:
    if row.recipient_user is not None:
        return row.recipient_user.name
    return row.recipient if permissions.may(current_user, Permission.READ_CUSTOMERS) else MASK


class NotificationView(ConsoleView):
    noun = "notification"
    details_template = "admin/notifications/details.html"
    empty = "Nobody is owed a message yet. Each purchase, change of status and refund writes some."
    list_template = "admin/notifications/list.html"
    search_label = "Whole email address, or reference"
    action_permissions = {"resend": Permission.RESEND}
    page_permissions = {"resend": Permission.RESEND}
    orders = {"newest": Order(Notification.created_at, Notification.id)}
    options = (
        defer(Notification.sent_copy),
        defer(Notification.context),
        joinedload(Notification.recipient_user),
        joinedload(Notification.service_request).load_only(
            ServiceRequest.reference_number,
            # What tells whether the message is still true.
            ServiceRequest.status,
            ServiceRequest.payment_completed_at,
            ServiceRequest.assigned_provider_id,
            ServiceRequest.erased_at,
        ),
    )
    columns = (
        Column("Message", lambda row: letter_name(row.kind)),
        Column("To", _to),
        Column(
            "Request",
            lambda row: cells.request_link(row.service_request),
            lambda row: row.service_request and row.service_request.reference_number,
        ),
        Column("Status", lambda row: cells.state(row.status), lambda row: row.status.label),
        Column("Failures", lambda row: row.attempts, is_listed=False),
        Column("What is wrong", _trouble, css="wrap"),
        Column("Owed", cells.moment(lambda row: row.created_at), lambda row: exact(row.created_at), "number"),
        Column("Sent", cells.moment(lambda row: row.sent_at), lambda row: row.sent_at and exact(row.sent_at), "number"),
    )
    filters = (
        choice("status", "Status", Notification.status, options=enum_options(NotificationStatus)),
        choice("kind", "Message", Notification.kind, options=letter_names()),
        switch(
            "to",
            "To",
            {
                "customers": ("customers", Notification.recipient_user_id.is_(None)),
                "accounts": ("staff and partners", Notification.recipient_user_id.is_not(None)),
            },
        ),
        *days(Notification.created_at, "Owed"),
    )

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        return query.where(notification_search.condition(text))

    def title_of(self, row: Notification) -> str:
        return letter_name(row.kind)

    def name_of(self, row: Notification) -> str:
        about = f", {row.service_request.reference_number}" if row.service_request else ""
        return f"{letter_name(row.kind)}{about}"

    def facts(self, row: Notification) -> Sequence[tuple[str, object]]:
        return [
            ("To", row.recipient if self.may_read_customers or row.recipient_user_id else MASK),
            ("Request", cells.request_link(row.service_request)),
            ("Status", cells.state(row.status)),
            *([("Still true", letters.objection(row, stationery()) or "Yes")] if row.status in _OPEN else []),
            ("Owed since", exact(row.created_at)),
            ("Sent", row.sent_at and exact(row.sent_at)),
            ("Failures", row.attempts),
            ("Last error", row.last_error),
            ("Next try", row.next_attempt_at and exact(row.next_attempt_at)),
            ("Message-ID", cells.mono(row.message_id)),
        ]

    def copy_of(self, row: Notification) -> SentCopy | None:
        # Without a mail server the copy is all there is, and a link to somebody's password works in it.
        if not self.may_read_customers:
            return None
        kind = letters.KINDS.get(row.kind)
        is_hidden = kind is not None and kind.about_account and not self.may(Permission.MANAGE_USERS)
        return SentCopy.unpack(row.sent_copy) if row.sent_copy and not is_hidden else None

    def proof_of(self, row: Notification) -> Proof | None:
        """How a message that is still to be sent would go out now."""
        is_shown = self.may_read_customers and row.status in _OPEN
        return letter_pages.proof(self._case(row)) if is_shown else None

    def can_resend(self, row: Notification) -> bool:
        return self.may_resend and row.status in {NotificationStatus.DEAD, NotificationStatus.SENT}

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        letter_pages.allow_frame()
        answer: ResponseReturnValue = super().details_view()
        return answer

    @expose("/<uuid:key>/letter")
    def letter(self, key: UUID) -> ResponseReturnValue:
        """The HTML part as it went out, for the frame on the details page."""
        row = self.get_one(key)
        copy = self.copy_of(row) if row else None
        if copy is None:
            raise NotFound("No copy of this message is kept.")
        return letter_pages.framed(copy.html)

    @expose("/<uuid:key>/preview")
    def preview(self, key: UUID) -> ResponseReturnValue:
        """The HTML part as it would go out now."""
        row = self.get_one(key)
        proof = self.proof_of(row) if row else None
        if proof is None or proof.letter is None:
            raise NotFound("This message is not about to be sent, so there is nothing to preview.")
        return letter_pages.framed(proof.letter.html)

    @expose("/<uuid:key>/resend", methods=("POST",))
    def resend(self, key: UUID) -> ResponseReturnValue:
        with transaction():
            row = self.get_locked(key)
            self._resend(row)
        if request.form.get("back") == "request" and row.service_request_id:
            return done("It is being sent again.", self.get_url("requests.page", key=row.service_request_id))
        return done("It is being sent again.", self.get_url(".details_view", id=key))

    @action("resend", "Send again", "Send the selected messages again?")
    def resend_selected(self, selected: list[str]) -> ResponseReturnValue:
        return self.report("Send again", selected, self._resend)

    def _resend(self, row: Notification) -> None:
        reason = letters.objection(row, stationery())
        if reason is not None:
            raise ResendRefused(f"Not sent, because it is not true any more: {reason}")
        deliveries.resend(row, actor=self.actor)

    def _case(self, row: Notification) -> Case:
        """With all that its letter may speak of; lists leave most of that in the database."""
        whole = (joinedload(Notification.service_request), joinedload(Notification.recipient_user))
        query = select(Notification).where(Notification.id == row.id).options(*whole)
        fresh = db.session.scalars(query.execution_options(populate_existing=True)).one()
        return Case(fresh, stationery())
