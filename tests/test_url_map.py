"""Every address there is, walked: its content policy, its token, what caches may keep."""

from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from app.models import Notification, Role
from tests.factories import make_gateway, make_provider, make_request, make_service, make_user
from tests.pages import Page
from tests.sign_in import sign_in

# Signed by the gateway, by a bearer token, or by a key in the address; none of them looks at a cookie.
WITHOUT_TOKEN = {
    "webhooks.receive",
    "webhooks.receive_unaddressed",
    "api_purchase.buy",
    "checkout.come_back",
    "sandbox.pay",
}
_NOBODY = "00000000-0000-7000-8000-000000000000"
# Checks the token with its other fields, so that a lost session costs the customer a second press and not the input.
WITH_THE_FORM = {"checkout.buy"}
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
# What stands in a page does not depend on the database behind it.
pytestmark = pytest.mark.sqlite


@pytest.fixture
def known(app: Flask, session: Any) -> dict[str, Any]:
    service = make_service(tiers=1)
    request = make_request(service)
    make_gateway("stripe")
    provider = make_provider()
    letter = session.query(Notification).first()
    keys = {"requests": request.id, "services": service.id, "notifications": letter.id, "portal_provider": request.id}
    return {
        "keys": {name: str(key) for name, key in keys.items()},
        "values": {"service_id": service.id, "reference": request.reference_number, "gateway": "stripe"}
        | {"kind": "alert", "flag": "purchase", "filename": "site.css", "export_type": "csv", "step": "accept"}
        | {"batch": "2026-03-01", "what": "price", "client_secret": "x"},
        "provider": provider,
    }


def address_of(app: Flask, rule: Rule, known: dict[str, Any]) -> str:
    key = known["keys"].get(rule.endpoint.partition(".")[0], _NOBODY)
    values = {name: known["values"].get(name, key) for name in rule.arguments}
    with app.test_request_context():
        return f"{app.url_map.bind('localhost').build(rule.endpoint, values)}?id={key}"


def is_bare(page: Page, nonce: str) -> bool:
    """No style and no handler stands in a tag, and no script or sheet in the page without this answer's nonce."""
    for tag, attributes in page.elements:
        if "style" in attributes or any(name.startswith("on") for name in attributes):
            return False
        if (tag == "style" or (tag == "script" and "src" not in attributes)) and attributes.get("nonce") != nonce:
            return attributes.get("type") in {"application/json", "application/ld+json"}
    return True


@pytest.mark.parametrize("role", [None, Role.ADMIN, Role.PROVIDER, Role.AFFILIATE])
def test_no_page_lets_anything_run_that_is_not_ours(app: Any, client: Any, known: Any, role: Role | None) -> None:
    if role is not None:
        sign_in(client, known["provider"] if role is Role.PROVIDER else make_user(role))
    seen, nonces = 0, {""}
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods or rule.endpoint == "static":
            continue
        answer = client.get(address_of(app, rule, known), buffered=True)
        if answer.mimetype != "text/html":
            continue
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy, str(rule)
        assert "default-src 'none'" in policy, str(rule)
        assert "frame-ancestors" in policy, str(rule)
        nonce = policy.partition("'nonce-")[2].partition("'")[0]
        assert nonce not in nonces, str(rule)
        nonces.add(nonce)
        assert is_bare(Page(answer.text), nonce), str(rule)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"], str(rule)
        if role is not None and rule.rule.startswith(("/admin", "/account", "/provider", "/affiliate")):
            assert answer.headers["Cache-Control"] == "no-store", str(rule)
        seen += 1
    assert seen > 20


@pytest.mark.parametrize("role", [Role.ADMIN, Role.PROVIDER])
def test_nothing_is_changed_without_the_token(app: Any, client: Any, known: Any, role: Role) -> None:
    """Whoever is signed in: a foreign page that sends their cookie along gets nothing done."""
    sign_in(client, known["provider"] if role is Role.PROVIDER else make_user(role))
    app.config["WTF_CSRF_ENABLED"] = True
    unguarded = set()
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods.intersection(CHANGING)):
            answer = client.open(address_of(app, rule, known), method=method)
            if answer.status_code != 400 or "too long, or cookies are switched off" not in answer.text:
                unguarded.add(rule.endpoint)
    assert unguarded == WITHOUT_TOKEN | WITH_THE_FORM
    assert client.post(address_of_sale(app, known), data={"email": "x"}).status_code == 422


def address_of_sale(app: Flask, known: dict[str, Any]) -> str:
    (rule,) = (rule for rule in app.url_map.iter_rules() if rule.endpoint == "checkout.buy")
    return address_of(app, rule, known)
