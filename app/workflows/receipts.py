"""The receipt for a paid request: one page of PDF."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from app.gateways import Gateway
from app.kit.contact import format_phone
from app.kit.money import Money
from app.models import Payment, ServiceRequest

if TYPE_CHECKING:
    from fpdf import FPDF

# It would log the characters of a name that no font has.
logging.getLogger("fpdf").setLevel(logging.ERROR)
# It would write a line for each table of each font of each receipt.
logging.getLogger("fontTools").setLevel(logging.WARNING)

_FONTS = Path(__file__).parent.parent / "fonts"
# What the small fonts have; they load eight times faster than the whole ones.
_LATIN = re.compile(r"[\u0020-\u007e\u00a0-\u017f\u2010-\u2027\u2030-\u203a€₹№−]*")
_INK, _SOFT, _ACCENT, _LINE = (27, 33, 36), (82, 91, 96), (11, 91, 102), (220, 220, 214)
_MARGIN, _WIDTH, _LABEL_WIDTH = 20, 170, 46

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
    page = _blank_page(paid_at, {seller.name: [], **sections})
    _head(page, seller, service_request)
    for title, lines in sections.items():
        _section(page, title, lines)
    _foot(page, seller)
    return bytes(page.output())


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


def _blank_page(made_at: datetime, sections: Mapping[str, _Lines]) -> "FPDF":
    # Slow to load, and a web process may never print a receipt.
    from fpdf import FPDF  # noqa: PLC0415

    page = FPDF(format="A4")
    page.set_creation_date(made_at)
    _add_fonts(page, "".join(text for lines in sections.values() for _, text in lines))
    page.set_margins(_MARGIN, _MARGIN)
    page.add_page()
    return page


def _add_fonts(page: "FPDF", text: str) -> None:
    part = "-Latin" if _LATIN.fullmatch(text) else ""
    page.add_font("Sans", fname=_FONTS / f"DejaVuSans{part}.ttf")
    page.add_font("Sans", style="B", fname=_FONTS / f"DejaVuSans-Bold{part}.ttf")
    if not part:
        page.add_font("Devanagari", fname=_FONTS / "Lohit-Devanagari.ttf")
        page.set_fallback_fonts(["Devanagari"], exact_match=False)


def _head(page: "FPDF", seller: Seller, service_request: ServiceRequest) -> None:
    page.set_title(f"Receipt {service_request.reference_number}")
    _write(page, seller.name, size=11, bold=True, colour=_ACCENT)
    page.ln(4)
    _write(page, "Receipt", size=22, bold=True)
    _write(page, service_request.reference_number, size=13, colour=_SOFT)
    page.ln(6)


def _section(page: "FPDF", title: str, lines: _Lines) -> None:
    page.set_draw_color(*_LINE)
    page.line(_MARGIN, page.get_y(), _MARGIN + _WIDTH, page.get_y())
    page.ln(4)
    _write(page, title, size=11, bold=True)
    page.ln(1)
    for label, text in lines:
        _row(page, label, text)
    page.ln(6)


def _row(page: "FPDF", label: str, text: str) -> None:
    top = page.get_y()
    _write(page, label, size=10, colour=_SOFT, width=_LABEL_WIDTH)
    page.set_xy(_MARGIN + _LABEL_WIDTH, top)
    _write(page, text, size=10, width=_WIDTH - _LABEL_WIDTH)


def _foot(page: "FPDF", seller: Seller) -> None:
    _write(page, f"Questions? Write to {seller.support_email} and name the reference above.", size=10, colour=_SOFT)


def _write(
    page: "FPDF",
    text: str,
    *,
    size: int,
    bold: bool = False,
    colour: tuple[int, int, int] = _INK,
    width: int = _WIDTH,
) -> None:
    page.set_font("Sans", style="B" if bold else "", size=size)
    page.set_text_color(*colour)
    page.multi_cell(width, size * 0.55, text, align="L", new_x="LMARGIN")
