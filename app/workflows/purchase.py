"""Opening a request and the payments for it; talking to the gateway happens between two transactions."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError

from app import meters
from app.columns import keyring
from app.db import LOCK, db, run_after_commit
from app.errors import AlreadyPaid, PaymentClosed
from app.gateways.base import PaymentIntent, PaymentIntentParams
from app.kit import clock, ids
from app.kit.contact import fold, name_words
from app.links import Links
from app.models import NameWord, Payment, PaymentStatus, ServiceRequest
from app.workflows import affiliates, audit, catalog, gateway_choice
from app.workflows.audit import SYSTEM

FIRST_CHECK_AFTER = timedelta(minutes=10)
_MAXIMUM_TRIES = 5


@dataclass(frozen=True, slots=True)
class Customer:
    """As checked by the form: email canonical, phone in E.164."""

    full_name: str
    email: str
    phone: str
    requirements: str


@dataclass(frozen=True, slots=True)
class Choice:
    service_id: UUID
    tier_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a purchase comes from. `submission` is the page's token: the same form sent again is the same request."""

    submission: str
    affiliate_code: str | None = None
    gateway: str | None = None


def open_request(choice: Choice, customer: Customer, origin: Origin) -> Payment:
    """The pending payment of a new request, or of the one that this very form made before.

    The price is read from the catalogue, never from the form. Raises NotFound, ServiceNotForSale, InvalidInput
    (tier), NoGateway; AlreadyPaid when the repeated form was paid in the meantime.
    """
    submitted = _submission(choice, customer, origin.submission)
    submission_hash = keyring.hash(submitted, "submission")
    # Under every key: the form may have been sent first before a key was rotated.
    existing = db.session.scalar(_submitted(keyring.hashes(submitted, "submission")))
    if existing is not None:
        return open_payment(existing, origin.gateway)
    try:
        service_request = _insert(lambda: _make_request(choice, customer, submission_hash))
    except _Repeated:
        winner = db.session.scalars(_submitted([submission_hash])).one()
        return open_payment(winner, origin.gateway)
    if origin.affiliate_code:
        affiliates.attribute(service_request, origin.affiliate_code)
    audit.record("request.opened", service_request, actor=SYSTEM, after={"amount": service_request.amount_minor})
    return open_payment(service_request, origin.gateway)


def open_payment(service_request: ServiceRequest, gateway: str | None = None) -> Payment:
    """The pending payment of a request through the wanted gateway: the open one, or a new attempt.

    Raises AlreadyPaid, PaymentClosed, NoGateway.
    """
    db.session.flush()
    db.session.refresh(service_request, with_for_update=LOCK)
    ensure_payable(service_request)
    wanted = gateway_choice.choose_gateway(service_request.currency, gateway).gateway
    pending = _find_pending(service_request, wanted)
    if pending is not None:
        return pending
    service_request.payment_gateway = wanted
    service_request.payment_status = PaymentStatus.PENDING
    payment = _make_payment(service_request, wanted)
    db.session.add(payment)
    db.session.flush()
    run_after_commit(partial(meters.payments.labels(payment.gateway, "opened").inc))
    return payment


def ensure_payable(service_request: ServiceRequest) -> None:
    """Raises AlreadyPaid or PaymentClosed."""
    if service_request.payment_completed_at is not None:
        raise AlreadyPaid(details={"reference": service_request.reference_number})
    if not service_request.is_open:
        raise PaymentClosed


def create_intent(payment: Payment, links: Links, *, is_hosted: bool = True) -> PaymentIntent:
    """Announce the payment to its gateway, to be paid on its page or on ours; outside any transaction.

    Raises GatewayError.

    The idempotency key is the payment's: asking again after a lost answer gives the same intent.
    """
    service_request = payment.service_request
    reference = service_request.reference_number
    adapter = gateway_choice.adapter_of(payment.gateway)
    params = PaymentIntentParams(
        amount=payment.amount,
        description=service_request.title,
        customer_name=service_request.customer_name,
        customer_email=service_request.customer_email,
        customer_phone=service_request.customer_phone,
        idempotency_key=payment.idempotency_key,
        return_url=links.confirmation(reference),
        cancel_url=links.pay(reference),
        metadata={"payment_id": str(payment.id), "reference_number": reference},
        is_hosted=is_hosted,
    )
    with meters.gateway_call(payment.gateway, "create"):
        return adapter.create_payment_intent(params)


