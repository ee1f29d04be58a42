"""The requests list: filtered, searched, sorted, announced anew, exported."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import Select, func, select

from app.admin import listing, paging, request_columns, request_filters, request_rows
from app.admin.base import ConsoleView
from app.admin.filters import Control
from app.admin.listing import Listing
from app.admin.paging import Order, Page
from app.admin.request_export import stream_requests
from app.db import db, transaction
from app.errors import NotFound
from app.extensions import settings
from app.kit import clock
from app.kit.ids import is_mistyped_reference
from app.models import REQUESTS, ServiceRequest
from app.workflows import audit, request_search
from app.workflows.request_search import Sort

_NEWS_CAP = 100


class RequestList(ConsoleView):
    """The list; what can be done to its requests is in the classes built on this one."""

    orders = {
        Sort.NEWEST: Order(REQUESTS.created_at, REQUESTS.id),
        Sort.OLDEST: Order(REQUESTS.created_at, REQUESTS.id, descending=False),
        Sort.DUE: Order(REQUESTS.due_at, REQUESTS.id, descending=False),
    }

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        query, controls = self.asked_for()
        columns = request_columns.chosen_by(self.user.id, with_contact=self.may_read_customers)
        shown, sort = request_rows.only_shown(query, columns), self.sort()
        order = request_rows.as_found(query, self.orders[sort], text=listing.searched_text(request.args))
        page = paging.fetch(shown, order, place=listing.place(request.args), read=request_rows.read)
        return self.render(
            "admin/requests/list.html",
            listing=Listing(page=page, count=_count_at_sight(page), controls=controls, sort=sort),
            view=request_filters.view_of(request.args),
            columns=columns,
            column_choices=request_columns.offered(with_contact=self.may_read_customers),
            rows=request_rows,
            is_mistyped=is_mistyped_reference(listing.searched_text(request.args)),
            now=clock.isoformat(clock.utc_now()),
            **self.views_shown(),
            **self.addresses(),
        )

    def counted(self) -> str:
        """How many requests the list's address means, in words: more work than a page of them."""
        return paging.count_words(request_search.count_up_to(self.meant_by(request.args), paging.COUNT_CAP))

    def asked_for(self) -> tuple[Select[Any], list[Control]]:
        return self.meant_by(request.args), request_filters.make_controls(request.args)

    def meant_by(self, arguments: Mapping[str, str]) -> Select[Any]:
        """The requests that an address of the list means."""
        wanted = request_filters.parse_filters(arguments, self.user)
        return self.scope(request_search.select_requests(wanted, zone=settings().time_zone))

    def sort(self) -> str:
        return self.sort_of(request.args)

    def sort_of(self, arguments: Mapping[str, str]) -> str:
        """Late ones stand by how late they are unless asked otherwise; only they have a due time to sort by."""
        asked = arguments.get("sort", "")
        is_late = request_filters.is_of_late_ones(arguments)
        if asked in {Sort.NEWEST, Sort.OLDEST} or (asked == Sort.DUE and is_late):
            return asked
        return Sort.DUE if is_late else Sort.NEWEST

    def views_shown(self) -> dict[str, Any]:
        """What the template needs for the tabs above the list."""
        raise NotImplementedError

    @expose("/news")
    def news(self) -> ResponseReturnValue:
        """How many requests were paid since the page was made."""
        since = _parse_moment(request.args.get("since", ""))
        if since is None:
            return jsonify(count=0)
        paid = select(ServiceRequest.id).where(ServiceRequest.payment_completed_at > since).limit(_NEWS_CAP)
        return jsonify(count=db.session.scalar(select(func.count()).select_from(paid.subquery())))

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> ResponseReturnValue:
        if export_type != "csv":
            raise NotFound("Lists are exported as CSV.")
        query = self.meant_by(request.args)
        return self.download(query, what=request.query_string.decode(errors="replace") or "everything to do")

    def download(self, query: Select[Any], *, what: str) -> ResponseReturnValue:
        """A download of customers' data is itself worth an entry in the audit log."""
        with transaction():
            audit.record("requests.exported", self.user, actor=self.actor, after={"what": what})
        return stream_requests(query)


def _count_at_sight(page: Page) -> str:
    """What one page tells; the rest is counted once it stands (`counts`)."""
    is_all = page.before is None and page.after is None
    return str(len(page.rows)) if is_all else f"{paging.PAGE_SIZE}+"


def _parse_moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
