"""Whatever a gateway says or fails to say, the customer reads words and a next step."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.db import db
from app.extensions import limiter
from app.gateways.base import BadCredentials, GatewayError, GatewayUnavailable
from app.gateways.errors import UnknownPayment, UnsupportedAmount
from app.gateways.network.http import NoAnswer
from app.gateways.sandbox import Sandbox
from app.models import ServiceRequest
from tests.checkout.answers import right_answers
from tests.factories import make_gateway, make_service
from tests.pages import Page, squeeze

KINDS = [GatewayError, GatewayUnavailable, BadCredentials, UnknownPayment, UnsupportedAmount]
reasons = st.text(st.characters(categories=["L", "N"]), min_size=4, max_size=30).map(lambda text: f"code-{text}")


@pytest.fixture
def service(session):
    limiter.enabled = False
    make_gateway()
    yield make_service(tiers=2)
    limiter.enabled = True


@pytest.mark.sqlite
@pytest.mark.property(33)
@given(
    error=st.builds(lambda kind, reason: kind(details={"reason": reason}), st.sampled_from(KINDS), reasons)
    | reasons.map(NoAnswer)
)
def test_any_error_of_a_gateway_is_told_in_words_with_what_to_do(client, service, error):
    sent = right_answers(service, submission=secrets.token_urlsafe(9))

    def refuse(*_arguments):
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sandbox, "create_payment_intent", refuse)
        answer = client.post(f"/services/{service.id}", data=sent)
    page = Page(answer.text)
    assert answer.status_code == error.http_status
    assert squeeze(error.message) in page.words
    assert squeeze(error.suggested_action) in page.words
    # Nothing of the gateway's own, and nothing that was typed is lost.
    assert error.details["reason"] not in answer.text
    assert page.find("input", id="email")[0]["value"] == "kavya.iyer@example.org"
    assert client.post(f"/services/{service.id}", data=sent).status_code == 303


@pytest.mark.parametrize("kind", KINDS)
def test_a_program_reads_whether_the_customer_was_charged_and_may_try_again(client, service, monkeypatch, kind):
    def refuse(*_arguments):
        raise kind

    body = {
        "serviceId": str(service.id),
        "serviceTierId": str(service.active_tiers[0].id),
        "customer": {"fullName": "Kavya Iyer", "email": "k@example.org", "phone": "+917000012345", "requirements": "x"},
    }
    key = {"Idempotency-Key": "order-1"}
    with monkeypatch.context() as patch:
        patch.setattr(Sandbox, "create_payment_intent", refuse)
        answer = client.post("/api/services/purchase", json=body, headers=key)
    told = answer.json["error"]
    assert (answer.status_code, told["code"]) == (kind.http_status, kind.code)
    assert told["suggestedAction"]
    assert "Retry-After" in answer.headers or not told["retryable"]
    assert client.post("/api/services/purchase", json=body, headers=key).status_code == 201
    assert len(db.session.scalars(select(ServiceRequest)).all()) == 1
