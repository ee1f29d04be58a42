"""What the business promises its customers and partners in days and sums: one value for all who speak of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.kit.money import Money


@dataclass(slots=True)
class Terms:
    """Set once, at the start, from the settings: workflows see no settings.

    Customers may ask for their money back for `refund_time` after they paid, so a commission is payable after it.
    """

    refund_time: timedelta = timedelta(days=14)
    least_payouts: Mapping[str, Money] = field(default_factory=dict)

    def least_payout(self, currency: str) -> Money:
        """The smallest sum that a batch of payouts sends to anybody; what is less waits for more."""
        return self.least_payouts.get(currency) or Money(1, currency)

    def payable_from(self, paid_at: datetime) -> datetime:
        return paid_at + self.refund_time


terms = Terms()
