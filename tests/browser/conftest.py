"""A browser asks for more than a stranger should; limits have tests of their own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.extensions import limiter
from app.models import Role, ServiceRequest
from tests.factories import (
    PASSWORD,
    make_customer,
    make_gateway,
    make_provider,
    make_request,
    make_service,
    make_user,
)
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
def enter(open_page: Callable[..., Any], session: Any) -> Callable[..., Any]:
    """A signed-in page of somebody with this role."""

    def enter(role: Role = Role.OPERATOR, **options: Any) -> Any:
        user = make_user(role)
        page = open_page(**options)
        page.goto("/login")
        page.fill("#email", user.email)
        page.fill("#password", PASSWORD)
        page.click("text=Sign in >> nth=-1")
        page.wait_for_url(lambda address: "/login" not in address)
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
