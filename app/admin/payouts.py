"""Payouts: what affiliates were paid, for which lines of the ledger, and recording one more."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload

from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.commissions import LINE_OPTIONS, affiliate_filter, reason
from app.admin.export import stream_csv
from app.admin.filters import days, parse_day
from app.admin.listing import Column
from app.admin.pages import done
from app.admin.paging import Order
from app.admin.permissions import Permission
from app.ages import day, exact
from app.db import db, transaction
from app.errors import DomainError, InvalidInput, NotFound
from app.extensions import settings
from app.kit import clock, ids
from app.kit.money import Money, known_currencies
from app.models import AffiliateProfile, CommissionEntry, Payout, PayoutLine, User
from app.workflows import affiliate_figures, payouts
from app.workflows.affiliate_figures import APPROVAL_DELAY, Balance
from app.workflows.payouts import Due, Wish

_MOST_LINES = 200
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Payee:
    """An affiliate and one of their balances."""

    profile: AffiliateProfile
    balance: Balance


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


class PayoutView(ConsoleView):
    noun = "payout"
    list_template = "admin/payouts/list.html"
    details_template = "admin/payouts/details.html"
    empty = "No payout was recorded yet. Pay affiliates by the bank, then record it here."
    search_label = "Code, batch or bank reference"
    page_permissions = {
        "new": Permission.PAY_OUT,
        "record": Permission.PAY_OUT,
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
        ]

    def lines_of(self, row: Payout) -> list[CommissionEntry]:
        query = _lines(row.id).options(*LINE_OPTIONS).limit(_MOST_LINES + 1)
        return list(db.session.scalars(query))

    def reason(self, row: CommissionEntry) -> str:
        return reason(row)

    # --- recording one

    @expose("/new")
    def new(self) -> ResponseReturnValue:
        """Who is due what; with one of them chosen, the form for it."""
        if not request.args.get("affiliate"):
            return self.render("admin/payouts/choose.html", payees=_payees(), delay=APPROVAL_DELAY.days)
        return self._form(_profile(request.args), _currency(request.args))

    @expose("/new", methods=("POST",))
    def record(self) -> ResponseReturnValue:
        profile, currency = _profile(request.form), _currency(request.form)
        try:
            wish = _wish(profile, currency)
            with transaction():
                payout = payouts.record(wish, actor=self.actor)
        except DomainError as error:
            return self._form(profile, currency, refusal=error), error.http_status
        message = f"Recorded: {cells.money(payout.amount)} to {profile.user.name}."
        return done(message, self.get_url(".details_view", id=payout.id))

    def _form(self, profile: AffiliateProfile, currency: str, *, refusal: DomainError | None = None) -> str:
        now = clock.utc_now()
        due: Due = payouts.due(profile.user_id, currency, now=now)
        lines = payouts.due_lines(profile.user_id, currency, now=now).options(*LINE_OPTIONS).limit(_MOST_LINES)
        return self.render(
            "admin/payouts/new.html",
            profile=profile,
            currency=currency,
            due=due,
            lines=list(db.session.scalars(lines)),
            today=now.astimezone(settings().time_zone).date(),
            delay=APPROVAL_DELAY.days,
            refusal=refusal,
            draft=request.form if refusal else {},
        )

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

    @expose("/batch/<batch>.csv")
    def batch(self, batch: str) -> Response:
        """All payouts that go to the bank together."""
        query = (
            select(Payout).where(Payout.batch == batch).options(*self.options).order_by(Payout.created_at, Payout.id)
        )
        columns = [(column.heading, column.plain) for column in self.columns]
        self._note_export(f"batch {batch}")
        return stream_csv("batch.csv", columns, self._chunks(query.execution_options(yield_per=_CHUNK)))


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


def _payees() -> list[Payee]:
    """Everybody with something due, the largest sum first."""
    due = affiliate_figures.dues(clock.utc_now())
    query = select(AffiliateProfile).where(AffiliateProfile.user_id.in_({balance.affiliate_id for balance in due}))
    profiles = {profile.user_id: profile for profile in db.session.scalars(query)}
    payees = [Payee(profiles[each.affiliate_id], each) for each in due if each.affiliate_id in profiles]
    return sorted(payees, key=lambda payee: (payee.balance.currency, -payee.balance.payable.minor))


def _profile(values: Mapping[str, str]) -> AffiliateProfile:
    key = ids.parse_id(values.get("affiliate", ""))
    profile = db.session.scalar(select(AffiliateProfile).where(AffiliateProfile.user_id == key)) if key else None
    if profile is None:
        raise NotFound("This affiliate does not exist.")
    return profile


def _currency(values: Mapping[str, str]) -> str:
    currency = values.get("currency", "")
    if currency not in known_currencies():
        raise NotFound("This currency does not exist.")
    return currency


def _wish(profile: AffiliateProfile, currency: str) -> Wish:
    zone = settings().time_zone
    try:
        paid_on = parse_day(request.form.get("paid_on", ""))
    except ValueError as error:
        message = "Choose the day on which it was paid."
        raise InvalidInput(message, details={"paid_on": message}) from error
    return Wish(
        affiliate_id=profile.user_id,
        seen=Money(_minor("seen"), currency),
        paid_at=clock.start_of_day(paid_on, zone),
        # What is recorded on one day goes to the bank together.
        batch=clock.utc_now().astimezone(zone).date().isoformat(),
        transfer_reference=request.form.get("transfer_reference", "").replace("\0", "").strip(),
    )


def _minor(name: str) -> int:
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1
