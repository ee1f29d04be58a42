"""Payouts: what affiliates were paid, for which lines of the ledger; for the bank, and for the books."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload

from app.admin import cells
from app.admin.commissions import affiliate_filter
from app.admin.export import stream_csv
from app.admin.filters import days
from app.admin.listing import Column
from app.admin.pages import done
from app.admin.paging import Order
from app.admin.payout_recording import PayoutRecording
from app.admin.permissions import Permission
from app.ages import day, exact
from app.commission_words import LINE_OPTIONS, reason
from app.db import db, transaction
from app.errors import NotFound
from app.kit.money import Money
from app.models import AffiliateProfile, CommissionEntry, Payout, PayoutLine, PayoutReversal, User
from app.workflows import payout_reversals

_MOST_LINES = 200
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class PayoutRow:
    """A payout and how many lines it paid."""

    payout: Payout
    lines: int

    @property
    def id(self) -> UUID:
        return self.payout.id

    def __str__(self) -> str:
        return str(self.payout)


def _of(text: Any) -> Any:
    """A column's function on the payout itself."""
    return lambda row: text(row.payout)


def _state(payout: Payout) -> str:
    return "Taken back" if payout.reversal else "Paid"


def _state_pill(payout: Payout) -> Markup:
    return cells.switch(payout.reversal is None, on="Paid", off="Taken back")


