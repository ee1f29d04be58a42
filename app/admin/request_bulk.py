"""Many requests at once, chosen in the list: the ticked ones, or all that it shows.

A few ticked ones are done at once, with undo as the net. All that match, and whatever closes requests, is shown
before it is done.
"""

import secrets
from urllib.parse import parse_qsl

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.actions import action
from markupsafe import Markup
from sqlalchemy import Select, select

from app import bulk_runs
from app.admin import request_filters
from app.admin.bulk import MAXIMUM_ROWS
from app.admin.pages import done
from app.admin.permissions import Permission
from app.admin.request_views import RequestViews
from app.db import db, transaction
from app.kit import ids
from app.models import BulkChange, ServiceRequest
from app.workflows import bulk_changes, bulk_drafts, bulk_steps
from app.workflows.bulk_drafts import Origin
from app.workflows.bulk_steps import Step

_LONGEST_LIST, _LONGEST_TOKEN = 2000, 100
_UNDO = Markup('{} <a href="{}">See each, or undo</a>')


class RequestBulk(RequestViews):
    action_permissions = {
        "assign": Permission.WORK,
        "route": Permission.WORK,
        "set_status": Permission.WORK,
        "export": Permission.EXPORT,
    }

    @property
    def form_token(self) -> str:
        """Another for each page that is made: its form sent twice is one change."""
        return secrets.token_urlsafe(12)

    @action("assign", "Assign")
    def assign_selected(self, selected: list[str]) -> ResponseReturnValue:
        """To a provider, or back from them."""
        is_nobody = request.form.get("provider", "") in {"", "none"}
        return self._begin("unassign" if is_nobody else "assign", selected)

    @action("route", "Choose provider by rule")
    def route_selected(self, selected: list[str]) -> ResponseReturnValue:
        return self._begin("route", selected)

    @action("set_status", "Set status")
    def set_status_of_selected(self, selected: list[str]) -> ResponseReturnValue:
        return self._begin("set_status", selected)

    @action("export", "Export")
    def export_selected(self, selected: list[str]) -> ResponseReturnValue:
        what = _sent_list() or "everything to do" if _means_all() else f"{len(selected)} selected"
        return self.download(self._meant(selected), what=what)

    def _begin(self, name: str, selected: list[str]) -> ResponseReturnValue:
        step = bulk_steps.load(name, {key: value.replace("\0", "") for key, value in request.form.items()})
        with transaction():
            change = bulk_drafts.draft(self._meant(selected), step, actor=self.actor, origin=_origin(selected))
            is_started = _is_harmless(change, step) and bulk_drafts.start(change, actor=self.actor)
        if is_started:
            bulk_runs.run(change.id, change.turn, seconds=bulk_runs.WAIT)
        return self._answer(change)

    def _answer(self, change: BulkChange) -> ResponseReturnValue:
        """Back to the list where all went well, else to the page that says what did not, or what would be done."""
        now = db.session.get_one(BulkChange, change.id, populate_existing=True)
        page = self.get_url("bulk_changes.page", key=change.id)
        if now.done < now.total:
            return redirect(page)
        words = f"{now.title}: {now.done} request{'s' if now.done > 1 else ''} done."
        # A query string of ours on an address of ours: never a place that the form names.
        return done(_UNDO.format(words, page), f"{self.get_url('.index_view')}?{_sent_list()}")

    def _meant(self, selected: list[str]) -> Select[ServiceRequest]:
        if _means_all():
            return self.meant_by(dict(parse_qsl(_sent_list())))
        keys = [key for key in map(ids.parse_id, selected[:MAXIMUM_ROWS]) if key is not None]
        return self.scope(select(ServiceRequest).where(ServiceRequest.id.in_(keys)))


def _is_harmless(change: BulkChange, step: Step) -> bool:
    return not (_means_all() or step.ends or change.total > bulk_changes.SMALL)


def _means_all() -> bool:
    return request.form.get("scope") == "matching"


def _sent_list() -> str:
    """The list that the form stood under: what is known of its address, in order."""
    return request_filters.kept(request.form.get("list", "")[:_LONGEST_LIST])


def _origin(selected: list[str]) -> Origin:
    query, token = _sent_list(), request.form.get("token", "")[:_LONGEST_TOKEN]
    if _means_all():
        return Origin(query, words=_in_words(query), token=token)
    # The same form with other rows ticked is another change.
    return Origin(query, token=f"{token} {' '.join(selected)}" if token else "")


def _in_words(query: str) -> str:
    """The list as it reads: its view, and each filter in force."""
    arguments = dict(parse_qsl(query))
    view = request_filters.view_of(arguments)
    filters = [control.sentence for control in request_filters.make_controls(arguments) if control.value]
    text = arguments.get("q", "").strip()
    search = [f"search is “{text}”"] if text else []
    return ", ".join([f"everything in “{view.label}”", *search, *filters])
