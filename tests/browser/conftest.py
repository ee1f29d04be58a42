"""A browser asks for more than a stranger should; limits have tests of their own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.extensions import limiter
from app.models import Role, ServiceRequest
from tests.factories import make_customer, make_gateway, make_provider, make_request, make_service
from tests.servers.web import WebServer
from tests.sign_in import sign_in
from tests.simulator import Simulator


@pytest.fixture(autouse=True)
def _unlimited() -> Iterator[None]:
    limiter.enabled = False
    yield
    limiter.enabled = True


@pytest.fixture
def service(session: Any) -> Any:
    make_gateway()
    return make_service(tiers=2, name="GST registration")


@pytest.fixture
def enter(open_page: Callable[..., Any], live_server: WebServer, client: Any, session: Any) -> Callable[..., Any]:
    """A page of somebody with this role who is signed in; nothing is open in it but the address `at`.

    Without the page to sign in at and the one behind it, which take a browser longer than most tests do.
    """

    def enter(role: Role = Role.OPERATOR, *, at: str | None = None, **options: Any) -> Any:
        page = open_page(**options)
        client.environ_base["HTTP_USER_AGENT"] = page.evaluate("navigator.userAgent")
        sign_in(client, role)
        cookie = client.get_cookie(client.application.config["SESSION_COOKIE_NAME"])
        page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        if at is not None:
            page.goto(at)
        return page

    return enter


@pytest.fixture
def desk(session: Any) -> list[ServiceRequest]:
    """Two customers, each with a paid request that nobody has, the older first; and two providers."""
    service = make_service(name="GST registration")
    names = {"Kavya Iyer": "kavya@example.org", "Priya Nair": "priya@example.org"}
    requests = [make_request(service, make_customer(full_name=name, email=email)) for name, email in names.items()]
    make_provider(name="Priya Raman", capacity=5)
    make_provider(name="Arvind Rao", capacity=5)
    return requests


@pytest.fixture(scope="session")
def companies() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(companies: Simulator, live_server: Any) -> Iterator[Simulator]:
    """Its webhooks are lost unless a test gives it our address: the customer's return has to do."""
    companies.clear()
    yield companies
    companies.clear()
