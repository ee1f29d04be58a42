"""The one form of the checkout page: its rules stand here alone, and the page asks for their verdict as one types."""

import unicodedata
from collections.abc import Callable
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    EmailField,
    Field,
    HiddenField,
    RadioField,
    StringField,
    TelField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import StopValidation

from app.kit import contact, ids
from app.models import Service
from app.workflows.purchase import Choice, Customer

MAXIMUM_NAME_LENGTH = 200
MAXIMUM_REQUIREMENTS_LENGTH = 5000


def tidy_line(text: str | None) -> str:
    """One line as it was meant: no control characters, single spaces."""
    return " ".join(tidy_text(text).split())


def tidy_text(text: str | None) -> str:
    """Text without control characters and broken halves of characters; lines end in one way."""
    lines = (text or "").replace("\r\n", "\n").replace("\r", "\n")
    return "".join(character for character in lines if _is_printable(character)).strip()


class Needed:
    """Something must be there; the message says what. Marks the field as required for browsers too."""

    field_flags = {"required": True}

    def __init__(self, message: str) -> None:
        self.message = message

    def __call__(self, form: FlaskForm, field: Field) -> None:
        if not field.data:
            raise StopValidation(self.message)


class AtMost:
    def __init__(self, length: int) -> None:
        self.length = length

    def __call__(self, form: FlaskForm, field: Field) -> None:
        if len(field.data or "") > self.length:
            raise StopValidation(f"Use at most {self.length:,} characters; these are {len(field.data):,}.")


class PurchaseForm(FlaskForm):
    """Made with the service it sells: the tiers on sale are the choices."""

    full_name = StringField(
        "Full name",
        [Needed("Enter your full name."), AtMost(MAXIMUM_NAME_LENGTH)],
        filters=[tidy_line],
        description="As it should stand on the receipt.",
        render_kw={"autocomplete": "name", "inputmode": "text"},
    )
    email = EmailField(
        "Email",
        [Needed("Enter your email address."), AtMost(contact.MAXIMUM_EMAIL_LENGTH)],
        filters=[tidy_line],
        description="The confirmation and the receipt go there.",
        render_kw={"autocomplete": "email", "inputmode": "email", "spellcheck": "false"},
    )
    phone = TelField(
        "Phone",
        [Needed("Enter your phone number.")],
        filters=[tidy_line],
        description="Your specialist calls you on it. Outside India, begin with + and the country code.",
        render_kw={"autocomplete": "tel", "inputmode": "tel"},
    )
    requirements = TextAreaField(
        "What you need",
        [Needed("Tell us in a few words what you need."), AtMost(MAXIMUM_REQUIREMENTS_LENGTH)],
        filters=[tidy_text],
        description="A few words are enough: what it is for, and by when. No passwords or card numbers, please.",
        render_kw={"autocomplete": "off", "inputmode": "text", "rows": 4},
    )
    tier = RadioField("Option", coerce=str, validate_choice=False)
    submission = HiddenField()
    shown_prices = HiddenField()
    started = HiddenField()

    def __init__(self, service: Service, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.service = service
        self.tiers = service.active_tiers
        self.tier.choices = [(str(tier.id), tier.name) for tier in self.tiers]

    def validate_email(self, field: Field) -> None:
        _parsed(contact.parse_email, field.data)

    def validate_phone(self, field: Field) -> None:
        _parsed(contact.parse_phone, field.data)

    def validate_tier(self, field: Field) -> None:
        chosen = field.data if self.tiers else ""
        if self.tiers and chosen not in dict(field.choices):
            raise ValidationError("Choose one of the options.")
        shown = _parse_prices(self.shown_prices.data)
        price = _prices(self.service)[chosen]
        if shown.get(chosen, price) != price:
            raise ValidationError("The price changed while this page was open. Look at it again, then pay.")

    def begin(self, submission: str, tier_id: str | None = None) -> None:
        """Fill in what a fresh page starts with; an unknown tier falls back to the first."""
        self.submission.data = submission
        offered = [str(tier.id) for tier in self.tiers]
        self.tier.data = tier_id if tier_id in offered else next(iter(offered), None)

    def show_prices(self) -> None:
        """Note on the page what it says each choice costs."""
        self.shown_prices.data = " ".join(f"{key}={minor}" for key, minor in _prices(self.service).items())

    @property
    def choice(self) -> Choice:
        return Choice(self.service.id, ids.parse_id(self.tier.data) if self.tiers else None)

    @property
    def customer(self) -> Customer:
        return Customer(
            full_name=self.full_name.data,
            email=contact.parse_email(self.email.data),
            phone=contact.parse_phone(self.phone.data),
            requirements=self.requirements.data,
        )

    @property
    def problems(self) -> dict[str, str]:
        """The first error of each field that a person can see."""
        fields = (self.tier, self.full_name, self.email, self.phone, self.requirements)
        return {field.name: str(field.errors[0]) for field in fields if field.errors}

    @property
    def token_failed(self) -> bool:
        return "csrf_token" in self.errors


def _parsed(parse: Callable[[str], str], text: str) -> None:
    try:
        parse(text)
    except contact.InvalidContact as error:
        raise ValidationError(str(error)) from error


def _prices(service: Service) -> dict[str, int]:
    tiers = service.active_tiers
    return {str(tier.id): tier.price_minor for tier in tiers} if tiers else {"": service.price_minor}


def _parse_prices(text: str | None) -> dict[str, int]:
    pairs = (part.partition("=") for part in (text or "").split())
    return {key: int(minor) for key, _, minor in pairs if minor.isascii() and minor.isdigit() and len(minor) < 19}


def _is_printable(character: str) -> bool:
    return character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cs"}
