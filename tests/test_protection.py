"""Headers, cookies, limits on how often a stranger may ask."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from app.config import Settings
from app.extensions import limiter
from tests.factories import make_gateway, make_request, make_service
from tests.pages import Page


@pytest.fixture
def own_limiter() -> Iterator[None]:
    """An application made in the test binds the one limiter anew; put back what it was."""
    usual = dict(vars(limiter))
    yield
    vars(limiter).clear()
    vars(limiter).update(usual)


def policy_of(answer: Any) -> dict[str, list[str]]:
    parts = (part.split() for part in answer.headers["Content-Security-Policy"].split(";"))
    return {directive: sources for directive, *sources in parts}


def test_every_page_forbids_what_it_does_not_need(client: Any) -> None:
    answer = client.get("/")
    policy = policy_of(answer)
    assert policy["default-src"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_forms_may_go_to_the_name_that_gateways_send_customers_back_to(
    settings: Settings, make_app: Callable[[Settings], Any]
) -> None:
    app = make_app(replace(settings, base_url="https://shop.example.com/"))
    assert "https://shop.example.com" in policy_of(app.test_client().get("/track"))["form-action"]


@pytest.mark.parametrize("address", ["/", "/track", "/nothing"])
def test_no_page_has_styles_or_handlers_in_its_tags(client: Any, address: str) -> None:
    for _, attributes in Page(client.get(address).text).elements:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]


def test_cookies_of_a_site_on_https_are_for_it_alone(
    session: Any, settings: Settings, make_app: Callable[[Settings], Any]
) -> None:
    service = make_service()
    app = make_app(replace(settings, base_url="https://shop.example.com"))
    answer = app.test_client().get(f"/services/{service.id}?ref=A", base_url="https://shop.example.com")
    cookies = answer.headers.getlist("Set-Cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} == {"__Host-session", "affiliate"}
    for cookie in cookies:
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_a_page_without_a_form_sets_no_cookie(session: Any, client: Any) -> None:
    reference = make_request().reference_number
    for address in ("/", "/track", f"/track/{reference}", "/api/services"):
        assert "Set-Cookie" not in client.get(address).headers


def test_static_files_are_kept_for_a_year_under_the_name_of_their_content(client: Any) -> None:
    address = Page(client.get("/").text).find("link", rel="stylesheet")[0]["href"]
    assert "?v=" in (address or "")
    answer = client.get(address)
    answer.close()
    assert "max-age=31536000" in answer.headers["Cache-Control"]


def test_too_many_tries_are_refused_in_words_and_in_shape(session: Any, client: Any) -> None:
    make_gateway()
    answers = [client.post("/api/services/purchase", json={}) for _ in range(121)]
    assert answers[0].status_code == 422
    last = answers[-1]
    assert last.status_code == 429
    assert last.json["error"]["code"] == "too_many_requests"
    assert int(last.headers["Retry-After"]) <= 60


def test_limits_go_on_in_memory_while_redis_is_down(
    own_limiter: None, settings: Settings, make_app: Callable[[Settings], Any]
) -> None:
    app = make_app(replace(settings, redis_url="redis://127.0.0.1:1/0"))
    client = app.test_client()
    answers = [client.post("/api/services/purchase", json={}) for _ in range(121)]
    assert answers[0].status_code == 422
    assert answers[-1].status_code == 429
