"""What the demo starts with: a shop, its people, and a few weeks of lively requests."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from random import Random

from sqlalchemy import select

from app.db import db, transaction
from app.extensions import links
from app.jobs import figures
from app.kit import clock
from app.models import GatewayConfig, RequestStatus, Service, ServiceRequest
from app.samples import catalog, requests, staff, trouble
from app.samples.people import make_customer
from app.sandbox import ledger
from app.workflows import gateway_setup, payments, purchase, status
from app.workflows.audit import COMMAND
from app.workflows.gateway_setup import GatewayChanges

_REQUESTS = 160
_WEEKS = 4
_FRESH = 6
"""These few are bought through the real workflows, so that their mails are really sent."""


def seed_demo(password: str) -> None:
    """Fill an empty database; on a full one only make sure that everybody can sign in with `password`."""
    with transaction():
        staff.add_people(password)
        services = catalog.add_services()
        _add_gateway()
    if db.session.scalar(select(ServiceRequest.id).limit(1)) is not None:
        return
    # The same demo each time; it guards no secret.
    random = Random(2026)  # noqa: S311
    now = clock.utc_now()
    period = requests.Period(now - timedelta(weeks=_WEEKS), now - timedelta(hours=2))
    requests.load(requests.Wish(_REQUESTS, period), random=random, progress=lambda *_: None)
    for number in range(_FRESH):
        _buy(random, services[number % len(services)], number)
    _buy(random, services[0], _FRESH, meanwhile=_cancel)
    with transaction():
        trouble.add_trouble(period.start, random=random)
    figures.keep()


def _add_gateway() -> None:
    if db.session.scalar(select(GatewayConfig).where(GatewayConfig.gateway == "sandbox")) is None:
        changes = GatewayChanges(webhook_secret=secrets.token_urlsafe(32), mode="test", is_active=True, is_default=True)
        gateway_setup.set_up("sandbox", changes, actor=COMMAND)


def _cancel(service_request: ServiceRequest) -> None:
    """The payment that comes all the same has to be looked at."""
    status.change_status(service_request, RequestStatus.CANCELLED, actor=COMMAND)


def _buy(
    random: Random, service: Service, number: int, *, meanwhile: Callable[[ServiceRequest], object] = lambda _: None
) -> None:
    sample = make_customer(random, 90_000 + number)
    customer = purchase.Customer(sample.full_name, sample.email, sample.phone, sample.requirements)
    tiers = service.active_tiers
    choice = purchase.Choice(service.id, random.choice(tiers).id if tiers else None)
    with transaction():
        payment = purchase.open_request(choice, customer, purchase.Origin(f"seed-{number}"))
    intent = purchase.create_intent(payment, links())
    with transaction():
        purchase.attach_intent(payment.id, intent)
        meanwhile(payment.service_request)
    with transaction():
        ledger.decide(ledger.find_payment(intent.client_secret), "approve")
    snapshot = payments.ask_gateway(payment)
    if snapshot is not None:
        with transaction():
            payments.settle(payment.id, snapshot)
