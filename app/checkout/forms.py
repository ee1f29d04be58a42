"""The checkout page's form: the purchase itself, and what the page has to remember between showing and sending."""

from typing import Any

from wtforms import Field, HiddenField, ValidationError

from app.text_forms import TextForm
from app.workflows.purchase_form import PurchaseForm


class CheckoutForm(PurchaseForm, TextForm):
    """`submission` makes a repeated submit one request; `shown_prices` is what the page said each choice costs."""

    submission = HiddenField()
    shown_prices = HiddenField()
    started = HiddenField()

    def validate_tier(self, field: Field) -> None:
        super().validate_tier(field)
        chosen = field.data or ""
        price = self.prices[chosen]
        if _parse_prices(self.shown_prices.data).get(chosen, price) != price:
            raise ValidationError("The price changed while this page was open. Look at it again, then pay.")

    def begin(self, submission: str, tier_id: str | None) -> None:
        """What a fresh page starts with; an unknown tier falls back to the first."""
        self.submission.data = submission
        offered = [str(tier.id) for tier in self.tiers]
        self.tier.data = tier_id if tier_id in offered else next(iter(offered), None)

    def fill(self, answers: dict[str, Any]) -> None:
        for name, answer in answers.items():
            self[name].data = answer

    def show_prices(self) -> None:
        self.shown_prices.data = " ".join(f"{choice}={minor}" for choice, minor in self.prices.items())

    @property
    def token_failed(self) -> bool:
        """The CSRF token was of another session, or the browser sent no cookies."""
        return "csrf_token" in self.errors


def _parse_prices(text: str | None) -> dict[str, int]:
    pairs = (part.partition("=") for part in (text or "").split())
    return {choice: int(minor) for choice, _, minor in pairs if _is_number(minor)}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
