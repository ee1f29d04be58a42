"""The ledger of commissions: what was earned and taken back, line by line, each with its reason."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, false, not_, select
from sqlalchemy.orm import InstrumentedAttribute

from app import commission_words
from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.filters import Control, Filter, Options, choice, days, enum_options
from app.admin.listing import Column, Tab
from app.admin.paging import Order
from app.admin.payments import find_request
from app.ages import exact
from app.db import db
from app.kit import clock
from app.kit.money import format_percent
from app.models import (
    AffiliateProfile,
    CommissionEntry,
    CommissionKind,
    CommissionRule,
    User,
)
from app.workflows.affiliate_figures import is_approved
from app.workflows.terms import terms

_MOST_AFFILIATES = 300


def affiliate_filter(column: InstrumentedAttribute[Any]) -> Filter:
    """By the affiliate's code; the longest lists offer only the first ones by name, an address may name any."""

    def clause(code: str) -> ColumnElement[bool]:
        return column == select(AffiliateProfile.user_id).where(AffiliateProfile.code == code).scalar_subquery()

    return Filter(Control("affiliate", "Affiliate"), clause, _affiliates)


def _affiliates() -> Options:
    query = (
        select(AffiliateProfile.code, User.name)
        .join(User, User.id == AffiliateProfile.user_id)
        .order_by(User.name)
        .limit(_MOST_AFFILIATES)
    )
    return tuple((code, f"{name} ({code})") for code, name in db.session.execute(query))


def _is_paid() -> ColumnElement[bool]:
    return CommissionEntry.paid_out_at.is_not(None)


def _is_payable() -> ColumnElement[bool]:
    return CommissionEntry.paid_out_at.is_(None) & is_approved(clock.utc_now())


def _is_waiting() -> ColumnElement[bool]:
    return CommissionEntry.paid_out_at.is_(None) & not_(is_approved(clock.utc_now()))


def _state(row: CommissionEntry) -> Markup | str:
    if row.payout_line is not None:
        return cells.link("payouts.details_view", commission_words.state(row), id=row.payout_line.payout_id)
    return commission_words.state(row)


class CommissionView(ConsoleView):
    noun = "commission"
    empty = "No commission was earned yet. Sales through an affiliate's code enter it by themselves."
    search_label = "Reference"
    orders = {
        "newest": Order(CommissionEntry.created_at, CommissionEntry.id),
        "oldest": Order(CommissionEntry.created_at, CommissionEntry.id, descending=False),
    }
    tabs = (
        Tab("all", "All"),
        Tab("payable", "Payable", _is_payable, empty="Nothing is payable now."),
        Tab("waiting", "Waiting", _is_waiting, empty="No sale waits for the end of its refund time."),
        Tab("paid", "Paid", _is_paid, empty="No payout was recorded yet."),
    )
    options = commission_words.LINE_OPTIONS
    columns = (
        Column(
            "Entered",
            cells.moment(lambda row: row.created_at),
            lambda row: exact(row.created_at),
            sorts=("oldest", "newest"),
        ),
        Column("Affiliate", lambda row: row.affiliate.name),
        Column(
            "Request",
            lambda row: cells.request_link(row.service_request),
            lambda row: row.service_request.reference_number,
        ),
        Column("For", commission_words.reason, css="wrap"),
        Column("Kind", lambda row: row.kind.label, is_listed=False),
        Column("Amount", lambda row: cells.money(row.amount), lambda row: row.amount.decimal, "number"),
        Column("Currency", lambda row: row.currency, is_listed=False),
        Column("Rate in percent", lambda row: format_percent(row.rate_basis_points), is_listed=False),
        Column("Paid out", _state, commission_words.state),
    )
    filters = (
        affiliate_filter(CommissionEntry.affiliate_id),
        choice("kind", "Kind", CommissionEntry.kind, options=enum_options(CommissionKind)),
        *days(CommissionEntry.created_at, "Entered"),
    )

    @property
    def intro(self) -> str:  # type: ignore[override]
        return (
            f"Lines are added and never changed. A sale is payable {terms.refund_time.days} days after it was paid, as "
            "customers may ask for their money back until then; what goes back is taken off."
        )

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        request_id = find_request(text)
        return query.where(CommissionEntry.service_request_id == request_id if request_id else false())

    def title_of(self, row: CommissionEntry) -> str:
        return f"Commission of {cells.money(row.amount)}"

    def facts(self, row: CommissionEntry) -> Sequence[tuple[str, object]]:
        return [
            ("For", commission_words.reason(row)),
            ("Affiliate", cells.affiliate_link(row.affiliate)),
            ("Request", cells.request_link(row.service_request)),
            ("Amount", cells.money(row.amount)),
            ("Kind", row.kind.label),
            ("Rate", f"{format_percent(row.rate_basis_points)} % ({_RULES[row.rule]})"),
            ("Payment", cells.link("payments.details_view", cells.money(row.payment.amount), id=row.payment_id)),
            (
                "Refund",
                row.refund and cells.link("refunds.details_view", cells.money(row.refund.amount), id=row.refund_id),
            ),
            ("Paid out", _state(row)),
            ("Entered", exact(row.created_at)),
        ]


_RULES = {CommissionRule.AFFILIATE: "the affiliate's rate", CommissionRule.SERVICE: "their rate for this service"}
