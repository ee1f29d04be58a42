"""The receipt for a paid request: one page of PDF."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from app.gateways import Gateway
from app.kit import pdf, setting
from app.kit.contact import format_phone
from app.kit.money import Money
from app.kit.typefaces import Typeface
from app.models import Payment, ServiceRequest

_FONTS = Path(__file__).parent.parent / "fonts"
_FALLBACK = _FONTS / "Lohit-Devanagari.zip"
_PLAIN = Typeface(_FONTS / "DejaVuSans.zip", _FALLBACK)
_BOLD = Typeface(_FONTS / "DejaVuSans-Bold.zip", _FALLBACK)

_INK, _SOFT, _ACCENT, _LINE = (27, 33, 36), (82, 91, 96), (11, 91, 102), (220, 220, 214)
_MM = 72 / 25.4
_MARGIN, _LABEL_WIDTH = 20 * _MM, 46 * _MM
_WIDTH = pdf.WIDTH - 2 * _MARGIN
_LOWEST = pdf.HEIGHT - _MARGIN
_LEADING = 0.55 * _MM
"""From line to line, for each point of the size."""

_Lines = list[tuple[str, str]]
"""Labels and what stands beside them."""


@dataclass(frozen=True, slots=True)
class Seller:
    name: str
    support_email: str


@dataclass(frozen=True, slots=True)
class _Style:
    """How amounts and times are written."""

    locale: str
    zone: ZoneInfo

    def moment(self, at: datetime) -> str:
        return format_datetime(at, "d MMMM y, h:mm a ZZZZ", tzinfo=self.zone, locale=self.locale)

    def money(self, amount: Money) -> str:
        return amount.format(self.locale)


def receipt_pdf(
    service_request: ServiceRequest, payment: Payment, *, seller: Seller, locale: str, zone: ZoneInfo
) -> bytes:
    """Who sold, who bought, what, for how much, paid how and when. The same payment gives the same bytes."""
    style = _Style(locale, zone)
    paid_at = payment.completed_at or payment.created_at
    sections = {
        "Bought by": _buyer(service_request),
        "Bought": _lines(service_request, payment, style),
        "Paid": _paid(payment, style.moment(paid_at)),
    }
    page = _Page(f"Receipt {service_request.reference_number}", paid_at)
    _head(page, seller, service_request)
    for title, lines in sections.items():
        _section(page, title, lines)
    page.write(f"Questions? Write to {seller.support_email} and name the reference above.", size=10, colour=_SOFT)
    return page.document.as_bytes()


def _buyer(service_request: ServiceRequest) -> _Lines:
    return [
        ("Name", service_request.customer_name),
        ("Email", service_request.customer_email),
        ("Phone", _readable_phone(service_request.customer_phone)),
    ]


def _lines(service_request: ServiceRequest, payment: Payment, style: _Style) -> _Lines:
    lines = [("Service", service_request.service_name)]
    if service_request.tier_name:
        lines.append(("Option", service_request.tier_name))
    lines.append(("Amount paid", style.money(payment.amount)))
    if payment.refunded:
        lines.append(("Refunded", style.money(payment.refunded)))
        lines.append(("Remaining", style.money(payment.amount - payment.refunded)))
    return lines


def _paid(payment: Payment, paid_at: str) -> _Lines:
    gateway = Gateway.registry.get(payment.gateway)
    lines = [("Date", paid_at), ("Through", gateway.label if gateway else payment.gateway)]
    if payment.gateway_payment_id:
        lines.append(("Payment number", payment.gateway_payment_id))
    if payment.bank_reference:
        lines.append(("Bank reference", payment.bank_reference))
    return lines


def _readable_phone(phone: str) -> str:
    # An erased customer's phone is no number any more.
    return format_phone(phone) if phone.startswith("+") else phone


def _head(page: "_Page", seller: Seller, service_request: ServiceRequest) -> None:
    page.write(seller.name, _BOLD, size=11, colour=_ACCENT)
    page.skip(4)
    page.write("Receipt", _BOLD, size=22)
    page.write(service_request.reference_number, size=13, colour=_SOFT)
    page.skip(6)


def _section(page: "_Page", title: str, lines: _Lines) -> None:
    page.rule()
    page.skip(4)
    page.write(title, _BOLD, size=11)
    page.skip(1)
    for label, text in lines:
        page.row(label, text)
    page.skip(6)


class _Page:
    """Filled from above, and followed by another when it is full."""

    def __init__(self, title: str, made_at: datetime) -> None:
        self.document = pdf.Document(title=title, made_at=made_at)
        self._top = _MARGIN

    def skip(self, millimetres: int) -> None:
        self._top += millimetres * _MM

    def rule(self) -> None:
        self.document.rule(at=(_MARGIN, self._top), length=_WIDTH, colour=_LINE)

    def row(self, label: str, text: str) -> None:
        self._make_room(10)
        top = self._top
        self.write(label, size=10, colour=_SOFT)
        self._top = top
        self.write(text, size=10, indent=_LABEL_WIDTH)

    def write(
        self,
        text: str,
        face: Typeface = _PLAIN,
        *,
        size: int,
        colour: pdf.Colour = _INK,
        indent: float = 0,
    ) -> None:
        room = (_WIDTH - indent) * 1000 / size
        for line in setting.broken(text, lambda line: face.width(line) <= room):
            self._make_room(size)
            self._top += size * _LEADING
            foot = self._top - size * (_LEADING / 2 - 0.3)
            at = (_MARGIN + indent, foot)
            self.document.write(setting.as_seen(line), face, at=at, size=size, colour=colour)

    def _make_room(self, size: int) -> None:
        if self._top + size * _LEADING > _LOWEST:
            self.document.begin_page()
            self._top = _MARGIN
