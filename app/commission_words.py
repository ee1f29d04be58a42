"""What a line of the commission ledger says: the sale, the rule and rate, refunds, and when it is paid."""

from sqlalchemy.orm import joinedload

from app.ages import day
from app.extensions import settings
from app.kit import clock
from app.kit.money import Money, format_percent
from app.models import (
    CommissionEntry,
    CommissionKind,
    CommissionRule,
    Payment,
    Payout,
    PayoutLine,
    Refund,
    ServiceRequest,
    User,
)
from app.workflows.terms import terms

LINE_OPTIONS = (
    joinedload(CommissionEntry.affiliate, innerjoin=True).load_only(User.name),
    joinedload(CommissionEntry.service_request, innerjoin=True).load_only(
        ServiceRequest.reference_number, ServiceRequest.service_name, ServiceRequest.tier_name
    ),
    joinedload(CommissionEntry.payment, innerjoin=True).load_only(
        Payment.amount_minor, Payment.currency, Payment.completed_at
    ),
    joinedload(CommissionEntry.refund).load_only(Refund.amount_minor, Refund.currency),
    joinedload(CommissionEntry.payout_line).joinedload(PayoutLine.payout).load_only(Payout.batch, Payout.paid_at),
)
"""All that these words need, and nothing of the customer."""


def reason(row: CommissionEntry) -> str:
    """What the line is for, in a sentence."""
    rate = f"{format_percent(row.rate_basis_points)} %"
    whose = ", the rate for this service" if row.rule is CommissionRule.SERVICE else ""
    if row.kind is CommissionKind.EARNED:
        return f"Sale of {row.service_request.title}: {rate} of {_money(row.payment.amount)}{whose}"
    if row.refund is not None:
        return f"Refund of {_money(row.refund.amount)}: {rate} of what is left stays{whose}"
    verb = "The bank took the money back" if row.amount_minor < 0 else "The money came back"
    return f"{verb}: {rate} of what is left stays{whose}"


def state(row: CommissionEntry) -> str:
    """`Paid 3 Mar 2026 (2026-03-03-INR-4f2a1c)`, `Payable`, or from when on it is."""
    if row.payout_line is not None:
        payout = row.payout_line.payout
        return f"Paid {day(payout.paid_at or row.payout_line.created_at)} ({payout.batch})"
    payable_from = terms.payable_from(row.payment.completed_at or row.created_at)
    return "Payable" if payable_from < clock.utc_now() else f"Payable from {day(payable_from)}"


def _money(amount: Money) -> str:
    return amount.format(settings().locale)
