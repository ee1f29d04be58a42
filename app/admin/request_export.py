"""The requests of a list as a CSV download.

A million rows are written by one web worker while others wait for it. So rows come as the driver has them, their sealed
values are opened here, and whatever comes up again and again is put into words once.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import Any, cast

from flask import Response
from sqlalchemy import LargeBinary, Select, String, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

from app.admin.export import stream_lines
from app.ages import exact
from app.columns import keyring
from app.kit.money import Money
from app.kit.spreadsheet import cell
from app.models import PaymentStatus, RequestStatus, ServiceRequest, User
from app.streams import CHUNK, stream

_SEALED: tuple[InstrumentedAttribute[str], ...] = (
    ServiceRequest.customer_name,
    ServiceRequest.customer_email,
    ServiceRequest.customer_phone,
)
_NAME, _EMAIL, _PHONE = (column.type.context for column in _SEALED)
# As `_line` takes them apart.
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
_PAID = {member.value: cell(member.label) for member in PaymentStatus}
_STATUSES = {member.value: cell(member.label) for member in RequestStatus}


def stream_requests(query: Select[Any]) -> Response:
    """Newest first, whatever their number."""
    shown = cast(Select[Any], query.with_only_columns(*_COLUMNS))
    joined = shown.outerjoin(User, User.id == ServiceRequest.assigned_provider_id)
    ordered = joined.order_by(ServiceRequest.created_at.desc(), ServiceRequest.id.desc())
    return stream_lines("requests.csv", HEADINGS, _chunks(ordered))


def _chunks(query: Select[Any]) -> Iterator[Sequence[str]]:
    known, prices = _Known(), _Prices()
    # Closed before the session is: until then the answer holds the connection.
    with closing(stream(query)) as rows:
        while chunk := [_line(row, known, prices) for row in islice(rows, CHUNK)]:
            yield chunk


def _line(row: Sequence[Any], known: "_Known", prices: "_Prices") -> str:
    reference, at, service, tier, name, email, phone, minor, currency, paid, status, provider, gateway, code = row
    customer = f"{_opened(name, _NAME)},{_opened(email, _EMAIL)},{_opened(phone, _PHONE)}"
    sold = f"{reference},{cell(exact(at))},{known[service]},{known[tier]},{customer},{prices[minor, currency]}"
    return f"{sold},{currency},{_PAID[paid]},{_STATUSES[status]},{known[provider]},{known[gateway]},{known[code]}\r\n"


def _opened(sealed: bytes, context: str) -> str:
    return cell(keyring.open(sealed, context).decode())


class _Known(dict[str | None, str]):
    """Words that many rows share: names of services and people, codes, labels."""

    def __missing__(self, text: str | None) -> str:
        self[text] = made = cell(text)
        return made


class _Prices(dict[tuple[int, str], str]):
    def __missing__(self, price: tuple[int, str]) -> str:
        self[price] = made = cell(Money(*price).decimal)
        return made
