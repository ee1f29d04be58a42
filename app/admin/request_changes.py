"""What staff do to one request: status, provider, notes. Every step is a workflow's."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin import request_cells, request_columns, request_filters, request_rows
from app.admin.filter_options import ME
from app.admin.pages import done, wants_json
from app.admin.permissions import Permission
from app.admin.request_bulk import RequestBulk
from app.db import db, transaction
from app.errors import DomainError, InvalidInput, NotFound
from app.kit import ids
from app.models import RequestStatus, ServiceRequest, User
from app.workflows import assignment, bulk_writes, deadlines, requests, status

Change = Callable[[ServiceRequest], object]
_NOBODY = {"", "none"}


class RequestChanges(RequestBulk):
    page_permissions = dict.fromkeys(
        ("set_status", "set_provider", "add_note", "providers", "set_operator", "set_clock"), Permission.WORK
    )

    # --- one request, from its page or in the list

    @expose("/<uuid:key>/status", methods=("POST",))
    def set_status(self, key: UUID) -> ResponseReturnValue:
        return self._carry_out(key, self._status_change(), takes=True)

    @expose("/<uuid:key>/provider", methods=("POST",))
    def set_provider(self, key: UUID) -> ResponseReturnValue:
        return self._carry_out(key, self._provider_change(), takes=True)

    @expose("/<uuid:key>/notes", methods=("POST",))
    def add_note(self, key: UUID) -> ResponseReturnValue:
        return self._carry_out(key, lambda row: requests.add_note(row, _sent("note"), actor=self.actor), takes=True)

    @expose("/<uuid:key>/operator", methods=("POST",))
    def set_operator(self, key: UUID) -> ResponseReturnValue:
        return self._carry_out(key, self._operator_change())

    @expose("/<uuid:key>/clock", methods=("POST",))
    def set_clock(self, key: UUID) -> ResponseReturnValue:
        change = deadlines.wait_for_customer if _sent("clock") == "stop" else deadlines.go_on
        return self._carry_out(key, partial(change, actor=self.actor), takes=True)

    @expose("/<uuid:key>/row")
    def row(self, key: UUID) -> ResponseReturnValue:
        row = request_rows.find_row(key, self._columns())
        if row is None:
            raise NotFound("This request does not exist.")
        return jsonify(row=self._row_maker()(row))

    @expose("/providers")
    def providers(self) -> ResponseReturnValue:
        """Whom a request can be given to, with their load."""
        profiles = assignment.all_providers()
        return jsonify(
            providers=[
                {
                    "value": str(profile.user_id),
                    "label": profile.user.name,
                    "load": f"{profile.open_work} of {profile.capacity}",
                    "isFull": profile.open_work >= profile.capacity,
                    "availability": profile.availability.label,
                }
                for profile in profiles
            ]
        )

    def show(self, key: UUID, *, refusal: DomainError | None = None) -> str:
        """The request's page; with a refusal, what was typed stands in the forms again."""
        raise NotImplementedError

    def _carry_out(self, key: UUID, change: Change, *, takes: bool = False) -> ResponseReturnValue:
        """Change one request; with `takes`, whoever does so looks after it from then on unless somebody does."""
        # Asked before: a transaction reads afresh what is asked for again, the user too.
        actor, show_row = self.actor, self._row_maker()
        takes = takes and requests.may_take(self.user)
        try:
            with transaction(), bulk_writes.gathered():
                service_request = requests.get_locked(key, version=_sent_version())
                change(service_request)
                if takes:
                    requests.take_if_free(service_request, actor=actor)
        except DomainError as error:
            if wants_json() or isinstance(error, NotFound):
                raise
            return self.show(key, refusal=error), error.http_status
        if wants_json():
            return jsonify(row=show_row(request_rows.row_of(service_request)), message="Saved.")
        return done("Saved.", self.page_address(key))

    def page_address(self, key: UUID) -> str:
        """The request's page, which keeps the list it was opened from."""
        query = request_filters.kept(request.form.get("list", ""))
        return f"{self.get_url('.page', key=key)}{'?' if query else ''}{query}"

    def _status_change(self) -> Change:
        wanted, note = _sent_status(), _sent("note")
        return partial(status.change_status, wanted=wanted, actor=self.actor, note=note)

    def _provider_change(self) -> Change:
        if _sent("provider") in _NOBODY:
            return partial(assignment.unassign, actor=self.actor)
        key = ids.parse_id(_sent("provider"))
        if key is None:
            raise InvalidInput("Choose a provider.", details={"provider": "Choose a provider."})
        actor = self.actor
        # Looked up where it is decided: inside the transaction.
        return lambda row: assignment.assign(row, assignment.get_provider(key), actor=actor)

    def _operator_change(self) -> Change:
        if _sent("operator") in _NOBODY:
            return partial(requests.put_in_charge, operator=None, actor=self.actor)
        key = self.user.id if _sent("operator") == ME else ids.parse_id(_sent("operator"))
        operator = db.session.get(User, key) if key else None
        if operator is None:
            raise InvalidInput("Choose a member of staff.", details={"operator": "Choose one of the list."})
        return partial(requests.put_in_charge, operator=operator, actor=self.actor)

    def _row_maker(self) -> Callable[[Any], str]:
        """Makes the row that stands in this person's list."""
        columns = self._columns()
        query = request_filters.kept(request.query_string.decode(errors="replace")) or "view=todo"
        make = partial(request_cells.rows_of, columns=columns, url=self.url, query=query, may_work=self.may_work)
        return lambda row: make([row])

    def _columns(self) -> Sequence[str]:
        return request_columns.chosen_by(self.user.id, with_contact=self.may_read_customers)


def _sent(name: str) -> str:
    sent = request.get_json(silent=True) if request.is_json else request.form
    value = sent.get(name) if isinstance(sent, dict) else None
    return "" if value is None else str(value).replace("\0", "").strip()


def _sent_version() -> int:
    """The one the person was shown. Raises InvalidInput: a change of something unseen is no change of mind."""
    text = _sent("version")
    if not text.isascii() or not text.isdigit():
        raise InvalidInput("Say which version of the request you saw.", details={"version": "This is needed."})
    return int(text)


def _sent_status() -> RequestStatus:
    try:
        return RequestStatus(_sent("status"))
    except ValueError as error:
        raise InvalidInput("Choose a status.", details={"status": "Choose one of the list."}) from error
