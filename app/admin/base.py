"""The view that every table of the console builds on: Flask-Admin's, hardened.

What Flask-Admin leaves open is closed here once: rows by scope for every way to reach them, typed ids, rights
checked for each function, pages by keyset, counts that stop, exports that stream. Changes are in `changes`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import Select, select

from app import reauthentication
from app.admin import filters, listing, paging
from app.admin.bulk import Outcome, run_on_selected
from app.admin.changes import Changing
from app.admin.export import stream_csv
from app.admin.filters import Control, Filter
from app.admin.forms import AdminForm
from app.admin.listing import Column, Listing, Tab
from app.admin.paging import Order
from app.admin.permissions import Permission
from app.db import db, transaction
from app.errors import DomainError, NotFound
from app.workflows import audit

_CHUNK = 1000


class ConsoleView(Changing):
    """A table: its list, and for those with `edit_permission` its forms; without one it is read only."""

    form_base_class = AdminForm
    form = AdminForm
    list_template = "admin/list.html"
    create_template = edit_template = "admin/form.html"
    details_template = "admin/details.html"
    can_view_details = True

    intro = ""
    empty = "Nothing here yet."
    search_label = ""
    create_label = "New entry"
    delete_warning = "This cannot be undone."
    action_permissions: Mapping[str, Permission] = {}
    page_permissions: Mapping[str, Permission] = {}
    confirmed: frozenset[str] = frozenset()
    """What is sent to these only goes on once its sender has confirmed who they are."""
    columns: Sequence[Column] = ()
    filters: Sequence[Filter] = ()
    orders: Mapping[str, Order]
    tabs: Sequence[Tab] = ()

    def scaffold_list_columns(self) -> list[str]:
        """None: what a table shows stands in `columns`. The library would look at each of the model's, three times."""
        return []

    # --- what a subclass says

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        return query

    def shown(self, rows: Sequence[Any]) -> Sequence[Any]:
        """What the cells get for the loaded rows: here a view brings figures for all of them at once."""
        return rows

    def facts(self, row: Any) -> Sequence[tuple[str, object]]:
        """The details page: label and value."""
        return [(column.heading, column.cell(row)) for column in self.columns]

    def title_of(self, row: Any) -> str:
        return str(row)

    def name_of(self, row: Any) -> str:
        """What tells it from the other rows of its list."""
        return self.title_of(row)

    def below_form(self, row: Any) -> str:
        """What stands under the form of an existing row."""
        return ""

    # --- who may what

    def _handle_view(self, name: str, **kwargs: Any) -> ResponseReturnValue | None:
        refused: ResponseReturnValue | None = super()._handle_view(name, **kwargs)
        if refused is not None:
            return refused
        try:
            self._ensure_open(name)
        except DomainError as error:
            return self.refuse(error)
        if name in self.confirmed and request.method == "POST":
            reauthentication.ensure_confirmed()
        return None

    def _ensure_open(self, name: str) -> None:
        needed: dict[str, Permission | None] = {
            **self.page_permissions,
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

    # --- the list

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        query, controls = self.asked_for()
        page = paging.fetch(query.options(*self.options), self.order(), place=listing.place(request.args))
        page = replace(page, rows=list(self.shown(page.rows)))
        count = paging.count_words(paging.count_up_to_cap(query, self.model.id))
        shown = Listing(page, count, controls, self.listed(), self.sort(), self.tab())
        actions, confirmations = self.get_actions_list()
        return self.render(
            self.list_template,
            listing=shown,
            actions=actions,
            confirmations=confirmations,
            **self.addresses(),
        )

    def listed(self) -> list[Column]:
        """The columns of the page; an export has more."""
        return [column for column in self.columns if column.is_listed]

    def addresses(self) -> dict[str, Any]:
        """What a list's template needs to lead elsewhere."""
        return {
            "text": listing.searched_text(request.args),
            "address": listing.address,
            "export_address": listing.export_address(self.get_url(".export", export_type="csv")),
        }

    def asked_for(self) -> tuple[Select[Any], list[Control]]:
        query, controls = filters.apply(self.scope(select(self.model)), self.filters, request.args)
        tab = self.tab()
        query = query.where(tab.clause()) if tab and tab.clause else query
        text = listing.searched_text(request.args)
        return (self.searched(query, text) if text and self.search_label else query), controls

    def sort(self) -> str:
        asked = request.args.get("sort", "")
        if asked in self.orders:
            return asked
        tab = self.tab()
        return tab.order if tab and tab.order else next(iter(self.orders))

    def tab(self) -> Tab | None:
        """The part of the list that is looked at; who searches without naming one means all of it."""
        asked = next((tab for tab in self.tabs if tab.name == request.args.get("view")), None)
        if asked or not self.tabs:
            return asked
        return self.whole() if listing.searched_text(request.args) else self.tabs[0]

    def whole(self) -> Tab:
        """The tab that leaves nothing out."""
        return next(tab for tab in self.tabs if tab.clause is None)

    def order(self) -> Order:
        return self.orders[self.sort()]

    def row_address(self, row: Any) -> str:
        return str(self.get_url(".edit_view" if self.can_edit else ".details_view", id=row.id))

    # --- many rows

    @expose("/action/", methods=("POST",))
    def action_view(self) -> ResponseReturnValue:
        name = request.form.get("action", "")
        if name not in self.action_permissions:
            raise NotFound("This list has no such action.")
        self.ensure(self.action_permissions[name])
        answer: ResponseReturnValue = self.handle_action()
        return answer

    def report(self, title: str, selected: Sequence[str], change: Callable[[Any], object]) -> ResponseReturnValue:
        """Change each selected row, then say row by row what was done and what was refused."""
        outcomes: list[Outcome] = run_on_selected(selected, load=self.get_locked, change=change, name=self.name_of)
        # A query string of ours on an address of ours: never a place that the form names.
        back = f"{self.get_url('.index_view')}?{request.form.get('list', '')}"
        return self.render("admin/outcomes.html", title=title, outcomes=outcomes, back=back)

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> ResponseReturnValue:
        if export_type != "csv":
            raise NotFound("Lists are exported as CSV.")
        query, _ = self.asked_for()
        self._note_export()
        columns = [(column.heading, column.plain) for column in self.columns]
        return self._stream(query.options(*self.options), columns)

    def _note_export(self, what: str = "") -> None:
        """A download may be of personal data, so it is itself worth an entry in the audit log."""
        what = what or request.query_string.decode(errors="replace") or "everything"
        with transaction():
            audit.record(f"{self.endpoint}.exported", self.user, actor=self.actor, after={"what": what})

    def _stream(self, query: Select[Any], columns: Sequence[tuple[str, Callable[[Any], object]]]) -> Response:
        ordered = query.order_by(self.order().key).execution_options(yield_per=_CHUNK)
        return stream_csv(f"{self.endpoint}.csv", columns, self._chunks(ordered))

    def _chunks(self, query: Select[Any]) -> Iterator[Sequence[Any]]:
        for rows in db.session.scalars(query).partitions():
            yield self.shown(rows)
