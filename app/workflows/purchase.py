"""Opening a request and the payments for it; talking to the gateway happens between two transactions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key

from app import gateways
from app.columns import keyring
from app.db import LOCK, db, run_after_commit
from app.errors import AlreadyPaid, DomainError, PaymentClosed
from app.gateways.base import PaymentIntent, PaymentIntentParams
from app.kept_statements import carry_out
from app.kit import clock, ids
from app.kit.contact import fold, name_words
from app.links import Links
from app.models import NameWord, Payment, PaymentStatus, ServiceRequest
from app.observability import meters
from app.workflows import affiliates, audit, catalog, editions, gateway_choice
from app.workflows.audit import SYSTEM
from app.workflows.fresh_rows import draft, insert_rows
from app.workflows.gateway_choice import GatewayAccount

FIRST_CHECK_AFTER = timedelta(minutes=10)
_MAXIMUM_TRIES = 5
_DECISIVE = ("catalog", "gateways", "flags")
"""What decides on a purchase, of what is kept in the process."""
_ATTACHED = "gateway_intent_id client_secret redirect_url form_action client_parameters next_check_at".split()


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
    (tier), NoGateway; AlreadyPaid when the repeated form was paid in the meantime; Outdated.
    """
    submitted = _submission(choice, customer, origin.submission)
    newest, *older = keyring.hashes(submitted, "submission")
    # Nearly always it is new, which its row says best. The form may have been sent first before a key was rotated.
    existing = _find_submitted(older) if older else None
    if existing is None:
        payment = _open_new(choice, customer, origin, submission_hash=newest)
        if payment is not None:
            return payment
        existing = _find_submitted([newest])
        assert existing is not None
    _ensure_nothing_presumed()
    return open_payment(existing, origin.gateway)


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
    payment = _draft_payment(service_request, wanted)
    insert_rows(payment)
    return _opened(payment, service_request)


def ensure_payable(service_request: ServiceRequest) -> None:
    """Raises AlreadyPaid or PaymentClosed."""
    if service_request.payment_completed_at is not None:
        raise AlreadyPaid(details={"reference": service_request.reference_number})
    if not service_request.is_open:
        raise PaymentClosed


def create_intent(
    payment: Payment, links: Links, *, is_hosted: bool = True, account: GatewayAccount | None = None
) -> PaymentIntent:
    """Announce the payment to its gateway, to be paid on its page or on ours; outside any transaction.

    Raises GatewayError. `account` is the gateway's, where it was looked up before.

    The idempotency key is the payment's: asking again after a lost answer gives the same intent.
    """
    service_request = payment.service_request
    reference = service_request.reference_number
    adapter = gateways.create((account or gateway_choice.get_account(payment.gateway)).config)
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


def attach_intent(payment_id: UUID, intent: PaymentIntent) -> bool:
    """Keep what the gateway answered. False where that is kept or decided already: nothing changes then.

    News of the payment may have come before, with an id of it, but without the way to pay.
    """
    kept = {"payment": payment_id, "next_check_at": clock.utc_now() + FIRST_CHECK_AFTER, **_ways_to_pay(intent)}
    is_news = carry_out(db.session.connection(), _ATTACH, kept).count == 1
    known = db.session.identity_map.get(identity_key(Payment, payment_id))
    if is_news and known is not None:
        db.session.expire(known)
    return is_news


def show_attached(payment: Payment, intent: PaymentIntent) -> Payment:
    """The payment, of which nothing more is read, with what was kept of it."""
    for name, value in _ways_to_pay(intent).items():
        set_committed_value(payment, name, value)
    return payment


def _ways_to_pay(intent: PaymentIntent) -> dict[str, Any]:
    return {
        "gateway_intent_id": intent.gateway_intent_id,
        "client_secret": intent.client_secret,
        "redirect_url": intent.redirect_url,
        "form_action": intent.form_action,
        "client_parameters": dict(intent.client),
    }


# One statement decides and writes.
_ATTACH = (
    update(cast(Table, Payment.__table__))
    .where(Payment.id == bindparam("payment"), Payment.status == PaymentStatus.PENDING)
    .where(Payment.redirect_url.is_(None), Payment.form_action.is_(None), Payment.client_secret.is_(None))
    .values({getattr(Payment, name): bindparam(name, type_=getattr(Payment, name).type) for name in _ATTACHED})
)


