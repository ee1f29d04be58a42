"""Every error is told: to people in words with a next step, to programs in one shape."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from app.checkout import shop
from app.errors import DomainError
from tests.factories import make_service

SHAPE = {"code", "message", "details", "retryable", "suggestedAction"}


@pytest.fixture
def failing(app: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Exception], None]]:
    """Make the home page and the API's catalogue raise."""
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def fail(error: Exception) -> None:
        def broken() -> None:
            raise error

        monkeypatch.setattr(shop.catalog, "active_services", broken)

    yield fail
    app.config["PROPAGATE_EXCEPTIONS"] = None


def shape_of(answer: Any) -> dict[str, Any]:
    body: dict[str, Any] = answer.json
    assert set(body) == {"error", "requestId"}
    assert set(body["error"]) == SHAPE
    assert body["requestId"] == answer.headers["X-Request-Id"]
    return body["error"]


@pytest.mark.parametrize(
    ("method", "address", "status", "code"),
    [
        ("get", "/api/nothing", 404, "not_found"),
        ("put", "/api/services", 405, "method_not_allowed"),
        ("get", "/api/services/requests/SR-0000-0000-0001", 404, "reference_mistyped"),
    ],
)
def test_programs_get_the_shape(client: Any, method: str, address: str, status: int, code: str) -> None:
    answer = getattr(client, method)(address)
    assert answer.status_code == status
    assert shape_of(answer)["code"] == code


@pytest.mark.parametrize(
    ("method", "address", "status", "words"),
    [
        ("get", "/nothing", 404, "There is no page at this address."),
        ("delete", "/", 405, "This address does not take that kind of request."),
    ],
)
def test_people_get_words_and_a_way_on(client: Any, method: str, address: str, status: int, words: str) -> None:
    answer = getattr(client, method)(address)
    assert answer.status_code == status
    assert words in answer.text
    assert 'href="/track"' in answer.text
    assert "Content-Security-Policy" in answer.headers


def test_a_wrong_method_still_says_which_are_right(client: Any) -> None:
    assert "GET" in client.put("/api/services").headers["Allow"]


def test_an_unexpected_error_shows_a_number_and_no_detail(
    client: Any, failing: Any, caplog: pytest.LogCaptureFixture
) -> None:
    failing(ZeroDivisionError("secret detail"))
    page = client.get("/")
    assert page.status_code == 500
    assert "secret detail" not in page.text
    assert page.headers["X-Request-Id"] in page.text
    assert "ZeroDivisionError" in caplog.text
    answer = shape_of(client.get("/api/services"))
    assert (answer["code"], answer["retryable"]) == ("internal_error", True)
    assert "secret" not in str(answer)


def test_a_database_that_is_away_is_told_with_a_retry(client: Any, failing: Any) -> None:
    failing(OperationalError("SELECT", {}, Exception("could not connect")))
    page = client.get("/")
    assert page.status_code == 503
    assert "You have not been charged." in page.text
    assert page.headers["Retry-After"]
    assert "Try again" in page.text
    assert shape_of(client.get("/api/services"))["code"] == "database_unavailable"


def test_a_refusal_keeps_its_details(client: Any, failing: Any) -> None:
    failing(DomainError("Not like this.", details={"tier": "Choose one."}))
    answer = client.get("/api/services")
    assert answer.status_code == 409
    assert shape_of(answer)["details"] == {"tier": "Choose one."}


def test_scripts_of_our_pages_get_json(client: Any) -> None:
    answer = client.get("/nothing", headers={"Accept": "application/json"})
    assert shape_of(answer)["code"] == "not_found"
    assert client.get("/nothing", headers={"Accept": "*/*"}).mimetype == "text/html"


def test_a_body_too_large_is_413(session: Any, client: Any) -> None:
    address = f"/services/{make_service().id}"
    assert client.post(address, data={"requirements": "x" * 2_000_000}).status_code == 413
    answer = client.post("/api/services/purchase", data=b"x" * 2_000_000, content_type="application/json")
    assert answer.status_code == 413
    assert shape_of(answer)["code"] == "too_large"
