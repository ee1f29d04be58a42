"""Tabs above the requests list: the given views and the saved ones, how many each holds, and the chosen columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from flask import jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from werkzeug.wrappers import Response

from app.admin import request_columns, request_filters
from app.admin.pages import done
from app.admin.permissions import Permission
from app.admin.request_list import RequestList
from app.db import transaction
from app.kit import ids
from app.models import SavedView
from app.workflows import request_search, saved_views
from app.workflows.saved_views import View

_COUNT_CAP = 999


@dataclass(frozen=True, slots=True)
class Tab:
    """`key` names it in the counts; `query` is the address's part after the question mark."""

    key: str
    label: str
    query: str
    is_current: bool
    is_shared: bool = False


class RequestViews(RequestList):
    def views_shown(self) -> dict[str, Any]:
        kept = saved_views.views_of(self.user)
        chosen = _chosen(kept)
        query = request_filters.kept(request.query_string.decode(errors="replace"))
        return {
            "tabs": self._tabs(kept, chosen),
            "saved": chosen,
            "saved_is_changed": chosen is not None and chosen.query != query,
            "may_change_saved": chosen is not None and saved_views.may_change(chosen, self.user),
            "may_share": self.may(Permission.SHARE_VIEWS),
            "view_query": query,
        }

    @expose("/counts")
    def counts(self) -> ResponseReturnValue:
        """How many requests each tab holds, and the list whose address this carries, counted only as far as it
        matters."""
        tabs = self._tabs(saved_views.views_of(self.user), None)
        return jsonify(
            counts={tab.key: self._count(tab) for tab in tabs}, list=self.counted() if request.args else None
        )

    def _tabs(self, kept: Sequence[View], chosen: View | None) -> list[Tab]:
        current = request_filters.view_of(request.args).name
        given = [
            Tab(
                view.name,
                view.label,
                "" if view is request_filters.VIEWS[0] else f"view={view.name}",
                chosen is None and view.name == current,
            )
            for view in request_filters.VIEWS
        ]
        return given + [
            Tab(str(view.id), view.name, f"{view.query}&saved={view.id}", view is chosen, view.is_shared)
            for view in kept
        ]

    def _count(self, tab: Tab) -> str:
        query = self.meant_by(dict(parse_qsl(tab.query)))
        count = request_search.count_up_to(query, _COUNT_CAP)
        return f"{_COUNT_CAP}+" if count > _COUNT_CAP else str(count)

    # --- saved views

    @expose("/views", methods=("POST",))
    def save_view(self) -> ResponseReturnValue:
        with transaction():
            view = saved_views.save(
                self.user, _sent("name"), _sent_query(), is_shared=self._wants_to_share(), actor=self.actor
            )
        return done(f"Saved as “{view.name}”. It stands among the tabs.", self._address(view))

    @expose("/views/<uuid:key>", methods=("POST",))
    def change_view(self, key: UUID) -> ResponseReturnValue:
        with transaction():
            view = saved_views.get_locked(key, self.user)
            query = _sent_query() if request.form.get("filters") else view.query
            is_shared = view.is_shared if not self.may(Permission.SHARE_VIEWS) else self._wants_to_share()
            saved_views.change(view, name=_sent("name"), query=query, is_shared=is_shared, actor=self.actor)
        return done("Saved.", self._address(view))

    @expose("/views/<uuid:key>/delete", methods=("POST",))
    def remove_view(self, key: UUID) -> ResponseReturnValue:
        with transaction():
            view = saved_views.get_locked(key, self.user)
            saved_views.delete(view, actor=self.actor)
        return done(f"The view “{view.name}” is gone. No request was changed.", self.get_url(".index_view"))

    def _wants_to_share(self) -> bool:
        wants = bool(request.form.get("is_shared"))
        if wants:
            self.ensure(Permission.SHARE_VIEWS)
        return wants

    def _address(self, view: SavedView) -> str:
        return f"{self.get_url('.index_view')}?{view.query}&saved={view.id}"

    # --- columns

    @expose("/columns", methods=("POST",))
    def choose_columns(self) -> ResponseReturnValue:
        with transaction():
            request_columns.choose(self.user.id, request.form.getlist("column"))
        return self.back_to_list()

    def back_to_list(self) -> Response:
        """A query string of ours on an address of ours: never a place that the form names."""
        query = request.form.get("list", "")
        return redirect(f"{self.get_url('.index_view')}?{query}" if query else self.get_url(".index_view"))


def _chosen(kept: Sequence[View]) -> View | None:
    key = ids.parse_id(request.args.get("saved", ""))
    return next((view for view in kept if view.id == key), None)


def _sent(name: str) -> str:
    return request.form.get(name, "").replace("\0", "")


def _sent_query() -> str:
    return request_filters.kept(_sent("list"))
