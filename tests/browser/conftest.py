"""A browser asks for more than a stranger should; limits have tests of their own."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.extensions import limiter
from tests.factories import make_gateway, make_service


@pytest.fixture(autouse=True)
def _unlimited() -> Iterator[None]:
    limiter.enabled = False
    yield
    limiter.enabled = True


@pytest.fixture
def service(session: Any) -> Any:
    make_gateway()
    return make_service(tiers=2, name="GST registration")
