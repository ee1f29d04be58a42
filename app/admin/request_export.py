"""The requests of a list as a CSV download.

A million rows are written by one web worker while others wait for it. So rows come as the driver has them, are turned
into columns, each of which is worded as a whole, and whatever comes up again and again is put into words once.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from itertools import islice
from typing import Any, cast

from flask import Response
from sqlalchemy import LargeBinary, Select, String, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

from app.admin.export import stream_lines
from app.ages import exact
from app.columns import keyring
from app.kit.money import Money
from app.kit.spreadsheet import cell, cells
from app.models import PaymentStatus, RequestStatus, ServiceRequest, User
from app.streams import CHUNK, stream

_SEALED: tuple[InstrumentedAttribute[str], ...] = (
    ServiceRequest.customer_name,
    ServiceRequest.customer_email,
    ServiceRequest.customer_phone,
)
_CONTEXTS = [column.type.context for column in _SEALED]
# As `_columns` takes them apart.
_COLUMNS = (
    ServiceRequest.reference_number,
    ServiceRequest.created_at,
    ServiceRequest.service_name,
    ServiceRequest.tier_name,
    *(type_coerce(column, LargeBinary) for column in _SEALED),
    ServiceRequest.amount_minor,
    ServiceRequest.currency,
    type_coerce(ServiceRequest.payment_status, String),
    type_coerce(ServiceRequest.status, String),
    User.name,
    ServiceRequest.payment_gateway,
    ServiceRequest.affiliate_code,
)
HEADINGS = (
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
_PAYMENT_STATUSES = {member.value: cell(member.label) for member in PaymentStatus}
_STATUSES = {member.value: cell(member.label) for member in RequestStatus}


def stream_requests(query: Select[Any]) -> Response:
    """Newest first, whatever their number."""
    shown = cast(Select[Any], query.with_only_columns(*_COLUMNS))
    joined = shown.outerjoin(User, User.id == ServiceRequest.assigned_provider_id)
    ordered = joined.order_by(ServiceRequest.created_at.desc(), ServiceRequest.id.desc())
    return stream_lines("requests.csv", HEADINGS, _pieces(ordered))


def _pieces(query: Select[Any]) -> Iterator[str]:
    # Closed before the session is: until then the answer holds the connection.
    with closing(stream(query)) as rows:
        while chunk := list(islice(rows, CHUNK)):
            yield "\r\n".join(map(",".join, zip(*_columns(chunk), strict=True))) + "\r\n"


def _columns(rows: Sequence[Sequence[Any]]) -> Iterable[Iterable[str]]:
    """The cells of each column."""
    references, bought, services, tiers, names, emails, phones, *sold = zip(*rows, strict=True)
    minors, currencies, paid, statuses, providers, gateways, codes = sold
    return (
        references,
        # Always with a comma in it.
        (f'"{exact(at)}"' for at in bought),
        map(_known, services),
        map(_known, tiers),
        *map(_opened, (names, emails, phones), _CONTEXTS),
        map(_price, minors, currencies),
        currencies,
        map(_PAYMENT_STATUSES.__getitem__, paid),
        map(_STATUSES.__getitem__, statuses),
        map(_known, providers),
        map(_known, gateways),
        map(_known, codes),
    )


def _opened(sealed: Sequence[bytes], context: str) -> list[str]:
    return cells([each.decode() for each in keyring.open_all(sealed, context)])


# Names of services and people, codes: many rows share them.
_known = lru_cache(maxsize=4096)(cell)


@lru_cache(maxsize=4096)
def _price(minor: int, currency: str) -> str:
    return cell(Money(minor, currency).decimal)
