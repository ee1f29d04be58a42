"""The contract every payment gateway fulfils, in our words and not in any vendor's."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from app.gateways.errors import (
    BadCredentials,
    GatewayError,
    GatewayUnavailable,
    InvalidSignature,
    UnknownPayment,
    UnsupportedAmount,
    UnsupportedGateway,
)
from app.gateways.storable import ensure_storable
from app.kit.money import Money

# Who speaks the contract finds its errors here too.
__all__ = [
    "BadCredentials",
    "GatewayError",
    "GatewayUnavailable",
    "InvalidSignature",
    "UnknownPayment",
    "UnsupportedAmount",
    "UnsupportedGateway",
]


@dataclass(frozen=True, slots=True)
class PaymentGatewayConfig:
    """What an adapter needs to speak for one account. Several webhook secrets are valid while one is rolled."""

    gateway: str
    mode: str
    api_key: str = field(default="", repr=False)
    api_secret: str = field(default="", repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    api_base: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One credential as the console asks for it: `name` is the config's attribute."""

    name: str
    label: str
    is_secret: bool = True


@dataclass(frozen=True, slots=True)
class PaymentIntentParams:
    """`idempotency_key` is ours and stays the same on every try: a repeat must not make a second intent.

    `is_hosted` asks for the gateway's own page, for a browser that runs no scripts.
    """

    amount: Money
    description: str
    customer_name: str
    customer_email: str
    customer_phone: str
    idempotency_key: str
    return_url: str
    cancel_url: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    is_hosted: bool = False


@dataclass(frozen=True, slots=True)
class PaymentIntent:
    """`redirect_url` is a hosted page, where the gateway has one; `client` is what the page's script needs.

    `form_action` is a hosted page that wants the `client` parameters posted to it instead.
    """

    gateway: str
    gateway_intent_id: str
    client_secret: str
    amount: Money
    redirect_url: str | None = None
    client: Mapping[str, str] = field(default_factory=dict)
    form_action: str | None = None


@dataclass(frozen=True, slots=True)
class PageScript:
    """The gateway's script for our page, and what our content policy has to allow for it, by directive."""

    url: str
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class SnapshotStatus(StrEnum):
    """How a payment stands at the gateway. `authorized` means: approved, but we have yet to take the money."""

    PENDING = "pending"
    AUTHORIZED = "authorized"
    PAID = "paid"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PaymentFailure:
    """`code` is the gateway's, for staff; `message` and `next_step` are for the customer."""

    code: str
    message: str
    next_step: str


