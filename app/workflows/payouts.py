"""Paying affiliates: which lines of the ledger are due, and recording that they were paid, each once.

Money leaves by the bank; what is kept here says that it did, and for which lines.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.db import db
from app.errors import DomainError, NotFound, StaleChange, wrong
from app.kit import clock, ids
from app.kit.money import Money
from app.models import AffiliateProfile, CommissionEntry, Payout, PayoutLine
from app.workflows import audit
from app.workflows.affiliate_figures import is_approved
from app.workflows.audit import Actor

MAXIMUM_REFERENCE_LENGTH = 64
_LINES_AT_ONCE = 1000


class NothingDue(DomainError):
    code = "nothing_due"
    message = "There is nothing to pay."


@dataclass(frozen=True, slots=True)
class Due:
    """What can be paid to one affiliate now. Below zero it carries over to the next payout."""

    amount: Money
    lines: int


@dataclass(frozen=True, slots=True)
class Wish:
    """A payout that finance made. `seen` is what was due when the form was shown to them."""

    affiliate_id: UUID
    seen: Money
    paid_at: datetime
    batch: str
    transfer_reference: str = ""

    @property
    def transfer(self) -> "Transfer":
        return Transfer(self.paid_at, self.batch, self.transfer_reference)


@dataclass(frozen=True, slots=True)
class Transfer:
    """What is known of money on its way to the bank."""

    paid_at: datetime
    batch: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    """What one affiliate is due, and the keys of the lines that make it up: they may be very many."""

    affiliate_id: UUID
    amount: Money
    keys: Sequence[UUID]


def due(affiliate_id: UUID, currency: str, *, now: datetime) -> Due:
    """The sum of all lines past the approval delay that no payout has paid."""
    lines = due_lines(affiliate_id, currency, now=now).order_by(None).subquery()
    count, total = db.session.execute(select(func.count(), func.sum(lines.c.amount_minor))).one()
    return Due(Money(int(total or 0), currency), count)


def due_lines(affiliate_id: UUID, currency: str, *, now: datetime) -> Select[Any]:
    """Those lines, oldest first."""
    return (
        select(CommissionEntry)
        .where(
            CommissionEntry.affiliate_id == affiliate_id,
            CommissionEntry.currency == currency,
            CommissionEntry.paid_out_at.is_(None),
            is_approved(now),
        )
        .order_by(CommissionEntry.created_at, CommissionEntry.id)
    )


def record(wish: Wish, *, actor: Actor) -> Payout:
    """Enter a payout of everything that is due to an affiliate in one currency.

    Raises StaleChange when another sum is due than the form showed, NothingDue, InvalidInput.
    """
    now = clock.utc_now()
    ensure_sensible(wish.transfer, now)
    if not lock_affiliates([wish.affiliate_id]):
        raise NotFound("This affiliate does not exist.")
    columns = (CommissionEntry.id, CommissionEntry.amount_minor)
    query = due_lines(wish.affiliate_id, wish.seen.currency, now=now).with_only_columns(*columns)
    found = [(key, minor) for key, minor in db.session.execute(query)]
    amount = Money(sum(minor for _, minor in found), wish.seen.currency)
    if amount != wish.seen:
        raise StaleChange(f"Another sum is due by now: {amount.format()}. Nothing was recorded.")
    if amount.minor <= 0:
        raise NothingDue("Nothing is due, so there is nothing to record. A sum below zero carries over.")
    return enter(Lines(wish.affiliate_id, amount, [key for key, _ in found]), wish.transfer, actor=actor)


def ensure_sensible(transfer: Transfer, now: datetime) -> None:
    """Raises InvalidInput."""
    if transfer.paid_at > now:
        raise wrong("paid_on", "Record it once it is paid: this day is still to come.")
    if len(transfer.reference) > MAXIMUM_REFERENCE_LENGTH:
        raise wrong("transfer_reference", f"Keep the reference within {MAXIMUM_REFERENCE_LENGTH} characters.")


def lock_affiliates(affiliate_ids: Collection[UUID]) -> int:
    """Payouts to one affiliate come one after the other. Says how many of them there are."""
    query = select(AffiliateProfile.id).where(AffiliateProfile.user_id.in_(affiliate_ids))
    return len(db.session.scalars(query.order_by(AffiliateProfile.id).with_for_update(key_share=True)).all())


def enter(lines: Lines, transfer: Transfer, *, actor: Actor) -> Payout:
    """A payout of these lines, whose affiliate the caller has locked. Raises StaleChange."""
    payout = Payout(
        affiliate_id=lines.affiliate_id,
        amount_minor=lines.amount.minor,
        currency=lines.amount.currency,
        batch=transfer.batch,
        transfer_reference=transfer.reference,
        paid_at=transfer.paid_at,
        recorded_by_user_id=actor.user_id,
    )
    db.session.add(payout)
    db.session.flush()
    _mark_paid(payout, lines.keys)
    after = {
        "amount": payout.amount_minor,
        "currency": payout.currency,
        "affiliate": payout.affiliate_id,
        "lines": len(lines.keys),
        "batch": payout.batch,
        "transfer_reference": payout.transfer_reference,
    }
    audit.record("payout.recorded", payout, actor=actor, after=after)
    return payout


def _mark_paid(payout: Payout, entries: Sequence[UUID]) -> None:
    """The unique key of the lines has the last word on who pays one."""
    now = clock.utc_now()
    try:
        for start in range(0, len(entries), _LINES_AT_ONCE):
            rows = [
                {"id": ids.new_id(), "payout_id": payout.id, "commission_entry_id": entry, "created_at": now}
                for entry in entries[start : start + _LINES_AT_ONCE]
            ]
            db.session.execute(insert(PayoutLine), rows)
    except IntegrityError as error:
        raise StaleChange("Somebody recorded a payout of these lines meanwhile. Nothing was recorded.") from error
    paid = select(PayoutLine.commission_entry_id).where(PayoutLine.payout_id == payout.id)
    marked = update(CommissionEntry).where(CommissionEntry.id.in_(paid)).values(paid_out_at=now)
    db.session.execute(marked.execution_options(synchronize_session=False))