class PayoutView(PayoutRecording):
    noun = "payout"
    list_template = "admin/payouts/list.html"
    details_template = "admin/payouts/details.html"
    empty = "No payout was recorded yet. Pay affiliates by the bank, then record it here."
    search_label = "Code, batch or bank reference"
    page_permissions = {
        "new": Permission.PAY_OUT,
        "record": Permission.PAY_OUT,
        "preview": Permission.PAY_OUT,
        "record_batch": Permission.PAY_OUT,
        "take_back": Permission.PAY_OUT,
        "lines": Permission.EXPORT,
        "batch": Permission.EXPORT,
    }
    orders = {
        "newest": Order(Payout.created_at, Payout.id),
        "oldest": Order(Payout.created_at, Payout.id, descending=False),
    }
    options = (
        joinedload(Payout.affiliate, innerjoin=True).load_only(User.name, User.email),
        joinedload(Payout.recorded_by).load_only(User.name),
        joinedload(Payout.reversal).joinedload(PayoutReversal.reversed_by).load_only(User.name),
    )
    columns = (
        Column(
            "Recorded",
            _of(cells.moment(lambda row: row.created_at)),
            _of(lambda row: exact(row.created_at)),
            sorts=("oldest", "newest"),
        ),
        Column("Affiliate", _of(lambda row: row.affiliate.name)),
        Column("Email", _of(lambda row: row.affiliate.email), is_listed=False),
        Column("Amount", _of(lambda row: cells.money(row.amount)), _of(lambda row: row.amount.decimal), "number"),
        Column("Currency", _of(lambda row: row.currency), is_listed=False),
        Column("Lines", lambda row: f"{row.lines:,}", lambda row: row.lines, "number"),
        Column("Paid on", _of(lambda row: row.paid_at and day(row.paid_at))),
        Column(
            "Bank reference",
            _of(lambda row: cells.mono(row.transfer_reference)),
            _of(lambda row: row.transfer_reference),
        ),
        Column("State", _of(_state_pill), _of(_state)),
        Column("Batch", _of(lambda row: cells.mono(row.batch)), _of(lambda row: row.batch)),
        Column("By", _of(lambda row: row.recorded_by.name if row.recorded_by else "–")),
    )
    filters = (affiliate_filter(Payout.affiliate_id), *days(Payout.created_at, "Recorded"))

    @property
    def may_pay_out(self) -> bool:
        return self.may(Permission.PAY_OUT)

    def shown(self, rows: Sequence[Payout]) -> Sequence[PayoutRow]:
        query = select(PayoutLine.payout_id, func.count()).where(PayoutLine.payout_id.in_([row.id for row in rows]))
        counts = {key: int(count) for key, count in db.session.execute(query.group_by(PayoutLine.payout_id))}
        return [PayoutRow(row, counts.get(row.id, 0)) for row in rows]

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        owner = db.session.scalar(select(AffiliateProfile.user_id).where(AffiliateProfile.code == text))
        readings = [Payout.batch == text, Payout.transfer_reference == text]
        return query.where(or_(*readings, *([Payout.affiliate_id == owner] if owner else [])))

    def title_of(self, row: Payout) -> str:
        return f"Payout of {cells.money(row.amount)}"

    def facts(self, row: Payout) -> Sequence[tuple[str, object]]:
        return [
            ("Affiliate", cells.affiliate_link(row.affiliate)),
            ("Amount", cells.money(row.amount)),
            ("Paid on", row.paid_at and day(row.paid_at)),
            ("Bank reference", cells.mono(row.transfer_reference)),
            ("Batch", cells.mono(row.batch)),
            ("Recorded by", row.recorded_by.name if row.recorded_by else "System"),
            ("Recorded", exact(row.created_at)),
            *_reversal_facts(row),
        ]

    def lines_of(self, row: Payout) -> list[CommissionEntry]:
        query = _lines(row.id).options(*LINE_OPTIONS).limit(_MOST_LINES + 1)
        return list(db.session.scalars(query))

    # --- taking one back

    @expose("/<uuid:key>/take-back", methods=("POST",))
    def take_back(self, key: UUID) -> ResponseReturnValue:
        with transaction():
            reversal = payout_reversals.take_back(key, request.form.get("reason", ""), actor=self.actor)
        amount = cells.money(reversal.payout.amount)
        return done(f"Taken back: {amount}. Its lines are due again.", self.get_url(".details_view", id=key))

    # --- for the bank, and for the books

    @expose("/<uuid:key>/lines.csv")
    def lines(self, key: UUID) -> ResponseReturnValue:
        """What one payout paid, line by line."""
        payout = self.get_one(key)
        if payout is None:
            raise NotFound("This payout does not exist.")
        columns = (
            ("Entered", lambda row: exact(row.created_at)),
            ("Request", lambda row: row.service_request.reference_number),
            ("For", reason),
            ("Amount", lambda row: row.amount.decimal),
            ("Currency", lambda row: row.currency),
        )
        self._note_export(f"lines of payout {key}")
        return stream_csv(f"payout-{key}.csv", columns, _line_chunks(key))

    @expose("/batch/<batch>")
    def batch_page(self, batch: str) -> ResponseReturnValue:
        found = list(db.session.scalars(_of_batch(batch).options(*self.options)))
        if not found:
            raise NotFound("There is no such batch.")
        standing = [payout for payout in found if payout.reversal is None]
        sums: dict[str, int] = defaultdict(int)
        for payout in standing:
            sums[payout.currency] += payout.amount_minor
        totals = [Money(minor, currency) for currency, minor in sorted(sums.items())]
        return self.render(
            "admin/payouts/batch_page.html", batch=batch, payouts=found, standing=standing, totals=totals
        )

    @expose("/batch/<batch>.csv")
    def batch(self, batch: str) -> Response:
        """All payouts that go to the bank together, but for those that were taken back."""
        query = _of_batch(batch).where(~Payout.reversal.has()).options(*self.options)
        columns = [(column.heading, column.plain) for column in self.columns]
        self._note_export(f"batch {batch}")
        return stream_csv(f"payouts-{batch}.csv", columns, self._chunks(query.execution_options(yield_per=_CHUNK)))


def _of_batch(batch: str) -> Select[Payout]:
    return select(Payout).where(Payout.batch == batch).order_by(Payout.created_at, Payout.id)


def _reversal_facts(row: Payout) -> list[tuple[str, object]]:
    if row.reversal is None:
        return []
    by = row.reversal.reversed_by.name if row.reversal.reversed_by else "System"
    return [("Taken back", f"{exact(row.reversal.created_at)} by {by}"), ("Because", row.reversal.reason)]


def _lines(payout_id: UUID) -> Select[Any]:
    return (
        select(CommissionEntry)
        .join(PayoutLine, PayoutLine.commission_entry_id == CommissionEntry.id)
        .where(PayoutLine.payout_id == payout_id)
        .order_by(CommissionEntry.created_at, CommissionEntry.id)
    )


def _line_chunks(payout_id: UUID) -> Iterator[Sequence[Any]]:
    query = _lines(payout_id).options(*LINE_OPTIONS).execution_options(yield_per=_CHUNK)
    yield from db.session.scalars(query).partitions()
