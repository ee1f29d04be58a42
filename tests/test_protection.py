"""Headers, cookies, limits on how often a stranger may ask."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import time_machine

from app.config import Settings
from app.extensions import limiter
from app.kit import clock
from app.protection import MAXIMUM_BODY
from tests.factories import make_gateway, make_request, make_service, make_user
from tests.pages import Page
from tests.sign_in import sign_in

LIMITED = {
    "POST /reset": 10,
    "GET /track/SR-7K3M-9QXW-2HTB": 300,
    "GET /api/services/requests/SR-7K3M-9QXW-2HTB": 300,
    "POST /services/00000000-0000-7000-8000-000000000000": 120,
    "POST /services/00000000-0000-7000-8000-000000000000/check": 1200,
    "POST /api/services/purchase": 120,
}


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


@pytest.fixture
def on_https(own_limiter: None, settings: Settings, make_app: Callable[[Settings], Any]) -> Any:
    return make_app(replace(settings, base_url="https://shop.example.com", trusted_hosts=("shop.example.com",)))


def test_browsers_are_told_to_come_by_https_behind_a_proxy_too(on_https: Any) -> None:
    for address in ("/", "/api/services", "/nothing"):
        answer = on_https.test_client().get(address, base_url="http://shop.example.com")
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize(
    ("name", "status"), [("shop.example.com", 200), ("shop.example.com:443", 200), ("evil.example", 400)]
)
def test_only_names_that_are_ours_are_answered_where_they_are_listed(on_https: Any, name: str, status: int) -> None:
    assert on_https.test_client().get("/track", base_url=f"https://{name}").status_code == status
    assert on_https.test_client().get("/healthz", base_url=f"https://{name}").status_code == 200


def test_a_strange_name_gets_into_no_page_and_no_redirect(session: Any, client: Any) -> None:
    make_service()
    for address in ("/", "/track", "/login", "/reset", "/admin/", "/nothing", "/api/services", "/api/openapi.json"):
        answer = client.get(address, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
        assert "evil.example" not in answer.text
        assert "evil.example" not in answer.headers.get("Location", "")


@pytest.mark.parametrize(
    ("address", "kept"), [("/", "no-cache"), ("/login", "no-store"), ("/reset", "no-store"), ("/nothing", "no-store")]
)
def test_caches_are_told_what_they_may_keep(session: Any, client: Any, address: str, kept: str) -> None:
    assert client.get(address).headers["Cache-Control"] == kept


def test_a_page_made_for_one_visitor_is_kept_by_no_shared_cache(session: Any, client: Any) -> None:
    answer = client.get(f"/services/{make_service().id}")
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_what_somebody_signed_in_for_is_kept_nowhere(session: Any, client: Any) -> None:
    sign_in(client)
    for address in ("/account", "/admin/", "/api/admin/services/requests"):
        assert client.get(address).headers["Cache-Control"] == "no-store"


def test_a_body_that_is_too_large_is_not_read(session: Any, client: Any) -> None:
    form, json = "application/x-www-form-urlencoded", "application/json"
    addresses = {"/login": form, "/api/services/purchase": json, "/api/services/payment/webhook/stripe": json}
    for address, kind in addresses.items():
        answer = client.post(address, data=b"x" * (MAXIMUM_BODY + 1), content_type=kind)
        assert answer.status_code == 413, address


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


@pytest.mark.sqlite
@pytest.mark.parametrize("what", LIMITED)
def test_limits_go_on_in_memory_while_redis_is_down(
    own_limiter: None, settings: Settings, make_app: Callable[[Settings], Any], what: str
) -> None:
    app = make_app(replace(settings, redis_url="redis://127.0.0.1:1/0"))
    app.config["WTF_CSRF_ENABLED"] = False
    client, (method, address), most = app.test_client(), what.split(), LIMITED[what]
    # All within one of its minutes, however slow the machine.
    with time_machine.travel(clock.utc_now(), tick=False):
        statuses = [client.open(address, method=method).status_code for _ in range(most + 1)]
    assert statuses.index(429) == most


def test_the_limits_of_signing_in_need_no_redis(
    own_limiter: None, session: Any, settings: Settings, make_app: Callable[[Settings], Any]
) -> None:
    app = make_app(replace(settings, redis_url="redis://127.0.0.1:1/0"))
    app.config["WTF_CSRF_ENABLED"] = False
    wrong = {"email": make_user().email, "password": "wrong"}
    assert [app.test_client().post("/login", data=wrong).status_code for _ in range(6)] == [401] * 5 + [429]
