"""Bulk changes of requests: what would happen, how far it is, what came of each row, and the way back."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from flask import Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import Select, func, select
from sqlalchemy.orm import defer, joinedload

from app import bulk_runs
from app.admin import bulk_words, cells, listing, paging, request_filters
from app.admin.base import ConsoleView
from app.admin.export import stream_csv
from app.admin.filters import Options, choice, days, enum_options
from app.admin.listing import Column, Listing
from app.admin.paging import Order
from app.admin.permissions import Permission
from app.ages import exact
from app.db import db, long_look, transaction
from app.models import STAFF_ROLES, BulkChange, BulkChangeRow, BulkRowState, BulkState, RequestStatus, User
from app.workflows import bulk_changes, bulk_drafts, bulk_preview, bulk_undo
from app.workflows.bulk_drafts import PreviewGone

_CHUNK = 1000
_MOST_PEOPLE, _MOST_REASONS, _MANY = 300, 10, 10
_ORDER = Order(BulkChangeRow.position, BulkChangeRow.request_id, descending=False, key_name="request_id")


def _staff() -> Options:
    query = select(User.id, User.name).where(User.role.in_(STAFF_ROLES)).order_by(User.name).limit(_MOST_PEOPLE)
    return tuple((str(key), name) for key, name in db.session.execute(query))


class BulkChangeView(ConsoleView):
    noun = "bulk change"
    intro = "What was done to many requests at once, row by row. Until its emails leave, a bulk change can be undone."
    empty = "Nobody has changed many requests at once yet. Tick some in the requests list, or take all that match."
    page_permissions = {"confirm": Permission.WORK, "undo": Permission.WORK}
    orders = {"newest": Order(BulkChange.created_at, BulkChange.id)}
    options = (defer(BulkChange.parameters), joinedload(BulkChange.owner))
    columns = (
        Column("What", lambda row: row.title, css="wrap"),
        Column("By", lambda row: row.owner.name),
        Column("Asked for", cells.moment(lambda row: row.created_at), lambda row: exact(row.created_at), "number"),
        Column("State", lambda row: cells.state(row.state), lambda row: row.state.label),
        Column("Requests", lambda row: f"{row.total:,}", lambda row: row.total, "number"),
        Column("Done", lambda row: f"{row.done:,}", lambda row: row.done, "number"),
        Column("Refused", lambda row: f"{row.refused:,}", lambda row: row.refused, "number"),
        Column("Undone", lambda row: f"{row.undone:,}", lambda row: row.undone, "number"),
        Column("Kept", lambda row: f"{row.kept:,}", lambda row: row.kept, "number"),
    )
    filters = (
        choice("by", "By", BulkChange.owner_id, options=_staff),
        choice("action", "What", BulkChange.action, options=bulk_words.ACTIONS),
        choice("state", "State", BulkChange.state, options=enum_options(bulk_words.SHOWN_STATES)),
        *days(BulkChange.created_at, "Asked for"),
    )

    def scope(self, query: Select[Any]) -> Select[Any]:
        """A preview is for the one who looks at it."""
        return query.where(BulkChange.state != BulkState.DRAFT)

    def row_address(self, row: BulkChange) -> str:
        return str(self.get_url(".page", key=row.id))

    @expose("/<uuid:key>")
    def page(self, key: UUID) -> ResponseReturnValue:
        # A preview goes over all its rows.
        long_look()
        change = self._find(key)
        if change.state is BulkState.DRAFT:
            found = bulk_preview.forecast(change)
            is_final = change.parameters.get("status") == RequestStatus.CANCELLED
            return self.render("admin/bulk/preview.html", **self._about(change), forecast=found, is_final=is_final)
        return self.render("admin/bulk/page.html", **self._about(change), **self._outcomes(change))

    @expose("/<uuid:key>/progress")
    def progress(self, key: UUID) -> ResponseReturnValue:
        """How far it is now, for the page that waits for the end."""
        change = self._find(key)
        markup = self.render("admin/bulk/_progress.html", **self._about(change))
        return jsonify(markup=markup, state=change.state.value, again=bulk_words.look_again_after(change))

    @expose("/<uuid:key>/confirm", methods=("POST",))
    def confirm(self, key: UUID) -> ResponseReturnValue:
        with transaction():
            change = bulk_drafts.get_locked(key)
            self._ensure_mine(change)
            if bulk_drafts.start(change, actor=self.actor):
                self._ring_for_many(change, change.total)
        return self._carry_on(change, change.total)

    @expose("/<uuid:key>/undo", methods=("POST",))
    def undo(self, key: UUID) -> ResponseReturnValue:
        with transaction():
            change = bulk_drafts.get_locked(key)
            bulk_undo.ask(change, actor=self.actor)
            self._ring_for_many(change, change.done)
        return self._carry_on(change, change.done)

    @expose("/<uuid:key>/outcomes.csv")
    def outcomes(self, key: UUID) -> Response:
        change = self._find(key)
        query = select(BulkChangeRow).where(BulkChangeRow.change_id == change.id).order_by(BulkChangeRow.position)
        heads = [(name, lambda row, cell=cell: cell(row, change)) for name, cell in bulk_words.EXPORTED]
        return stream_csv("bulk-change.csv", heads, _parts(query))

    def _ring_for_many(self, change: BulkChange, count: int) -> None:
        if count > bulk_changes.SMALL:
            bulk_changes.ring(change)

    def _carry_on(self, change: BulkChange, count: int) -> ResponseReturnValue:
        if count <= bulk_changes.SMALL:
            bulk_runs.run(change.id, change.turn, seconds=bulk_runs.WAIT)
        return redirect(self.row_address(change))

    def _find(self, key: UUID) -> BulkChange:
        query = select(BulkChange).where(BulkChange.id == key)
        change = db.session.scalar(query.options(joinedload(BulkChange.owner), joinedload(BulkChange.undone_by)))
        if change is None:
            raise PreviewGone
        if change.state is BulkState.DRAFT:
            self._ensure_mine(change)
        return change

    def _ensure_mine(self, change: BulkChange) -> None:
        """A preview is known to nobody but the one who made it."""
        if change.owner_id != self.user.id:
            raise PreviewGone

    def _about(self, change: BulkChange) -> dict[str, Any]:
        parameters = change.parameters
        query = request_filters.kept(parameters.get("list", ""))
        return {
            "change": change,
            "note": self.written(parameters.get("note")) or "",
            "where": self.written(parameters.get("words")) or f"{change.total:,} ticked in the list",
            "back": f"{self.get_url('requests.index_view')}{'?' if query else ''}{query}",
            "words": bulk_words,
            "may_work": self.may_work,
        }

    def _outcomes(self, change: BulkChange) -> dict[str, Any]:
        tab = bulk_words.tab_of(change, request.args.get("state", ""))
        query = select(BulkChangeRow).where(BulkChangeRow.change_id == change.id)
        if tab is not None:
            query = query.where(BulkChangeRow.state == tab)
        page = paging.fetch(query, _ORDER, place=listing.place(request.args))
        return {
            "listing": Listing(page=page, count="", controls=()),
            "tab": tab,
            "tabs": bulk_words.tabs(change),
            "reasons": _reasons(change) if tab is BulkRowState.REFUSED and change.refused > _MANY else (),
            "names": _names_of(page.rows),
        }


def _reasons(change: BulkChange) -> Sequence[Any]:
    """Why how many were refused, the most frequent first."""
    mine = (BulkChangeRow.change_id == change.id, BulkChangeRow.state == BulkRowState.REFUSED)
    query = select(BulkChangeRow.message, func.count()).where(*mine).group_by(BulkChangeRow.message)
    return db.session.execute(query.order_by(func.count().desc()).limit(_MOST_REASONS)).all()


def _names_of(rows: Sequence[BulkChangeRow]) -> dict[UUID, str]:
    keys = {row.provider_before for row in rows if row.provider_before is not None}
    return dict(db.session.execute(select(User.id, User.name).where(User.id.in_(keys))).all()) if keys else {}


def _parts(query: Select[Any]) -> Iterator[Sequence[Any]]:
    yield from db.session.scalars(query.execution_options(yield_per=_CHUNK)).partitions()
