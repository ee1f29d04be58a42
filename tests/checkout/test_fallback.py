"""When a gateway cannot be reached, the next one is a press away, and one request comes out."""

from typing import Any

import pytest
from sqlalchemy import select

from app.db import db
from app.models import Payment, ServiceRequest
from tests.checkout.answers import right_answers
from tests.factories import make_gateway, make_service
from tests.pages import Page

# Nobody listens there.
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def service(session: Any) -> Any:
    make_gateway(is_default=False)
    make_gateway("razorpay", is_default=True, api_key="rzp_test", api_secret="secret", api_base=NOWHERE)
    return make_service(currency="INR")


def test_another_way_to_pay_is_offered_and_keeps_the_request(client: Any, service: Any) -> None:
    answers = right_answers(service)
    refused = client.submit(f"/services/{service.id}", answers)
    assert refused.status_code == 503
    page = Page(refused.text)
    assert "You have not been charged" in page.words
    assert "Pay with Sandbox (test payments) instead" in page.words
    assert "Pay with Razorpay instead" not in page.words
    taken = client.submit(f"/services/{service.id}", answers | {"gateway": "sandbox"})
    assert taken.status_code == 303
    assert "/sandbox/pay/" in taken.location
    db.session.expire_all()
    request = db.session.scalars(select(ServiceRequest)).one()
    assert request.payment_gateway == "sandbox"
    gateways = db.session.scalars(select(Payment.gateway).order_by(Payment.created_at, Payment.id)).all()
    assert gateways == ["razorpay", "sandbox"]


def test_with_one_way_to_pay_nothing_else_is_offered(client: Any, session: Any) -> None:
    make_gateway("razorpay", is_default=True, api_key="rzp_test", api_secret="secret", api_base=NOWHERE)
    service = make_service(currency="INR")
    page = Page(client.submit(f"/services/{service.id}", right_answers(service)).text)
    assert "instead" not in page.words
