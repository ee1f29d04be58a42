"""Who looked at whom: each member of staff, once an hour for each request whose page or preview they opened."""

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, load_only

from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.filters import Options, choice, days
from app.admin.listing import Column
from app.admin.paging import Order
from app.admin.permissions import Permission
from app.ages import exact
from app.db import db
from app.models import REQUESTS, STAFF_ROLES, Look, ServiceRequest, User
from app.workflows import request_words

_MOST_PEOPLE = 300


def _people() -> Options:
    query = select(User.id, User.name).where(User.role.in_(STAFF_ROLES)).order_by(User.name).limit(_MOST_PEOPLE)
    return tuple((str(key), name) for key, name in db.session.execute(query))


class LookView(ConsoleView):
    noun = "look"
    permission = Permission.READ_AUDIT
    intro = (
        "Who opened the page or the preview of a request, and so saw its customer's data: noted once an hour for each "
        "person and request."
    )
    empty = "Nobody has looked at a request yet. Whoever opens one is noted here."
    search_label = "Reference, or the customer's email, phone or name"
    orders = {
        "newest": Order(Look.created_at, Look.id),
        "oldest": Order(Look.created_at, Look.id, descending=False),
    }
    options = (
        joinedload(Look.user, innerjoin=True).load_only(User.name, User.role),
        joinedload(Look.service_request, innerjoin=True).options(
            load_only(ServiceRequest.reference_number, ServiceRequest.customer_name, raiseload=True)
        ),
    )
    columns = (
        Column(
            "When",
            cells.moment(lambda row: row.created_at),
            lambda row: exact(row.created_at),
            sorts=("oldest", "newest"),
        ),
        Column("Who", lambda row: row.user.name),
        Column("Role", lambda row: row.user.role.label),
        Column(
            "Request",
            lambda row: cells.request_link(row.service_request),
            lambda row: row.service_request.reference_number,
        ),
        Column("Customer", lambda row: row.service_request.customer_name),
    )
    filters = (
        choice("person", "Who", Look.user_id, options=_people),
        *days(Look.created_at, "When"),
    )

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        meant = select(REQUESTS.id).where(*request_words.conditions(text))
        return query.where(Look.service_request_id.in_(meant))

    def title_of(self, row: Look) -> str:
        return f"{row.user.name} looked at {row.service_request.reference_number}"

    def row_address(self, row: Look) -> str:
        """What was looked at: of a look itself there is no more to tell."""
        return str(self.get_url("requests.page", key=row.service_request_id))
