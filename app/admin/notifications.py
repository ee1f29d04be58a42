"""Messages owed to people: sent, waiting, failed; read as they went out, and sent again."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.actions import action
from sqlalchemy.orm import defer, joinedload

from app import protection
from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.filters import choice, days, enum_options
from app.admin.listing import Column
from app.admin.pages import done
from app.admin.paging import Order
from app.admin.permissions import Permission
from app.admin.story import letter_name, letter_names
from app.ages import exact
from app.db import transaction
from app.errors import NotFound
from app.models import Notification, NotificationStatus, ServiceRequest
from app.workflows import deliveries
from app.workflows.deliveries import SentCopy

# A mail is somebody's text as well as ours: it runs nothing, loads nothing, and knows no page of ours.
_LETTER_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'; base-uri 'none'"
)


class NotificationView(ConsoleView):
    noun = "notification"
    details_template = "admin/notifications/details.html"
    empty = "Nobody is owed a message yet."
    action_permissions = {"resend": Permission.RESEND}
    page_permissions = {"resend": Permission.RESEND}
    orders = {"newest": Order(Notification.created_at, Notification.id)}
    options = (
        defer(Notification.sent_copy),
        defer(Notification.context),
        joinedload(Notification.recipient_user),
        joinedload(Notification.service_request).load_only(ServiceRequest.reference_number),
    )
    columns = (
        Column("Message", lambda row: letter_name(row.kind)),
        Column("To", lambda row: row.recipient_user.name if row.recipient_user else row.recipient),
        Column(
            "Request",
            lambda row: cells.request_link(row.service_request),
            lambda row: row.service_request and row.service_request.reference_number,
        ),
        Column("Status", lambda row: cells.state(row.status), lambda row: row.status.label),
        Column("Failures", lambda row: row.attempts or "–", css="number"),
        Column("Last error", lambda row: row.last_error or "–", css="wrap"),
        Column("Owed", cells.moment(lambda row: row.created_at), lambda row: exact(row.created_at), "number"),
        Column("Sent", cells.moment(lambda row: row.sent_at), lambda row: row.sent_at and exact(row.sent_at), "number"),
    )
    filters = (
        choice("status", "Status", Notification.status, options=enum_options(NotificationStatus)),
        choice("kind", "Message", Notification.kind, options=letter_names()),
        *days(Notification.created_at, "Owed"),
    )

    def title_of(self, row: Notification) -> str:
        return letter_name(row.kind)

    def facts(self, row: Notification) -> Sequence[tuple[str, object]]:
        return [
            ("To", row.recipient),
            ("Request", cells.request_link(row.service_request)),
            ("Status", cells.state(row.status)),
            ("Owed since", exact(row.created_at)),
            ("Sent", row.sent_at and exact(row.sent_at)),
            ("Failures", row.attempts),
            ("Last error", row.last_error),
            ("Next try", row.next_attempt_at and exact(row.next_attempt_at)),
            ("Message-ID", cells.mono(row.message_id)),
        ]

    def copy_of(self, row: Notification) -> SentCopy | None:
        return SentCopy.unpack(row.sent_copy) if row.sent_copy else None

    def can_resend(self, row: Notification) -> bool:
        return self.may_resend and row.status in {NotificationStatus.DEAD, NotificationStatus.SENT}

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        protection.allow("frame-src", "'self'")
        answer: ResponseReturnValue = super().details_view()
        return answer

    @expose("/<uuid:key>/letter")
    def letter(self, key: UUID) -> ResponseReturnValue:
        """The HTML part as it went out, for the frame on the details page."""
        row = self.get_one(key)
        copy = self.copy_of(row) if row else None
        if copy is None:
            raise NotFound("No copy of this message is kept.")
        headers = {"Content-Security-Policy": _LETTER_POLICY, "X-Frame-Options": "SAMEORIGIN"}
        return Response(copy.html, mimetype="text/html", headers=headers)

    @expose("/<uuid:key>/resend", methods=("POST",))
    def resend(self, key: UUID) -> ResponseReturnValue:
        with transaction():
            row = self.get_locked(key)
            deliveries.resend(row, actor=self.actor)
        if request.form.get("back") == "request" and row.service_request_id:
            return done("It is being sent again.", self.get_url("requests.page", key=row.service_request_id))
        return done("It is being sent again.", self.get_url(".details_view", id=key))

    @action("resend", "Send again", "Send the selected messages again?")
    def resend_selected(self, selected: list[str]) -> ResponseReturnValue:
        return self.report("Send again", selected, partial(deliveries.resend, actor=self.actor))
