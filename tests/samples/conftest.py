"""A shop as the demo has it, and loads into it."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from app.db import transaction
from app.kit import clock
from app.samples import catalog, requests, staff
from tests.factories import ensure_gateway


@pytest.fixture
def shop(session: Any) -> None:
    ensure_gateway()
    with transaction():
        staff.add_people(None)
        catalog.add_services()


@pytest.fixture
def load(shop: None) -> Callable[..., list[int]]:
    """`load(count, days=60, ...)`: so many, over so many past days; gives what it said of its requests."""

    def load(count: int, *, days: int = 60, seed: int = 1, detailed_days: int = 30, progress: Any = None) -> list[int]:
        said: list[int] = []

        def note(label: str, _length: int, added: int) -> None:
            if label == "Requests":
                said.append(added)

        now = clock.utc_now()
        wish = requests.Wish(count, requests.Period(now - timedelta(days=days), now), detailed_days)
        requests.load(wish, random=Random(seed), progress=progress or note)  # noqa: S311
        return said

    return load
