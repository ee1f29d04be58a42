"""The checkout page's form: the purchase itself, and what the page has to remember between showing and sending."""

from collections.abc import Iterable
from typing import Any

from wtforms import Field, HiddenField, ValidationError

from app.kit.money import known_currencies
from app.text_forms import TextForm
from app.workflows.purchase_form import PurchaseForm


class CheckoutForm(PurchaseForm, TextForm):
    """`submission` makes a repeated submit one request; `shown_prices` is what the page said each choice costs, after
    the currency."""

    submission = HiddenField()
    shown_prices = HiddenField()
    started = HiddenField()

    def validate_tier(self, field: Field) -> None:
        super().validate_tier(field)
        if not self._is_as_shown(field.data or ""):
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
        prices = (f"{choice}={minor}" for choice, minor in self.prices.items())
        self.shown_prices.data = " ".join([self.service.currency, *prices])

    def _is_as_shown(self, chosen: str) -> bool:
        # The same digits are another price in another currency.
        words, price = (self.shown_prices.data or "").split(), self.prices[chosen]
        named = known_currencies().intersection(words)
        return _parse_prices(words).get(chosen, price) == price and named <= {self.service.currency}

    @property
    def token_failed(self) -> bool:
        """The CSRF token was of another session, or the browser sent no cookies."""
        return "csrf_token" in self.errors


def _parse_prices(words: Iterable[str]) -> dict[str, int]:
    pairs = (word.partition("=") for word in words)
    return {choice: int(minor) for choice, _, minor in pairs if _is_number(minor)}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
