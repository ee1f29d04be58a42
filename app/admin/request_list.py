"""The requests list: filtered, searched, sorted, announced anew, exported."""

from datetime import datetime
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import Select, func, select

from app.admin import listing, paging, request_filters, request_rows
from app.admin.base import ConsoleView
from app.admin.filters import Control
from app.admin.listing import Listing
from app.admin.paging import Order
from app.admin.request_export import stream_requests
from app.db import db, transaction
from app.errors import NotFound
from app.extensions import settings
from app.kit import clock
from app.models import ServiceRequest
from app.workflows import audit, request_search

_NEWS_CAP = 100


class RequestList(ConsoleView):
    """The list; what can be done to its requests is in the classes built on this one."""

    orders = {
        "newest": Order(ServiceRequest.created_at, ServiceRequest.id),
        "oldest": Order(ServiceRequest.created_at, ServiceRequest.id, descending=False),
    }

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        query, controls = self.asked_for()
        page = paging.fetch(request_rows.only_shown(query), self.order(), place=listing.place(request.args))
        count = paging.count_words(request_search.count_up_to(query, paging.COUNT_CAP))
        return self.render(
            "admin/requests/list.html",
            listing=Listing(page=page, count=count, controls=controls, sort=self.sort()),
            view=request_filters.view_of(request.args),
            views=request_filters.VIEWS,
            rows=request_rows,
            now=clock.isoformat(clock.utc_now()),
            **self.addresses(),
        )

    def asked_for(self) -> tuple[Select[Any], list[Control]]:
        wanted = request_filters.parse_filters(request.args)
        query = request_search.select_requests(wanted, zone=settings().time_zone)
        return self.scope(query), request_filters.make_controls(request.args)

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
        query, _ = self.asked_for()
        return self.download(query, what=request.query_string.decode(errors="replace") or "everything to do")

    def download(self, query: Select[Any], *, what: str) -> ResponseReturnValue:
        """A download of customers' data is itself worth an entry in the audit log."""
        with transaction():
            audit.record("requests.exported", self.user, actor=self.actor, after={"what": what})
        return stream_requests(query)


def _parse_moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
