"""The product on one dataset: its settings, people to sign in as, rows to ask for, and the floors beside it."""

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

from flask import Flask
from sqlalchemy import select, text, update

from app import create_app
from app.commands.programs import held
from app.config import Settings
from app.db import db, transaction
from app.kit import clock
from app.models import ProviderProfile, RequestStatus, ServiceRequest
from app.samples import catalog, staff
from app.workflows import gateway_setup
from app.workflows.audit import COMMAND
from app.workflows.gateway_setup import GatewayChanges
from tests.benchmarks import databases, floors
from tests.benchmarks.client import Client
from tests.benchmarks.databases import Dataset
from tests.benchmarks.measure import Floor, Shot, asking, checked
from tests.benchmarks.programs import Web
from tests.servers import queue

T = TypeVar("T")

PASSWORD = "a-password-for-benchmarks"
WEBHOOK_SECRET = "a-webhook-secret-for-benchmarks-0123"
ENVIRONMENT = {
    "APP_ENV": "development",
    "SECRET_KEY": "a-secret-for-benchmarks-0123456789-abcdefg",
    "ENCRYPTION_KEYS": "a-key-for-benchmarks-0123456789-abcdefghij",
    # Visitors say that they come from somewhere else each time, so that no limit is met.
    "TRUSTED_PROXIES": "1",
    "LOG_LEVEL": "ERROR",
}
_PLENTY = 10_000_000
_WORKED_ON = ServiceRequest.status.in_((RequestStatus.TEAM_ASSIGNED, RequestStatus.IN_PROGRESS))
"""What staff move from one to the other all day."""
_FOR_FLOOR = 40
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="csrf_token"')
_PAGE_TOKEN = re.compile(r'<meta name="csrf-token" content="([^"]+)"')


@contextlib.contextmanager
def surroundings() -> Iterator[dict[str, str]]:
    """The folder for this run alone, and a queue: what every benchmark begins with; the settings for its programs."""
    databases.PLACE.mkdir(parents=True, exist_ok=True)
    with held(databases.PLACE):
        redis = queue.start()
        try:
            yield ENVIRONMENT | {"REDIS_URL": redis.url}
        finally:
            redis.stop()


@dataclass(frozen=True)
class Shop:
    """`app` is the product in this very process, to prepare rows with; `product` and `below` are what is measured."""

    dataset: Dataset
    environment: dict[str, str]
    app: Flask
    product: Web
    below: Web
    rounds: int

    def read(self, question: Callable[[], T]) -> T:
        with self.app.app_context():
            try:
                return question()
            finally:
                db.session.remove()

    def write(self, change: Callable[[], T]) -> T:
        with self.app.app_context():
            try:
                with transaction():
                    return change()
            finally:
                db.session.remove()

    def visitor(self) -> Client:
        return Client(self.product.port, wanders=True)

    @cached_property
    def operator(self) -> Client:
        """Signed in through the page."""
        return sign_in(Client(self.product.port), "operator@example.com")

    @cached_property
    def administrator(self) -> Client:
        return sign_in(Client(self.product.port), "admin@example.com")

    # --- floors

    def floor(self, name: str, path: str) -> Floor:
        return Floor(name, asking(Client(self.below.port), "GET", path))

    @cached_property
    def hello(self) -> Floor:
        return self.floor("hello", "/hello")

    @cached_property
    def page(self) -> Floor:
        return self.floor("page", "/page")

    @cached_property
    def ideal_list(self) -> Floor:
        now = clock.utc_now()
        moment = now.isoformat(" ") if self.is_postgres else now.replace(tzinfo=None).isoformat(" ")
        return self.floor("ideal list", f"/list?at={moment.replace(' ', '%20').replace('+', '%2B')}&key={'f' * 32}")

    @cached_property
    def ideal_update(self) -> Floor:
        return Floor("ideal update", self._updating())

    @property
    def is_postgres(self) -> bool:
        return self.dataset.url.startswith("postgresql")

    def _updating(self) -> Shot:
        client = Client(self.below.port)
        keys = self.read(lambda: [row.id.hex for row in worked_on()[:_FOR_FLOOR]])

        def shoot() -> float:
            keys.append(keys.pop(0))
            now = clock.utc_now().replace(tzinfo=None).isoformat("T") + ("Z" if self.is_postgres else "")
            return checked(client.send(client.prepare("POST", f"/update?key={keys[-1]}&at={now}")), "update").seconds

        return shoot


def work(count: int) -> list[Any]:
    """So many of the requests that staff move back and forth, or fewer; the floor has others."""
    return worked_on()[_FOR_FLOOR:][-count:]


def worked_on() -> list[Any]:
    columns = (ServiceRequest.id, ServiceRequest.version, ServiceRequest.status, ServiceRequest.assigned_provider_id)
    return list(db.session.execute(select(*columns).where(_WORKED_ON).order_by(ServiceRequest.created_at)))


def make_ready(dataset: Dataset, environment: dict[str, str]) -> Flask:
    """The product in this process, and in its database everybody and everything that the surfaces need."""
    settings = Settings.from_env(environment | {"DATABASE_URL": dataset.url})
    app = create_app(replace(settings, base_url="http://127.0.0.1"))
    with app.app_context():
        with transaction() as session:
            staff.add_people(PASSWORD)
            catalog.add_services()
            # The sample's providers have their hands full; what is bought here finds somebody all the same.
            session.execute(update(ProviderProfile).values(capacity=_PLENTY))
            _set_up_gateway()
            session.execute(text(floors.EVENTS))
        db.session.remove()
    return app


def _set_up_gateway() -> None:
    changes = GatewayChanges(webhook_secret=WEBHOOK_SECRET, mode="test", is_active=True, is_default=True)
    gateway_setup.set_up("sandbox", changes, actor=COMMAND)


def sign_in(client: Client, email: str) -> Client:
    page = client.get("/login")
    answer = client.post("/login", {"email": email, "password": PASSWORD, "csrf_token": token_in(page.text)})
    checked(answer, "signing in", 302)
    return client


def token_in(page: str) -> str:
    found = _TOKEN.search(page) or _PAGE_TOKEN.search(page)
    if found is None:
        raise RuntimeError("the page has no CSRF token")
    return next(group for group in found.groups() if group)


@contextlib.contextmanager
def closing_engines(app: Flask) -> Iterator[None]:
    try:
        yield
    finally:
        with app.app_context():
            db.engine.dispose()


def column(model: Any, *conditions: Any, limit: int) -> list[Any]:
    """Keys of some rows."""
    return list(db.session.scalars(select(model.id).where(*conditions).limit(limit)))
