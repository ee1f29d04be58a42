"""The view that every table of the console builds on: Flask-Admin's, hardened.

What Flask-Admin leaves open is closed here once: rows by scope for every way to reach them, typed ids, rights
checked for each function, stale edits refused, pages by keyset, counts that stop, exports that stream.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from flask import Response, flash, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.contrib.sqla import ModelView
from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.base import ExecutableOption

from app.admin import filters, listing, paging
from app.admin.bulk import Outcome, run_on_selected
from app.admin.export import stream_csv
from app.admin.filters import Control, Filter
from app.admin.forms import AdminForm
from app.admin.listing import Column, Listing
from app.admin.pages import Guarded
from app.admin.paging import Order
from app.admin.permissions import Permission
from app.db import db, transaction
from app.errors import DomainError, InvalidInput, NotFound, StaleChange
from app.kit import ids
from app.workflows import audit

_CHUNK = 1000


class ConsoleView(Guarded, ModelView):
    """A table: its list, and for those with `edit_permission` its forms; without one it is read only."""

    form_base_class = AdminForm
    form = AdminForm
    column_list: Sequence[str] = ()
    list_template = "admin/list.html"
    create_template = edit_template = "admin/form.html"
    details_template = "admin/details.html"
    can_view_details = True

    noun = "row"
    intro = ""
    empty = "Nothing here yet."
    search_label = ""
    edit_permission: Permission | None = None
    action_permissions: Mapping[str, Permission] = {}
    columns: Sequence[Column] = ()
    filters: Sequence[Filter] = ()
    orders: Mapping[str, Order]
    options: Sequence[ExecutableOption] = ()
    editable: Sequence[str] = ()

    # --- what a subclass says

    def scope(self, query: Select[Any]) -> Select[Any]:
        """The rows that exist for the console at all: list, details, edit, export and actions agree on it."""
        return query

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        return query

    def facts(self, row: Any) -> Sequence[tuple[str, object]]:
        """The details page: label and value."""
        return [(column.heading, column.cell(row)) for column in self.columns]

    def snapshot(self, row: Any) -> Mapping[str, object]:
        """What the form can change: compared to notice a stale edit, and entered into the audit log."""
        return {name: getattr(row, name) for name in self.editable}

    def ensure_deletable(self, row: Any) -> None:
        """Raises DomainError for a row that must stay."""
        raise NotFound("Entries of this list are not deleted.")

    # --- who may what

    @property
    def can_create(self) -> bool:
        return self.edit_permission is not None and self.may(self.edit_permission)

    can_edit = can_create
    can_delete = False

    def _handle_view(self, name: str, **kwargs: Any) -> ResponseReturnValue | None:
        refused: ResponseReturnValue | None = super()._handle_view(name, **kwargs)
        if refused is not None:
            return refused
        try:
            self._ensure_open(name)
        except DomainError as error:
            return self.refuse(error)
        return None

    def _ensure_open(self, name: str) -> None:
        needed = {
            "create_view": self.edit_permission,
            "edit_view": self.edit_permission,
            "delete_view": self.edit_permission,
            "export": Permission.EXPORT,
            "ajax_update": None,
            "ajax_lookup": None,
        }
        if name in needed:
            permission = needed[name]
            if permission is None:
                raise NotFound("This list has no such page.")
            self.ensure(permission)

    def is_action_allowed(self, name: str) -> bool:
        return name in self.action_permissions and self.may(self.action_permissions[name])

    @expose("/action/", methods=("POST",))
    def action_view(self) -> ResponseReturnValue:
        name = request.form.get("action", "")
        if name not in self.action_permissions:
            raise NotFound("This list has no such action.")
        self.ensure(self.action_permissions[name])
        answer: ResponseReturnValue = self.handle_action()
        return answer

    # --- the list

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        query, controls = self.asked_for()
        order = self.order()
        page = paging.fetch(query.options(*self.options), order, place=listing.place(request.args))
        shown = Listing(
            page=page,
            count=paging.count_words(paging.count_up_to_cap(query, self.model.id)),
            controls=controls,
            columns=self.columns,
            sort=self.sort(),
        )
        actions, confirmations = self.get_actions_list()
        return self.render(
            self.list_template,
            listing=shown,
            text=listing.searched_text(request.args),
            actions=actions,
            confirmations=confirmations,
        )

    def asked_for(self) -> tuple[Select[Any], list[Control]]:
        query, controls = filters.apply(self.scope(select(self.model)), self.filters, request.args)
        text = listing.searched_text(request.args)
        return (self.searched(query, text) if text and self.search_label else query), controls

    def sort(self) -> str:
        asked = request.args.get("sort", "")
        return asked if asked in self.orders else next(iter(self.orders))

    def order(self) -> Order:
        return self.orders[self.sort()]

    def row_address(self, row: Any) -> str:
        return str(self.get_url(".edit_view" if self.can_edit else ".details_view", id=row.id))

    # --- one row

    def get_one(self, id: Any) -> Any | None:  # noqa: A002 - the library's name
        key = ids.parse_id(str(id))
        return None if key is None else db.session.scalar(self._one(key).options(*self.options))

    def get_locked(self, key: Any) -> Any:
        """The row, read afresh and locked until the transaction ends. Raises NotFound."""
        query = self._one(key).with_for_update(of=self.model).execution_options(populate_existing=True)
        row = db.session.scalar(query)
        if row is None:
            raise NotFound("This entry does not exist any more.")
        return row

    def _one(self, key: Any) -> Select[Any]:
        return self.scope(select(self.model)).where(self.model.id == key)

    def edit_form(self, obj: Any = None) -> AdminForm:
        form: AdminForm = super().edit_form(obj)
        if request.method == "GET":
            form.row_version.data = self._fingerprint(obj)
        return form

    # --- changes: in our own transaction, with their audit entry

    def create_model(self, form: AdminForm) -> Any:
        row = self.model()

        def create() -> None:
            form.populate_obj(row)
            db.session.add(row)
            db.session.flush()
            audit.record(f"{self.noun}.created", row, actor=self.actor, after=self.snapshot(row))

        return row if self._change(create, form) else False

    def update_model(self, form: AdminForm, model: Any) -> bool:
        def update() -> None:
            row = self.get_locked(model.id)
            if form.row_version.data != self._fingerprint(row):
                raise StaleChange
            before = dict(self.snapshot(row))
            form.populate_obj(row)
            db.session.flush()
            self._record_change(row, before)

        return self._change(update, form)

    def delete_model(self, model: Any) -> bool:
        def delete() -> None:
            row = self.get_locked(model.id)
            self.ensure_deletable(row)
            audit.record(f"{self.noun}.deleted", row, actor=self.actor, before=self.snapshot(row))
            db.session.delete(row)

        return self._change(delete, AdminForm())

    def _record_change(self, row: Any, before: Mapping[str, object]) -> None:
        after = self.snapshot(row)
        changed = [name for name in after if after[name] != before[name]]
        if changed:
            audit.record(
                f"{self.noun}.changed",
                row,
                actor=self.actor,
                before={name: before[name] for name in changed},
                after={name: after[name] for name in changed},
            )

    def _change(self, change: Callable[[], None], form: AdminForm) -> bool:
        try:
            with transaction():
                change()
        except IntegrityError:
            flash("This is in use elsewhere, or exists already, so nothing was saved.", "error")
            return False
        except DomainError as error:
            _show_refusal(error, form)
            return False
        return True

    def _fingerprint(self, row: Any) -> str:
        values = json.dumps(dict(self.snapshot(row)), default=str, sort_keys=True)
        return hashlib.blake2s(values.encode(), digest_size=12).hexdigest()

    # --- many rows

    def run_on_selected(self, selected: Sequence[str], change: Callable[[Any], object]) -> list[Outcome]:
        return run_on_selected(selected, load=self.get_locked, change=change)

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> ResponseReturnValue:
        if export_type != "csv":
            raise NotFound("Lists are exported as CSV.")
        query, _ = self.asked_for()
        columns = [(column.heading, column.plain) for column in self.columns]
        return self._stream(query.options(*self.options), columns)

    def _stream(self, query: Select[Any], columns: Sequence[tuple[str, Callable[[Any], object]]]) -> Response:
        ordered = query.order_by(self.order().key).execution_options(yield_per=_CHUNK)
        return stream_csv(f"{self.endpoint}.csv", columns, _chunks(ordered))


def _chunks(query: Select[Any]) -> Iterator[Sequence[Any]]:
    yield from db.session.scalars(query).partitions()


def _show_refusal(error: DomainError, form: AdminForm) -> None:
    """Next to the fields it speaks of; else above the form."""
    named = {name: text for name, text in error.details.items() if name in form and isinstance(error, InvalidInput)}
    for name, text in named.items():
        form[name].errors = [*form[name].errors, text]
    if not named:
        flash(" ".join(filter(None, (error.message, error.suggested_action))), "error")