@dataclass(frozen=True, slots=True)
class RefundNews:
    """`status` is `success`, `pending` or `failed`; `idempotency_key` is ours, if the refund is."""

    gateway_refund_id: str
    amount: Money
    status: str
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class DisputeNews:
    """`status` is `open`, `won` or `lost`, seen from our side; of a lost one `amount` is what was lost."""

    gateway_dispute_id: str
    amount: Money
    status: str
    reason: str | None = None
    evidence_due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PaymentSnapshot:
    """One payment as the gateway tells it, fetched now or carried by an event."""

    status: SnapshotStatus
    gateway_intent_id: str | None
    gateway_payment_id: str | None
    amount: Money | None
    failure: PaymentFailure | None = None
    bank_reference: str | None = None
    refunds: tuple[RefundNews, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


class EventKind(StrEnum):
    PAID = "paid"
    FAILED = "failed"
    PENDING = "pending"
    AUTHORIZED = "authorized"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """A verified webhook. `event_id` is the same on every delivery of the event; `name` is the gateway's word.

    News of a refund or dispute has a snapshot too: it says whose payment it is, and is `pending` unless the event
    tells more. A `refunded` event without `refund` says only that something went back: ask the gateway what.
    """

    event_id: str
    kind: EventKind
    name: str
    snapshot: PaymentSnapshot | None = None
    refund: RefundNews | None = None
    dispute: DisputeNews | None = None


@dataclass(frozen=True, slots=True)
class RefundParams:
    gateway_payment_id: str
    gateway_intent_id: str
    amount: Money
    idempotency_key: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RefundResult:
    """`status` is `success`, `pending` or `failed`."""

    gateway_refund_id: str
    amount: Money
    status: str


class Gateway(ABC):
    """One payment company. A subclass in its own file of this package registers itself by its `name`.

    `currencies` and `countries` (of the business) of None mean: any. `signature_header` tells whose webhook an
    unaddressed one is. `refunds_lost_disputes` says that what a lost dispute costs goes as a refund of its own, with
    news of its own, so that the dispute itself takes nothing.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    signature_header: ClassVar[str]
    currencies: ClassVar[frozenset[str] | None] = None
    countries: ClassVar[frozenset[str] | None] = None
    credentials: ClassVar[tuple[CredentialField, ...]] = ()
    refunds_lost_disputes: ClassVar[bool] = False

    registry: ClassVar[dict[str, type["Gateway"]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.name in Gateway.registry:
            raise TypeError(f"two gateways are called {cls.name!r}")
        Gateway.registry[cls.name] = cls

    def __init__(self, config: PaymentGatewayConfig) -> None:
        self.config = config

    @classmethod
    def takes(cls, currency: str) -> bool:
        return cls.currencies is None or currency in cls.currencies

    @classmethod
    def header_family(cls) -> str:
        """What the names of its webhooks' own headers begin with, in lower case: `stripe-`, `x-razorpay-`."""
        vendor = cls.signature_header.lower().removeprefix("x-").partition("-")[0]
        return cls.signature_header.lower().partition(vendor)[0] + vendor + "-"

    @classmethod
    def is_available(cls) -> bool:
        """False where the gateway may not be used at all, such as the sandbox in production."""
        return True

    @abstractmethod
    def create_payment_intent(self, params: PaymentIntentParams) -> PaymentIntent:
        """Announce a payment to the gateway. Raises GatewayError."""

    @abstractmethod
    def verify_webhook(self, payload: bytes, headers: Mapping[str, str]) -> bool:
        """True when the raw bytes are signed with a secret of ours and fresh; whatever a stranger sends, no error."""

    @abstractmethod
    def process_webhook(self, payload: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        """What a verified webhook says. Raises ValueError when it makes no sense."""

    @abstractmethod
    def fetch_payment(self, gateway_intent_id: str) -> PaymentSnapshot:
        """Ask how a payment stands now. Raises GatewayError."""

    def capture(self, gateway_intent_id: str) -> PaymentSnapshot:
        """Take the money of an authorized payment, once; how it stands now for any other. Raises GatewayError."""
        return self.fetch_payment(gateway_intent_id)

    @abstractmethod
    def refund(self, params: RefundParams) -> RefundResult:
        """Give money back, once for each idempotency key. Raises GatewayError."""

    @abstractmethod
    def check_credentials(self) -> None:
        """Raises GatewayError with a message for staff when the gateway does not accept them."""

    def verify_return(self, gateway_intent_id: str, parameters: Mapping[str, str]) -> bool:
        """True when the gateway signed what the browser brought back for this intent of ours.

        It tells who sent it, not that money moved: ask `fetch_payment` either way.
        """
        return False

    def pay_page_origins(self) -> tuple[str, ...]:
        """Where its own pay pages stand: our content policy lets forms lead there."""
        return ()

    def page_script(self) -> PageScript | None:
        """The script to load when the customer pays on our page; None where they pay on the gateway's."""
        return None

    def parse_webhook(self, payload: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        """Verify, then read: the only way in, so that verification cannot be forgotten.

        Raises InvalidSignature, also for a signed body that is no event.
        """
        if not any(self.config.webhook_secrets) or not self.verify_webhook(payload, headers):
            raise InvalidSignature
        try:
            event = self.process_webhook(payload, headers)
            ensure_storable(event)
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, OSError, RecursionError) as error:
            raise InvalidSignature("The message is signed, but is no event we can read.") from error
        return event
