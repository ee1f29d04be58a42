"""`make run`: the service on the settings of the environment."""

import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.factories import make_gateway
from tests.servers.shop import Shop
from tests.servers.worker import ENCRYPTION_KEY

KEY = "a-key-for-tests-0123456789-abcdefghijklm"


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop("flask", "--app", "wsgi", "serve")
    yield shop
    shop.end(signal.SIGKILL)


def test_it_serves_in_production(shop: Shop, database_url: str, redis_url: str) -> None:
    shop.start(
        APP_ENV="production",
        DATABASE_URL=database_url,
        REDIS_URL=redis_url,
        SECRET_KEY=KEY,
        ENCRYPTION_KEYS=KEY,
        BASE_URL="https://shop.example.com",
        MAIL_SERVER="127.0.0.1",
        WEB_CONCURRENCY="1" if database_url.startswith("sqlite") else "2",
    )
    assert "Ready: https://shop.example.com" in shop.wait_until_ready().splitlines()
    ready = requests.get(f"{shop.url}/readyz", timeout=10)
    assert ready.json()["checks"] == {"database": "ok", "migrations": "ok", "queue": "ok"}
    check_counters(shop)
    shop.end(signal.SIGTERM)
    assert shop.process.returncode == 0


@pytest.mark.sqlite
def test_play_money_is_refused_in_production(shop: Shop, session: Any, database_url: str, redis_url: str) -> None:
    make_gateway("sandbox")
    said = shop.start(
        APP_ENV="production",
        DATABASE_URL=database_url,
        REDIS_URL=redis_url,
        SECRET_KEY=KEY,
        ENCRYPTION_KEYS=ENCRYPTION_KEY,
        BASE_URL="https://shop.example.com",
        MAIL_SERVER="127.0.0.1",
    ).end_by_itself()
    assert "the Sandbox gateway is active" in said
    assert "Traceback" not in said


def check_counters(shop: Shop) -> None:
    """Whichever of two processes is asked, it answers for both."""
    asked = 24
    for _ in range(asked):
        assert requests.get(f"{shop.url}/track", timeout=10, headers={"Connection": "close"}).status_code == 200
    counted = [
        re.search(r'_seconds_count{.*route="/track",status="200"} (\S+)', requests.get(url, timeout=10).text)
        for url in [f"{shop.url}/metrics"] * 6
    ]
    assert {float(found[1]) for found in counted if found} == {asked}


def test_missing_settings_are_named_all_at_once(shop: Shop) -> None:
    said = shop.start(APP_ENV="production", SECRET_KEY="short").end_by_itself()
    assert shop.process.returncode == 1
    assert said.startswith("Cannot start:\n")
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "BASE_URL"):
        assert name in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "Error: cannot use the database: "),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "Error: cannot use the queue of REDIS_URL: "),
        ({"WEB_CONCURRENCY": "none"}, "Error: WEB_CONCURRENCY must be a number from 1, not 'none'"),
    ],
)
@pytest.mark.sqlite
def test_what_cannot_be_reached_is_one_line(
    shop: Shop, database_url: str, redis_url: str, settings: dict[str, str], complaint: str
) -> None:
    said = shop.start(**{"DATABASE_URL": database_url, "REDIS_URL": redis_url} | settings).end_by_itself()
    assert shop.process.returncode == 1
    assert said.splitlines()[-1].startswith(complaint)
    assert "Traceback" not in said
