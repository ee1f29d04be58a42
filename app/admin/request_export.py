"""The requests of a list as a CSV download.

A million rows are written by one web worker while others wait for it. So rows come from the connection and not through
the session, and whatever comes up again and again is put into words once.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from flask import Response
from sqlalchemy import Select, String, type_coerce

from app.admin.export import stream_texts
from app.ages import exact
from app.db import db
from app.kit.money import Money
from app.kit.spreadsheet import harmless
from app.models import PaymentStatus, RequestStatus, ServiceRequest, User

_CHUNK = 1000
# As `_texts` takes them apart.
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
    type_coerce(ServiceRequest.payment_status, String),
    type_coerce(ServiceRequest.status, String),
    User.name,
    ServiceRequest.payment_gateway,
    ServiceRequest.affiliate_code,
)
_HEADINGS = (
    "Reference",
    "Bought",
    "Service",
    "Tier",
    "Customer",
    "Email",
    "Phone",
    "Amount",
    "Currency",
    "Payment",
    "Status",
    "Provider",
    "Gateway",
    "Affiliate",
)
_PAID = {member.value: member.label for member in PaymentStatus}
_STATUSES = {member.value: member.label for member in RequestStatus}


def stream_requests(query: Select[Any]) -> Response:
    """Newest first, whatever their number."""
    shown = cast(Select[Any], query.with_only_columns(*_COLUMNS))
    joined = shown.outerjoin(User, User.id == ServiceRequest.assigned_provider_id)
    ordered = joined.order_by(ServiceRequest.created_at.desc(), ServiceRequest.id.desc())
    return stream_texts("requests.csv", _HEADINGS, _chunks(ordered))


def _chunks(query: Select[Any]) -> Iterator[Iterable[Sequence[str]]]:
    known, prices = _Known(), _Prices()
    found = db.session.connection().execute(query, execution_options={"yield_per": _CHUNK})
    for rows in found.partitions():
        yield [_texts(row, known, prices) for row in rows]


def _texts(row: Any, known: "_Known", prices: "_Prices") -> Sequence[str]:
    reference, bought, service, tier, name, email, phone, minor, currency, *states, provider, gateway, affiliate = row
    paid, status = states
    return (
        reference,
        exact(bought),
        known[service],
        known[tier],
        harmless(name),
        harmless(email),
        harmless(phone),
        prices[minor, currency],
        currency,
        _PAID[paid],
        _STATUSES[status],
        known[provider],
        known[gateway],
        known[affiliate],
    )


class _Known(dict[str | None, str]):
    """Words that many rows share: names of services and people, codes, labels."""

    def __missing__(self, text: str | None) -> str:
        self[text] = made = harmless(text)
        return made


class _Prices(dict[tuple[int, str], str]):
    def __missing__(self, price: tuple[int, str]) -> str:
        self[price] = made = str(Money(*price).decimal)
        return made
