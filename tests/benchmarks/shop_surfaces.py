"""What customers meet: the shop window, the checkout page, a purchase, following a request."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select

from app.db import db
from app.kit import clock
from app.models import SandboxPayment, Service, ServiceRequest
from tests.benchmarks import purchases
from tests.benchmarks.measure import Shot, Surface, asking, checked, compare
from tests.benchmarks.shop import Shop
from tests.benchmarks.table import Row


def rows(shop: Shop) -> Iterator[Row]:
    visitor, address = shop.visitor(), shop.read(first_address)
    surfaces = (
        Surface("home", asking(visitor, "GET", "/"), limit=0.6, is_share=True),
        Surface("checkout page", asking(visitor, "GET", address), limit=0.6, is_share=True),
        Surface("following a request", _following(shop), limit=0.6, is_share=True),
        Surface("form sent, up to the call of the gateway", _calling(shop, address), limit=0.35, is_share=True),
        Surface("form sent, request and payment opened", _sending(shop, address), limit=0.35, is_share=True),
        Surface("whole purchase: page, form, webhook, confirmation", _buying(shop, address), limit=15),
    )
    for surface in surfaces:
        yield compare(surface, shop.page, rounds=shop.rounds)


def first_address() -> str:
    key = db.session.scalars(select(Service.id).where(Service.is_active).order_by(Service.sort_order).limit(1)).one()
    return f"/services/{key}"


def _following(shop: Shop) -> Shot:
    client = shop.visitor()
    newest = select(ServiceRequest.reference_number).order_by(ServiceRequest.created_at.desc()).limit(shop.rounds)
    references = shop.read(lambda: list(db.session.scalars(newest)))

    def shoot() -> float:
        references.append(references.pop(0))
        return checked(client.get(f"/track/{references[-1]}"), "following").seconds

    return shoot


def _sending(shop: Shop, address: str) -> Shot:
    buyer = purchases.Buyer(shop.visitor(), address)
    return lambda: buyer.send_form().seconds


def _calling(shop: Shop, address: str) -> Shot:
    """From the form to the moment that its gateway has for the call: it has the same clock."""
    buyer = purchases.Buyer(shop.visitor(), address)

    def shoot() -> float:
        if not buyer.page:
            buyer.open_page()
        begun = clock.utc_now()
        buyer.send_form()
        return (shop.read(_last_call) - begun).total_seconds()

    return shoot


def _last_call() -> datetime:
    newest = select(SandboxPayment.created_at).order_by(SandboxPayment.created_at.desc()).limit(1)
    return db.session.scalars(newest).one()


def _buying(shop: Shop, address: str) -> Shot:
    def shoot() -> float:
        buyer = purchases.Buyer(shop.visitor(), address)
        steps = [buyer.open_page(), buyer.send_form()]
        event, confirmation = shop.read(_what_follows)
        steps.append(purchases.post_webhook(shop.visitor(), event))
        steps.append(buyer.open_confirmation(confirmation))
        return sum(step.seconds for step in steps)

    return shoot


def _what_follows() -> tuple[bytes, str]:
    """The company's news of the newest payment, and the page that the customer comes back to."""
    (payment,) = purchases.newest_payments(1)
    return purchases.paid_event(payment), purchases.confirmation_of(payment)
