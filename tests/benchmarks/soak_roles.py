"""Who uses the shop during a soak: customers, their gateway, and staff. Each call is one round of their work."""

import itertools
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.db import db
from app.models import RequestStatus, ServiceRequest
from tests.benchmarks import console_surfaces, purchases
from tests.benchmarks.client import Client
from tests.benchmarks.crowd import Step
from tests.benchmarks.measure import checked
from tests.benchmarks.shop import Shop, sign_in, token_in
from tests.benchmarks.shop_surfaces import first_address

_LIST = "/admin/requests/"
_VIEWS = ("", "?view=mine", "?view=overdue", "?view=all", "?status=in_progress", "?q=kavya")
OPERATORS = 2
_SOME = 80


def customer(shop: Shop, number: int) -> Step:
    """Looks around, buys, and looks how it goes."""
    client = Client(shop.product.port, wanders=True, _number=number << 16)
    buyer = purchases.Buyer(client, shop.read(first_address))

    def step() -> None:
        checked(client.get("/"), "the shop")
        buyer.open_page()
        buyer.send_form()
        reference = shop.read(_some_reference)
        checked(client.get(f"/track/{reference}"), "following")

    return step


def gateway(shop: Shop) -> Step:
    """Tells of the payments that wait, every fourth of them twice."""
    client = Client(shop.product.port, wanders=True, _number=9 << 20)
    told: set[UUID] = set()
    numbers = itertools.count()

    def step() -> None:
        waiting = shop.read(lambda: [(each.id, purchases.paid_event(each)) for each in purchases.newest_payments(50)])
        for key, event in waiting:
            if key not in told:
                told.add(key)
                purchases.post_webhook(client, event)
                if next(numbers) % 4 == 0:
                    purchases.post_webhook(client, event, is_news=False)

    return step


def operator(shop: Shop, number: int) -> Step:
    """Reads the list in different ways, opens a request, and moves another one on."""
    client = sign_in(Client(shop.product.port), "operator@example.com")
    token = token_in(client.get(_LIST).text)
    views, requests = itertools.cycle(_VIEWS), _open_requests(shop, number)

    def step() -> None:
        view = _LIST + next(views)
        checked(client.get(view), view)
        key = next(requests)
        page = f"{_LIST}{key}"
        checked(client.get(page), page)
        console_surfaces.change_status(client, shop.read(lambda: _row(key)), token)

    return step


def manager(shop: Shop) -> Step:
    """Looks at the dashboard, the payments and the mails."""
    client = sign_in(Client(shop.product.port), "admin@example.com")
    pages = itertools.cycle(("/admin/", "/admin/payments/", "/admin/notifications/"))

    def step() -> None:
        page = next(pages)
        checked(client.get(page), page)

    return step


def _open_requests(shop: Shop, number: int) -> Iterator[UUID]:
    """Some that are worked on, over and over; nobody else's."""
    worked_on = (RequestStatus.TEAM_ASSIGNED, RequestStatus.IN_PROGRESS)
    query = select(ServiceRequest.id).where(ServiceRequest.status.in_(worked_on)).order_by(ServiceRequest.id)
    return itertools.cycle(shop.read(lambda: list(db.session.scalars(query.limit(_SOME))))[number::OPERATORS])


def _row(key: UUID) -> Any:
    columns = (ServiceRequest.id, ServiceRequest.version, ServiceRequest.status)
    return db.session.execute(select(*columns).where(ServiceRequest.id == key)).one()


def _some_reference() -> str:
    newest = select(ServiceRequest.reference_number).order_by(ServiceRequest.created_at.desc()).limit(1)
    return db.session.scalars(newest).one()
