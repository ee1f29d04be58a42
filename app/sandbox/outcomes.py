"""What a payer can choose on the Sandbox pay page, and what it means."""

from dataclasses import dataclass
from datetime import timedelta

from app.models import SandboxStatus

LATE = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`webhooks` is how often the news is posted; `settles_after` is how long the company takes to know."""

    label: str
    explanation: str
    status: SandboxStatus
    webhooks: int = 1
    settles_after: timedelta = timedelta()
    error: str | None = None


OUTCOMES = {
    "approve": Outcome("Approve", "The payment goes through.", SandboxStatus.APPROVED),
    "decline": Outcome("Decline", "The bank says no.", SandboxStatus.DECLINED, error="card_declined"),
    "insufficient_funds": Outcome(
        "Not enough money", "The account is empty.", SandboxStatus.DECLINED, error="insufficient_funds"
    ),
    "never": Outcome("Never answer", "The bank stays silent.", SandboxStatus.OPEN, webhooks=0),
    "late": Outcome(
        "Answer late", "The payment goes through after 20 seconds.", SandboxStatus.APPROVED, settles_after=LATE
    ),
    "twice": Outcome("Answer twice", "The payment goes through and is announced twice.", SandboxStatus.APPROVED, 2),
}
