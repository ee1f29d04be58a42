"""Paying everybody at once who is due enough: one batch, which goes to the bank as one file."""

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from app.db import db
from app.errors import StaleChange
from app.kit import clock
from app.kit.money import Money
from app.models import CommissionEntry, Payout
from app.workflows import affiliate_figures, payouts
from app.workflows.affiliate_figures import is_approved
from app.workflows.audit import Actor
from app.workflows.payouts import Lines, NothingDue, Transfer
from app.workflows.terms import terms


@dataclass(frozen=True, slots=True)
class Share:
    """What one affiliate gets."""

    affiliate_id: UUID
    amount: Money


def shares(currency: str, *, now: datetime) -> list[Share]:
    """Of all who are due the minimum or more in this currency."""
    least = terms.least_payout(currency)
    balances = [each for each in affiliate_figures.dues(now) if each.currency == currency]
    return [Share(each.affiliate_id, each.payable) for each in balances if each.payable >= least]


def currencies(now: datetime) -> list[str]:
    """Those in which anybody could be paid now."""
    payable = {each.currency for each in affiliate_figures.dues(now) if each.payable.minor > 0}
    return sorted(payable)


def fingerprint(found: Iterable[Share]) -> str:
    """Of what a person saw: another sum for anybody, or another affiliate, makes another one."""
    words = sorted(f"{each.affiliate_id}:{each.amount.minor}:{each.amount.currency}" for each in found)
    return hashlib.blake2s("\0".join(words).encode(), digest_size=12).hexdigest()


def name_batch(day: date, currency: str) -> str:
    """Two batches of one day are told apart."""
    return f"{day.isoformat()}-{currency}-{secrets.token_hex(3)}"


def record(currency: str, transfer: Transfer, *, seen: str, actor: Actor) -> list[Payout]:
    """Enter a payout for each of `shares`, all or none. `seen` is the fingerprint of those that were shown.

    Raises StaleChange when they are others by now, NothingDue, InvalidInput.
    """
    now = clock.utc_now()
    payouts.ensure_sensible(transfer, now)
    payouts.lock_affiliates([each.affiliate_id for each in shares(currency, now=now)])
    # Again, now that nobody else pays them: whoever held the lock before has changed what is due.
    wanted = shares(currency, now=now)
    if fingerprint(wanted) != seen:
        raise StaleChange("Other sums are due by now than the page showed. Nothing was recorded.")
    if not wanted:
        raise NothingDue("Nobody is due the minimum, so there is nothing to record.")
    lines = _lines(wanted, currency, now)
    if [each.amount for each in lines] != [each.amount for each in wanted]:
        raise StaleChange("A sum changed in this very moment. Nothing was recorded; look again.")
    return [payouts.enter(each, transfer, actor=actor) for each in lines]


def _lines(wanted: Sequence[Share], currency: str, now: datetime) -> list[Lines]:
    query = select(CommissionEntry.affiliate_id, CommissionEntry.id, CommissionEntry.amount_minor).where(
        CommissionEntry.affiliate_id.in_([each.affiliate_id for each in wanted]),
        CommissionEntry.currency == currency,
        CommissionEntry.paid_out_at.is_(None),
        is_approved(now),
    )
    keys: dict[UUID, list[UUID]] = defaultdict(list)
    sums: dict[UUID, int] = defaultdict(int)
    for affiliate_id, key, minor in db.session.execute(query):
        keys[affiliate_id].append(key)
        sums[affiliate_id] += minor
    owners = [each.affiliate_id for each in wanted]
    return [Lines(owner, Money(sums[owner], currency), keys[owner]) for owner in owners]
