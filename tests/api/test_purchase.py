"""Buying from a program."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.db import db, transaction
from app.extensions import limiter
from app.gateways.base import SnapshotStatus
from app.gateways.sandbox import Sandbox
from app.models import Payment, ServiceRequest
from app.workflows import payments
from tests.factories import make_gateway, make_service, snapshot_of

ADDRESS = "/api/services/purchase"


@pytest.fixture(autouse=True)
def _unlimited() -> Any:
    limiter.enabled = False
    yield
    limiter.enabled = True


@pytest.fixture
def service(session: Any) -> Any:
    make_gateway()
    return make_service(tiers=2)


def body_for(service: Any, **customer: Any) -> dict[str, Any]:
    return {
        "serviceId": str(service.id),
        "serviceTierId": str(service.active_tiers[0].id),
        "customer": {
            "fullName": "Kavya Iyer",
            "email": "kavya.iyer@example.org",
            "phone": "+917000012345",
            "requirements": "Please call me after 4 pm.",
        }
        | customer,
    }


def bought() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(ServiceRequest)) or 0


def test_a_purchase_is_answered_with_the_payment_to_make(client: Any, service: Any) -> None:
    answer = client.post(ADDRESS, json=body_for(service) | {"affiliateCode": "ASHA10"})
    assert answer.status_code == 201
    intent = answer.json["paymentIntent"]
    assert (intent["amount"], intent["currency"], intent["gateway"]) == (100_000, "INR", "sandbox")
    assert client.get(f"/sandbox/pay/{intent['clientSecret']}").status_code == 200
    service_request = db.session.get_one(ServiceRequest, UUID(answer.json["requestId"]))
    assert service_request.affiliate_code == "ASHA10"
    assert service_request.reference_number == answer.json["referenceNumber"]


@pytest.mark.parametrize("outcome", ["approve", "decline", "insufficient_funds", "never", "late", "twice"])
def test_a_program_decides_on_the_sandbox_page_with_the_client_secret_alone(
    app: Any, client: Any, service: Any, outcome: str
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    secret = client.post(ADDRESS, json=body_for(service)).json["paymentIntent"]["clientSecret"]
    answer = client.post(f"/sandbox/pay/{secret}", data={"outcome": outcome})
    assert answer.status_code == 303
    assert "/confirmation?key=" in answer.location
    assert client.post("/sandbox/pay/another", data={"outcome": outcome}).status_code == 404


def test_a_repeat_with_the_same_key_is_the_same_purchase_even_once_paid(client: Any, service: Any) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = client.post(ADDRESS, json=body_for(service), headers=key).json
    (payment,) = db.session.scalars(select(Payment))
    with transaction():
        payments.settle(payment.id, snapshot_of(payment))
    second = client.post(ADDRESS, json=body_for(service), headers=key)
    assert second.status_code == 201
    assert second.json == first
    assert bought() == 1


@pytest.mark.parametrize("status", [SnapshotStatus.PAID, SnapshotStatus.FAILED])
def test_a_repeat_of_what_is_decided_asks_no_gateway(client: Any, service: Any, monkeypatch: Any, status: Any) -> None:
    """By then it may have forgotten our key, and would open another payment; or it is away."""
    key = {"Idempotency-Key": "order-1"}
    first = client.post(ADDRESS, json=body_for(service), headers=key).json
    (payment,) = db.session.scalars(select(Payment))
    with transaction():
        payments.settle(payment.id, snapshot_of(payment, status))
    monkeypatch.setattr(Sandbox, "ledger", None)
    second = client.post(ADDRESS, json=body_for(service), headers=key)
    assert (second.status_code, second.json) == (201, first)


def test_a_key_used_for_something_else_is_refused(client: Any, service: Any) -> None:
    key = {"Idempotency-Key": "order-1"}
    client.post(ADDRESS, json=body_for(service), headers=key)
    answer = client.post(ADDRESS, json=body_for(service, fullName="Somebody Else"), headers=key)
    assert answer.status_code == 422
    assert answer.json["error"]["code"] == "idempotency_key_reused"
    assert bought() == 1


@pytest.mark.parametrize("is_same", [True, False])
def test_one_key_in_eight_hands_at_once_is_one_purchase(app: Any, service: Any, is_same: bool) -> None:
    def buy(number: int) -> Any:
        body = body_for(service, fullName="Kavya Iyer" if is_same else f"Kavya {number}")
        return app.test_client().post(ADDRESS, json=body, headers={"Idempotency-Key": "order-1"})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(buy, range(8)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] * 8 if is_same else [201] + [422] * 7
    assert bought() == 1


def test_without_a_key_each_call_is_a_purchase(client: Any, service: Any) -> None:
    answers = [client.post(ADDRESS, json=body_for(service)).json for _ in range(2)]
    assert answers[0]["requestId"] != answers[1]["requestId"]


def test_every_wrong_field_is_named_at_once(client: Any, service: Any) -> None:
    body = {"serviceId": str(service.id), "customer": {"email": "asha@"}}
    answer = client.post(ADDRESS, json=body)
    assert answer.status_code == 422
    assert set(answer.json["error"]["details"]) == {
        "serviceTierId",
        "customer.fullName",
        "customer.email",
        "customer.phone",
        "customer.requirements",
    }


@pytest.mark.parametrize("given", [{}, {"customer": {}}])
def test_without_a_customer_every_part_of_one_is_asked_for(client: Any, service: Any, given: dict[str, Any]) -> None:
    fields = {"customer.fullName", "customer.email", "customer.phone", "customer.requirements"}
    details = client.post(ADDRESS, json={"serviceId": str(service.id)} | given).json["error"]["details"]
    assert set(details) == fields | {"serviceTierId"}
    assert set(client.post(ADDRESS, json=given).json["error"]["details"]) == fields | {"serviceId"}


def test_a_customer_that_is_null_is_refused_in_plain_words(client: Any, service: Any) -> None:
    answer = client.post(ADDRESS, json={"serviceId": str(service.id), "customer": None})
    assert answer.json["error"]["details"] == {"customer": "This may not be empty."}


def test_a_tier_that_a_service_does_not_have_is_refused(session: Any, client: Any, service: Any) -> None:
    plain = make_service()
    body = body_for(service) | {"serviceId": str(plain.id)}
    assert set(client.post(ADDRESS, json=body).json["error"]["details"]) == {"serviceTierId"}
    body["serviceTierId"] = None
    assert client.post(ADDRESS, json=body).status_code == 201


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.sqlite
@given(changes=st.dictionaries(st.sampled_from(["serviceId", "serviceTierId", "customer", "affiliateCode"]), JSON))
def test_whatever_json_comes_nothing_breaks(client: Any, service: Any, changes: dict[str, Any]) -> None:
    answer = client.post(ADDRESS, json=body_for(service) | changes)
    assert answer.status_code in {201, 404, 422}


@pytest.mark.sqlite
@given(field=st.sampled_from(["fullName", "email", "phone", "requirements"]), value=JSON)
def test_whatever_a_customer_is_nothing_breaks(client: Any, service: Any, field: str, value: Any) -> None:
    assert client.post(ADDRESS, json=body_for(service, **{field: value})).status_code in {201, 422}


@pytest.mark.parametrize("text", ["\ud800", "\x00", "a\x00b", "\U0001f600"])
def test_broken_characters_do_no_harm(client: Any, service: Any, text: str) -> None:
    body = body_for(service, fullName=f"Kavya {text}", requirements=f"Call {text}") | {"affiliateCode": text}
    answer = client.post(ADDRESS, json=body, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"\xff", "application/json", 400),
    ],
)
def test_what_is_no_json_object_is_refused(client: Any, body: bytes, kind: str, status: int) -> None:
    answer = client.post(ADDRESS, data=body, content_type=kind)
    assert answer.status_code == status
    assert answer.json["error"]["message"]


def test_a_key_too_long_is_refused(client: Any, service: Any) -> None:
    answer = client.post(ADDRESS, json=body_for(service), headers={"Idempotency-Key": "k" * 256})
    assert answer.status_code == 422


def test_no_session_is_involved(app: Any, client: Any, service: Any) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = client.post(ADDRESS, json=body_for(service))
    assert answer.status_code == 201
    assert "Set-Cookie" not in answer.headers
