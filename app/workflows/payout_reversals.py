"""Taking back a payout that was wrongly recorded: by an entry of its own, and nothing is deleted.

The lines that it had paid are due again, so the next payout pays them.
"""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.db import db
from app.errors import DomainError, NotFound, wrong
from app.kit import clock
from app.models import CommissionEntry, Payout, PayoutLine, PayoutReversal
from app.workflows import audit, payouts
from app.workflows.audit import Actor

MAXIMUM_REASON_LENGTH = 500


class TakenBackAlready(DomainError):
    code = "taken_back_already"
    message = "This payout was taken back already. Nothing was changed."


def take_back(payout_id: UUID, reason: str, *, actor: Actor) -> PayoutReversal:
    """Raises NotFound, InvalidInput without a reason, TakenBackAlready."""
    payout = db.session.get(Payout, payout_id)
    if payout is None:
        raise NotFound("This payout does not exist.")
    reason = _sensible(reason)
    payouts.lock_affiliates([payout.affiliate_id])
    reversal = PayoutReversal(payout_id=payout.id, reason=reason, reversed_by_user_id=actor.user_id)
    try:
        with db.session.begin_nested():
            db.session.add(reversal)
    except IntegrityError as error:
        raise TakenBackAlready from error
    _free_lines(payout)
    after = {"reason": reason, "amount": payout.amount_minor, "currency": payout.currency}
    audit.record("payout.taken_back", payout, actor=actor, after=after)
    return reversal


def _sensible(reason: str) -> str:
    reason = reason.strip()
    if not reason or len(reason) > MAXIMUM_REASON_LENGTH:
        raise wrong("reason", f"Say why, in up to {MAXIMUM_REASON_LENGTH} characters.")
    return reason


def _free_lines(payout: Payout) -> None:
    entries = select(PayoutLine.commission_entry_id).where(PayoutLine.payout_id == payout.id)
    unmarked = update(CommissionEntry).where(CommissionEntry.id.in_(entries)).values(paid_out_at=None)
    freed = update(PayoutLine).where(PayoutLine.payout_id == payout.id).values(taken_back_at=clock.utc_now())
    for statement in (unmarked, freed):
        db.session.execute(statement.execution_options(synchronize_session=False))
