"""`make demo`, as somebody who has just cloned the repository meets it."""

import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.servers.shop import Shop

FOLDER = "a demo, 100% #1"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop("app.commands.demo", "--directory", tmp_path / FOLDER)
    yield shop
    shop.end(signal.SIGKILL)


@pytest.mark.long
def test_it_starts_says_where_stops_and_comes_back_as_it_was(shop: Shop, tmp_path: Path) -> None:
    said = shop.start(DATABASE_URL="nonsense", APP_ENV="production").wait_until_ready().splitlines()
    assert f"Ready: {shop.url}" in said
    assert f"Console:  {shop.url}/admin/" in said
    assert requests.get(shop.url, timeout=10).status_code == 200
    services = requests.get(f"{shop.url}/api/services", timeout=10).json()
    keys = tmp_path / FOLDER / "keys"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    in_the_same_folder = Shop("app.commands.demo", "--directory", tmp_path / FOLDER)
    assert "stop that one first" in in_the_same_folder.start().end_by_itself()
    shop.end(signal.SIGINT)
    assert shop.process.returncode == 0

    again = shop.start().wait_until_ready().splitlines()
    assert [line for line in again if line.startswith("Password: ")] == [
        line for line in said if line.startswith("Password: ")
    ]
    assert requests.get(f"{shop.url}/api/services", timeout=10).json() == services


@pytest.mark.parametrize(
    ("port", "complaint"),
    [
        ("eighty", "Error: PORT must be a whole number, not 'eighty'"),
        ("0", "Error: there is no port 0: they go from 1 to 65535"),
        ("99999", "Error: there is no port 99999: they go from 1 to 65535"),
    ],
)
def test_a_wrong_port_is_one_line(shop: Shop, port: str, complaint: str) -> None:
    assert shop.start(PORT=port).end_by_itself().splitlines() == [complaint]
    assert shop.process.returncode == 1


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    said = Shop("app.commands.demo", "--directory", taken / "demo").start().end_by_itself()
    assert said.splitlines() == [f"Error: cannot make the folder {taken / 'demo'}: Not a directory"]
