"""The command palette: what somebody may open or begin from any page, and what their words find.

Pages, views and new entries come at once, and the browser narrows them down; requests, providers and services are
looked for while one types. What is typed is often a customer's address or number, and addresses of pages end up in
logs: so it is posted.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from flask import get_template_attribute, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import Select, select

from app.admin import keys, paging, request_filters, request_rows
from app.admin.base import ConsoleView
from app.admin.pages import Guarded
from app.admin.paging import Order, Place
from app.db import db, transaction
from app.extensions import settings
from app.models import REQUESTS, UNPAID_STATUSES, ProviderProfile, Service, User
from app.workflows import request_search, saved_views
from app.workflows.request_search import RequestFilters

_MOST_REQUESTS = 8
_MOST_OTHERS = 4
_SHORTEST = 2
_LONGEST = 200
_NEWEST = Order(REQUESTS.created_at, REQUESTS.id)
# What people also call these pages.
_ALSO = {
    "Today": "home dashboard start",
    "Requests": "orders tickets work",
    "Messages": "mails emails notifications outbox",
    "Gateway messages": "webhooks events",
    "Gateways": "stripe razorpay paypal",
    "Accounts": "users staff people",
    "Tiers": "prices",
    "Services": "prices catalogue",
    "Disputes": "chargebacks",
    "Payouts": "affiliates money",
    "Message templates": "mails emails notifications",
    "Working hours": "holidays days off calendar",
    "Queue": "jobs workers",
    "Roles": "permissions rights",
    "Feature flags": "switches",
    "Audit log": "changes history",
    "Who looked": "looks privacy audit",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the palette. `also` is searched but not shown; `state` is a pill's word and look."""

    group: str
    label: str
    address: str
    detail: str = ""
    hint: str = ""
    also: str = ""
    key: str = ""
    state: tuple[str, str] | None = None


class PaletteView(Guarded):
    def __init__(self, **more: Any) -> None:
        super().__init__(endpoint="palette", url="/admin/palette", **more)

    def is_visible(self) -> bool:
        """It is no page: nothing in the menu leads here."""
        return False

    @expose("/")
    def index(self) -> ResponseReturnValue:
        entries = [*self._pages(), *self._views(), *self._beginnings()]
        return jsonify(entries=[asdict(entry) for entry in entries])

    @expose("/found", methods=("POST",))
    def found(self) -> ResponseReturnValue:
        text = _sent_text()
        entries = [*_requests(text), *self._others(text)] if len(text) >= _SHORTEST else []
        return jsonify(entries=[asdict(entry) for entry in entries])

    @expose("/keys", methods=("POST",))
    def choose_keys(self) -> ResponseReturnValue:
        """Whether single keys do something, for this person on every computer."""
        with transaction():
            keys.choose(self.user.id, single=bool(request.form.get("single")))
        return "", 204

    # --- what there always is

    def _pages(self) -> Iterator[Entry]:
        for group in self.admin.menu():
            for page in group.get_children():
                letter = keys.letter_of(page)
                key = f"g {letter}" if letter else ""
                also = _ALSO.get(page.name, "")
                yield Entry("Pages", page.name, page.get_url(), hint=group.name, also=also, key=key)

    def _views(self) -> Iterator[Entry]:
        base = url_for("requests.index_view")
        for view in request_filters.VIEWS:
            yield Entry("Views", view.label, f"{base}?view={view.name}", hint="Requests")
        for saved in saved_views.views_of(self.user):
            hint = "Shared view" if saved.is_shared else "Your view"
            yield Entry("Views", saved.name, f"{base}?{saved.query}&saved={saved.id}", hint=hint)

    def _beginnings(self) -> Iterator[Entry]:
        for view in self._lists():
            if view.can_create:
                yield Entry("New", view.create_label, url_for(f"{view.endpoint}.create_view"), also="add create")

    def _lists(self) -> Iterator[ConsoleView]:
        return (view for view in self.admin._views if isinstance(view, ConsoleView) and view.is_accessible())

    # --- what the words find

    def _others(self, text: str) -> Iterator[Entry]:
        lists = {view.endpoint: view for view in self._lists()}
        if "providers" in lists:
            yield from _providers(text, lists["providers"])
        if "services" in lists:
            yield from _services(text, lists["services"])


def _requests(text: str) -> Iterator[Entry]:
    query = request_search.select_requests(RequestFilters(text=text, include_unpaid=True), zone=settings().time_zone)
    shown = request_rows.only_shown(query, ())
    page = paging.fetch(
        shown,
        request_rows.as_found(query, _NEWEST, text=text),
        place=Place(),
        size=_MOST_REQUESTS,
        read=request_rows.read,
    )
    for row in page.rows:
        bought = f"{row.service_name}, {row.tier_name}" if row.tier_name else row.service_name
        hint = bought if row.payment_status not in UNPAID_STATUSES else f"{bought}: {row.payment_status.label}"
        address = url_for("requests.page", key=row.id)
        state = (row.status.label, _look(row.status))
        yield Entry("Requests", row.reference_number, address, detail=row.customer_name, hint=hint, state=state)


def _providers(text: str, view: ConsoleView) -> Iterator[Entry]:
    query = select(ProviderProfile).join(ProviderProfile.user)
    for row in _named(query, User.name, text):
        hint = f"{row.open_work} of {row.capacity} open"
        state = (row.availability.label, _look(row.availability))
        yield Entry("Providers", row.user.name, _address(view, row), detail=row.title, hint=hint, state=state)


def _services(text: str, view: ConsoleView) -> Iterator[Entry]:
    for row in _named(select(Service), Service.name, text):
        state = None if row.is_active else ("Off sale", _look("off"))
        yield Entry("Services", row.name, _address(view, row), hint=row.category.label, state=state)


def _named(query: Select[Any], name: Any, text: str) -> list[Any]:
    """The rows whose name has every word somewhere: short tables, read whole."""
    for word in text.split():
        query = query.where(name.icontains(word, autoescape=True))
    return list(db.session.scalars(query.order_by(name).limit(_MOST_OTHERS)))


def _address(view: ConsoleView, row: Any) -> str:
    return url_for(f"{view.endpoint}.{'edit_view' if view.can_edit else 'details_view'}", id=row.id)


def _look(value: str) -> str:
    looks: dict[str, str] = get_template_attribute("macros/pills.html", "STATES")
    return looks.get(value, "")


def _sent_text() -> str:
    sent = request.get_json(silent=True)
    text = sent.get("text") if isinstance(sent, dict) else None
    return text.replace("\0", "").strip()[:_LONGEST] if isinstance(text, str) else ""
