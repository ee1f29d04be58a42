"""What a purchase has to say and when it is valid: one set of rules for the page, its live checks and the API."""

from collections.abc import Callable
from typing import Any

from wtforms import EmailField, Field, Form, RadioField, StringField, TelField, TextAreaField, ValidationError
from wtforms.validators import StopValidation

from app.kit import contact, ids
from app.kit.text import tidy_line, tidy_text
from app.workflows.catalog import Offering
from app.workflows.purchase import Choice, Customer

Parse = Callable[[str], str]

MAXIMUM_NAME_LENGTH = 200
MAXIMUM_REQUIREMENTS_LENGTH = 5000


class Needed:
    """Something must be there; the message says what. Browsers are told too."""

    field_flags = {"required": True}

    def __init__(self, message: str) -> None:
        self.message = message

    def __call__(self, form: Form, field: Field) -> None:
        if not field.data:
            raise StopValidation(self.message)


class AtMost:
    def __init__(self, length: int) -> None:
        self.length = length

    def __call__(self, form: Form, field: Field) -> None:
        if len(field.data or "") > self.length:
            raise StopValidation(f"Use at most {self.length:,} characters; these are {len(field.data):,}.")


class PurchaseForm(Form):
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
        description="Your specialist calls you on it. Outside India, begin with +.",
        render_kw={"autocomplete": "tel", "inputmode": "tel"},
    )
    requirements = TextAreaField(
        "What you need",
        [Needed("Tell us in a few words what you need."), AtMost(MAXIMUM_REQUIREMENTS_LENGTH)],
        filters=[tidy_text],
        description="A few words are enough: what it is for, and by when. No passwords or card numbers, please.",
        render_kw={"inputmode": "text", "rows": 4},
    )
    tier = RadioField("Option", coerce=str, validate_choice=False)

    def __init__(self, service: Offering, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.service = service
        self.tiers = service.active_tiers
        self._canonical: dict[tuple[Parse, str], str] = {}
        self.tier.choices = [(str(tier.id), tier.name) for tier in self.tiers]

    def validate_email(self, field: Field) -> None:
        self._ensure_parses(contact.parse_email, field.data)

    def validate_phone(self, field: Field) -> None:
        self._ensure_parses(contact.parse_phone, field.data)

    def validate_tier(self, field: Field) -> None:
        if (field.data or "") not in self.prices:
            raise ValidationError("Choose one of the options.")

    @property
    def prices(self) -> dict[str, int]:
        """What each choice costs now; a service without tiers has one, the empty one."""
        if not self.tiers:
            return {"": self.service.price.minor}
        return {str(tier.id): tier.price.minor for tier in self.tiers}

    @property
    def choice(self) -> Choice:
        return Choice(self.service.id, ids.parse_id(self.tier.data or "") if self.tiers else None)

    @property
    def customer(self) -> Customer:
        return Customer(
            full_name=self.full_name.data or "",
            email=self._parse(contact.parse_email, self.email.data or ""),
            phone=self._parse(contact.parse_phone, self.phone.data or ""),
            requirements=self.requirements.data or "",
        )

    @property
    def problems(self) -> dict[str, str]:
        """The first error of each field that a person can see."""
        fields = (self.tier, self.full_name, self.email, self.phone, self.requirements)
        return {field.name: str(field.errors[0]) for field in fields if field.errors}

    def _ensure_parses(self, parse: Parse, text: str) -> None:
        try:
            self._parse(parse, text)
        except contact.InvalidContact as error:
            raise ValidationError(str(error)) from error

    def _parse(self, parse: Parse, text: str) -> str:
        """Asked for the verdict, then for the value: found out once."""
        key = (parse, text)
        if key not in self._canonical:
            self._canonical[key] = parse(text)
        return self._canonical[key]