def attach_intent(payment_id: UUID, intent: PaymentIntent) -> Payment:
    """Keep what the gateway answered; a second answer to the same question changes nothing.

    News of the payment may have come before, with an id of it, but without the way to pay.
    """
    payment = db.session.get_one(Payment, payment_id, with_for_update=LOCK, populate_existing=True)
    if payment.status is PaymentStatus.PENDING and not payment.is_payable:
        payment.gateway_intent_id = intent.gateway_intent_id
        payment.client_secret = intent.client_secret
        payment.redirect_url, payment.form_action = intent.redirect_url, intent.form_action
        payment.client_parameters = dict(intent.client)
        payment.next_check_at = clock.utc_now() + FIRST_CHECK_AFTER
    return payment


class _Repeated(Exception):
    """Another submit of the same form was faster."""


def _insert(make: Callable[[], ServiceRequest]) -> ServiceRequest:
    """Insert under a unique reference number; a clash (one in 2**55) draws another."""
    for _ in range(_MAXIMUM_TRIES):
        service_request = make()
        try:
            with db.session.begin_nested():
                db.session.add(service_request)
        except IntegrityError as error:
            if "submission_hash" in str(error.orig):
                raise _Repeated from error
            if "reference_number" not in str(error.orig):
                raise
        else:
            _index_name(service_request)
            return service_request
    raise RuntimeError("no free reference number found")


def _make_request(choice: Choice, customer: Customer, submission_hash: bytes) -> ServiceRequest:
    service = catalog.get_for_sale(choice.service_id)
    tier = catalog.get_tier(service, choice.tier_id)
    price = tier.price if tier else service.price
    return ServiceRequest(
        reference_number=ids.new_reference_number(),
        submission_hash=submission_hash,
        service_id=service.id,
        service_tier_id=tier.id if tier else None,
        service_name=service.name,
        service_category=service.category,
        tier_name=tier.name if tier else None,
        customer_name=customer.full_name,
        customer_email=customer.email,
        customer_phone=customer.phone,
        customer_requirements=customer.requirements,
        customer_email_hash=keyring.hash(fold(customer.email), "email"),
        customer_phone_hash=keyring.hash(customer.phone, "phone"),
        amount_minor=price.minor,
        currency=price.currency,
    )


def _make_payment(service_request: ServiceRequest, gateway: str) -> Payment:
    payment_id = ids.new_id()
    return Payment(
        id=payment_id,
        service_request_id=service_request.id,
        service_request=service_request,
        gateway=gateway,
        amount_minor=service_request.amount_minor,
        currency=service_request.currency,
        idempotency_key=str(payment_id),
    )


def _index_name(service_request: ServiceRequest) -> None:
    words = name_words(service_request.customer_name)
    db.session.add_all(
        NameWord(word_hash=keyring.hash(word, "name"), service_request_id=service_request.id) for word in words
    )


def _submission(choice: Choice, customer: Customer, token: str) -> str:
    return "\0".join(map(str, (token, choice.service_id, choice.tier_id, *_contents(customer))))


def _contents(customer: Customer) -> tuple[str, ...]:
    return customer.full_name, customer.email, customer.phone, customer.requirements


def _submitted(hashes: list[bytes]) -> Select[ServiceRequest]:
    return select(ServiceRequest).where(ServiceRequest.submission_hash.in_(hashes))


def _find_pending(service_request: ServiceRequest, gateway: str) -> Payment | None:
    return db.session.scalar(
        select(Payment)
        .where(
            Payment.service_request_id == service_request.id,
            Payment.gateway == gateway,
            Payment.status == PaymentStatus.PENDING,
        )
        .order_by(Payment.created_at.desc())
        .limit(1)
    )
