"""The requests of a list as a CSV download."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from flask import Response
from sqlalchemy import Select

from app.admin.export import Cell, stream_csv
from app.ages import exact
from app.db import db
from app.kit.money import Money
from app.models import ServiceRequest, User

_CHUNK = 1000
_COLUMNS = (
    ServiceRequest.reference_number,
    ServiceRequest.created_at,
    ServiceRequest.service_name,
    ServiceRequest.tier_name,
    ServiceRequest.customer_name,
    ServiceRequest.customer_email,
    ServiceRequest.customer_phone,
    ServiceRequest.amount_minor,
    ServiceRequest.currency,
    ServiceRequest.payment_status,
    ServiceRequest.status,
    ServiceRequest.payment_gateway,
    ServiceRequest.affiliate_code,
    User.name.label("provider_name"),
)
_CELLS: Sequence[tuple[str, Cell]] = (
    ("Reference", lambda row: row.reference_number),
    ("Bought", lambda row: exact(row.created_at)),
    ("Service", lambda row: row.service_name),
    ("Tier", lambda row: row.tier_name),
    ("Customer", lambda row: row.customer_name),
    ("Email", lambda row: row.customer_email),
    ("Phone", lambda row: row.customer_phone),
    ("Amount", lambda row: Money(row.amount_minor, row.currency).decimal),
    ("Currency", lambda row: row.currency),
    ("Payment", lambda row: row.payment_status.label),
    ("Status", lambda row: row.status.label),
    ("Provider", lambda row: row.provider_name),
    ("Gateway", lambda row: row.payment_gateway),
    ("Affiliate", lambda row: row.affiliate_code),
)


def stream_requests(query: Select[Any]) -> Response:
    """Newest first, whatever their number."""
    shown = cast(Select[Any], query.with_only_columns(*_COLUMNS))
    joined = shown.outerjoin(User, User.id == ServiceRequest.assigned_provider_id)
    ordered = joined.order_by(ServiceRequest.created_at.desc(), ServiceRequest.id.desc())
    return stream_csv("requests.csv", _CELLS, _chunks(ordered.execution_options(yield_per=_CHUNK)))


def _chunks(query: Select[Any]) -> Iterator[Sequence[Any]]:
    yield from db.session.execute(query).partitions()