def _open_new(choice: Choice, customer: Customer, origin: Origin, *, submission_hash: bytes) -> Payment | None:
    """The payment of a new request; None when the same form was sent before. A clash of reference numbers (one in
    2**55) draws another. Raises Outdated for whatever is not new, where the page went by what it presumed."""
    try:
        values = _what_is_bought(choice, origin.gateway) | _customer_columns(customer)
    except DomainError:
        _ensure_nothing_presumed()
        if _find_submitted([submission_hash]) is None:
            raise
        return None  # It could be bought when it was sent first.
    if origin.affiliate_code:
        values |= affiliates.attribution(origin.affiliate_code)
    for _ in range(_MAXIMUM_TRIES):
        payment = _insert(values | {"submission_hash": submission_hash})
        if payment is not None:
            return payment
        _ensure_nothing_presumed()
        if _find_submitted([submission_hash]) is not None:
            return None
    raise RuntimeError("no free reference number found")


def _ensure_nothing_presumed() -> None:
    if editions.presumed() is not None:
        raise editions.Outdated


def _insert(values: Mapping[str, Any]) -> Payment | None:
    """The request with all that is written of it at first; nothing and None where its number or its form is taken."""
    service_request = draft(ServiceRequest, reference_number=ids.new_reference_number(), **values)
    payment = _draft_payment(service_request, values["payment_gateway"])
    opened = audit.make_entry(
        "request.opened", service_request, actor=SYSTEM, after={"amount": service_request.amount_minor}
    )
    beside = [opened, *_name_words(service_request)]
    if not insert_rows(service_request, payment, beside=beside, only_if=editions.as_presumed(*_DECISIVE)):
        return None
    return _opened(payment, service_request)


def _what_is_bought(choice: Choice, gateway: str | None) -> dict[str, Any]:
    """Names and price as they stand in the catalogue now, and who takes the money: the wanted gateway if it can."""
    service = catalog.get_for_sale(choice.service_id)
    tier = catalog.get_tier(service, choice.tier_id)
    price = tier.price if tier else service.price
    return {
        "service_id": service.id,
        "service_tier_id": tier.id if tier else None,
        "service_name": service.name,
        "service_category": service.category,
        "tier_name": tier.name if tier else None,
        "amount_minor": price.minor,
        "currency": price.currency,
        "payment_gateway": gateway_choice.choose_gateway(price.currency, gateway).gateway,
    }


def _customer_columns(customer: Customer) -> dict[str, Any]:
    return {
        "customer_name": customer.full_name,
        "customer_email": customer.email,
        "customer_phone": customer.phone,
        "customer_requirements": customer.requirements,
        "customer_email_hash": keyring.hash(fold(customer.email), "email"),
        "customer_phone_hash": keyring.hash(customer.phone, "phone"),
    }


def _draft_payment(service_request: ServiceRequest, gateway: str) -> Payment:
    payment_id = ids.new_id()
    return draft(
        Payment,
        id=payment_id,
        service_request_id=service_request.id,
        gateway=gateway,
        amount_minor=service_request.amount_minor,
        currency=service_request.currency,
        idempotency_key=str(payment_id),
    )


def _opened(payment: Payment, service_request: ServiceRequest) -> Payment:
    set_committed_value(payment, "service_request", service_request)
    run_after_commit(partial(meters.payments.labels(payment.gateway, "opened").inc))
    return payment


def _name_words(service_request: ServiceRequest) -> Iterator[NameWord]:
    for word in name_words(service_request.customer_name):
        yield draft(
            NameWord,
            word_hash=keyring.hash(word, "name"),
            created_at=service_request.created_at,
            service_request_id=service_request.id,
        )


def _submission(choice: Choice, customer: Customer, token: str) -> str:
    return "\0".join(map(str, (token, choice.service_id, choice.tier_id, *_contents(customer))))


def _contents(customer: Customer) -> tuple[str, ...]:
    return customer.full_name, customer.email, customer.phone, customer.requirements


def _find_submitted(hashes: list[bytes]) -> ServiceRequest | None:
    # Nearly always there is none, and a whole row costs more to ask for.
    key = db.session.scalar(_SUBMITTED, {"hashes": hashes})
    return None if key is None else db.session.get_one(ServiceRequest, key)


_SUBMITTED = select(ServiceRequest.id).where(ServiceRequest.submission_hash.in_(bindparam("hashes", expanding=True)))


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
