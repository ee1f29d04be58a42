"""Recording payouts: one affiliate's, or those of all who are due enough, as one batch for the bank."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select

from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.filters import parse_day
from app.admin.pages import done
from app.commission_words import LINE_OPTIONS, reason
from app.db import db, transaction
from app.errors import DomainError, NotFound, wrong
from app.extensions import settings
from app.kit import clock, ids
from app.kit.money import Money, known_currencies
from app.models import AffiliateProfile, CommissionEntry
from app.workflows import affiliate_figures, payout_batches, payouts
from app.workflows.affiliate_figures import Balance
from app.workflows.payout_batches import Share
from app.workflows.payouts import Due, Transfer, Wish
from app.workflows.terms import terms

_MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class Payee:
    """An affiliate and one of their balances."""

    profile: AffiliateProfile
    balance: Balance

    @property
    def is_below_minimum(self) -> bool:
        return self.balance.payable < terms.least_payout(self.balance.currency)


@dataclass(frozen=True, slots=True)
class Sharer:
    """An affiliate and what a batch would pay them."""

    profile: AffiliateProfile
    amount: Money


class PayoutRecording(ConsoleView):
    """The pages that record payouts; the list of them builds on it."""

    def reason(self, row: CommissionEntry) -> str:
        return reason(row)

    @expose("/new")
    def new(self) -> ResponseReturnValue:
        """Who is due what; with one of them chosen, the form for it."""
        if request.args.get("affiliate"):
            return self._form(_profile(request.args), _currency(request.args))
        payees = _payees()
        batches = [_batch_words(currency) for currency in payout_batches.currencies(clock.utc_now())]
        return self.render("admin/payouts/choose.html", payees=payees, batches=batches, terms=terms)

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
            least=terms.least_payout(currency),
            lines=list(db.session.scalars(lines)),
            delay=terms.refund_time.days,
            **_filled_in(refusal),
        )

    # --- everybody at once

    @expose("/batch")
    def preview(self) -> ResponseReturnValue:
        return self._preview(_currency(request.args))

    @expose("/batch", methods=("POST",))
    def record_batch(self) -> ResponseReturnValue:
        currency = _currency(request.form)
        try:
            transfer = _transfer(payout_batches.name_batch(_today(), currency))
            with transaction():
                made = payout_batches.record(currency, transfer, seen=request.form.get("seen", ""), actor=self.actor)
        except DomainError as error:
            return self._preview(currency, refusal=error), error.http_status
        total = Money(sum(payout.amount_minor for payout in made), currency)
        message = f"Recorded: {len(made)} payout{'' if len(made) == 1 else 's'}, {cells.money(total)} in all."
        return done(message, self.get_url(".batch_page", batch=transfer.batch))

    def _preview(self, currency: str, *, refusal: DomainError | None = None) -> str:
        shares = payout_batches.shares(currency, now=clock.utc_now())
        return self.render(
            "admin/payouts/batch.html",
            currency=currency,
            sharers=_sharers(shares),
            total=Money(sum(share.amount.minor for share in shares), currency),
            least=terms.least_payout(currency),
            seen=payout_batches.fingerprint(shares),
            delay=terms.refund_time.days,
            **_filled_in(refusal),
        )


def _filled_in(refusal: DomainError | None) -> dict[str, Any]:
    """What a form shows again after it was refused."""
    return {"today": _today(), "refusal": refusal, "draft": request.form if refusal else {}}


def _today() -> Any:
    return clock.utc_now().astimezone(settings().time_zone).date()


def _batch_words(currency: str) -> dict[str, Any]:
    shares = payout_batches.shares(currency, now=clock.utc_now())
    total = Money(sum(share.amount.minor for share in shares), currency)
    return {"currency": currency, "count": len(shares), "total": total, "least": terms.least_payout(currency)}


def _sharers(shares: Sequence[Share]) -> list[Sharer]:
    profiles = _profiles({share.affiliate_id for share in shares})
    known = [share for share in shares if share.affiliate_id in profiles]
    found = [Sharer(profiles[share.affiliate_id], share.amount) for share in known]
    return sorted(found, key=lambda each: -each.amount.minor)


def _payees() -> list[Payee]:
    """Everybody with something due, the largest sum first."""
    due = affiliate_figures.dues(clock.utc_now())
    profiles = _profiles({balance.affiliate_id for balance in due})
    payees = [Payee(profiles[each.affiliate_id], each) for each in due if each.affiliate_id in profiles]
    return sorted(payees, key=lambda payee: (payee.balance.currency, -payee.balance.payable.minor))


def _profiles(affiliate_ids: set[UUID]) -> dict[UUID, AffiliateProfile]:
    query = select(AffiliateProfile).where(AffiliateProfile.user_id.in_(affiliate_ids))
    return {profile.user_id: profile for profile in db.session.scalars(query)}


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
    # What is recorded one by one on a day goes to the bank together.
    transfer = _transfer(_today().isoformat())
    seen = Money(_minor("seen"), currency)
    return Wish(profile.user_id, seen, transfer.paid_at, transfer.batch, transfer.reference)


def _transfer(batch: str) -> Transfer:
    try:
        paid_on = parse_day(request.form.get("paid_on", ""))
    except ValueError as error:
        raise wrong("paid_on", "Choose the day on which it was paid.") from error
    reference = request.form.get("transfer_reference", "").replace("\0", "").strip()
    return Transfer(clock.start_of_day(paid_on, settings().time_zone), batch, reference)


def _minor(name: str) -> int:
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1
