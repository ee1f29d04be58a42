"""A code that came with a visitor is on their request, whatever they did before, and is in nobody's way."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from app.db import db, transaction
from app.models import AffiliateClick, AnalyticsEvent, SandboxPayment, ServiceRequest
from app.sandbox import ledger
from tests.checkout.answers import right_answers
from tests.checkout.test_purchase import local
from tests.commissions import ledger as commission_of
from tests.commissions import make_affiliate
from tests.factories import ensure_gateway, make_gateway, make_service

CODES = st.text("abcXYZ019._-", min_size=2, max_size=64)
STEPS = st.lists(st.sampled_from(["home", "service", "check", "wrong", "track"]), max_size=4)


@pytest.fixture
def service(session: Any) -> Any:
    make_gateway()
    return make_service(price_minor=100_000)


def newest() -> ServiceRequest:
    db.session.rollback()
    return db.session.scalars(select(ServiceRequest).order_by(ServiceRequest.created_at.desc()).limit(1)).one()


def take(client: Any, service: Any, step: str) -> None:
    """Something that a visitor may do before they buy."""
    address = f"/services/{service.id}"
    answers = right_answers(service)
    if step == "check":
        client.post(f"{address}/check", data=answers)
    elif step == "wrong":
        assert client.post(address, data=answers | {"email": "nobody"}).status_code == 422
    else:
        client.get({"home": "/", "service": address, "track": "/track"}[step])


@pytest.mark.sqlite
@pytest.mark.property(28, 29)
@given(code=CODES, landing=st.sampled_from(["home", "service", "track"]), steps=STEPS, scripts=st.booleans())
def test_a_code_is_on_the_request_whatever_the_visitor_did_before(
    app: Any, session: Any, code: str, landing: str, steps: list[str], scripts: bool
) -> None:
    """With and without scripts: the form says if they run."""
    ensure_gateway()
    service, client = make_service(), app.test_client()
    address = {"home": "/", "service": f"/services/{service.id}", "track": "/track"}[landing]
    assert client.get(address, query_string={"ref": code}).status_code == 200
    for step in steps:
        take(client, service, step)
    answers = right_answers(service) | ({"scripts": "1"} if scripts else {})
    assert client.post(f"/services/{service.id}", data=answers).status_code == 303
    request = newest()
    assert (request.service_id, request.affiliate_code, request.affiliate_id) == (service.id, code, None)


def test_paying_again_with_another_gateway_keeps_the_code_and_earns_once(
    client: Any, session: Any, service: Any
) -> None:
    profile = make_affiliate(code="ANAND")
    client.get("/?ref=ANAND")
    client.post(f"/services/{service.id}", data=right_answers(service))
    company = db.session.scalars(select(SandboxPayment)).one()
    with transaction():
        ledger.decide(company, "decline")
    back = client.get(local(company.return_url), follow_redirects=True)
    assert "Pay again" in back.text
    # By now somebody else's link was followed: this order is not theirs.
    client.get("/?ref=MEERA")
    pay = local(company.return_url).replace("confirmation", "pay")
    client.post(pay, data={"gateway": "sandbox"})
    again = db.session.scalars(select(SandboxPayment).order_by(SandboxPayment.created_at.desc()).limit(1)).one()
    assert again.id != company.id
    with transaction():
        ledger.decide(again, "approve")
    assert "Payment received" in client.get(local(again.return_url), follow_redirects=True).text
    assert (newest().affiliate_code, newest().affiliate_id) == ("ANAND", profile.user_id)
    assert [line.amount_minor for line in commission_of(profile)] == [10_000]


def test_a_program_names_the_code_itself(client: Any, session: Any, service: Any) -> None:
    profile = make_affiliate(code="ANAND")
    customer = {"fullName": "Kavya Iyer", "email": "kavya@example.org", "phone": "+917000012345"}
    body = {"serviceId": str(service.id), "customer": customer | {"requirements": "Call me."}, "affiliateCode": "ANAND"}
    assert client.post("/api/services/purchase", json=body).status_code == 201
    assert newest().affiliate_id == profile.user_id


def test_a_click_says_which_service_it_led_to(app: Any, client: Any, service: Any) -> None:
    client.get(f"/services/{service.id}?ref=ANAND")
    client.get("/?ref=ANAND")
    app.extensions["visits"].store()
    db.session.rollback()
    found = db.session.scalars(select(AffiliateClick.service_id).order_by(AffiliateClick.created_at, AffiliateClick.id))
    assert list(found) == [service.id, None]


@pytest.mark.postgres
@pytest.mark.parametrize("table", ["affiliate_profiles", "affiliate_clicks", "analytics_events", "commission_entries"])
def test_a_missing_table_of_theirs_blocks_no_step_of_a_purchase(
    app: Any, client: Any, service: Any, table: str
) -> None:
    with transaction() as session:
        session.execute(text(f"ALTER TABLE {table} RENAME TO {table}_away"))
    try:
        assert client.get("/?ref=ANAND").status_code == 200
        app.extensions["visits"].store()
        assert client.get(f"/services/{service.id}?ref=ANAND").status_code == 200
        assert client.post(f"/services/{service.id}", data=right_answers(service)).status_code == 303
        company = db.session.scalars(select(SandboxPayment)).one()
        with transaction():
            ledger.decide(company, "approve")
        assert "Payment received" in client.get(local(company.return_url), follow_redirects=True).text
        app.extensions["visits"].store()
    finally:
        with transaction() as session:
            session.execute(text(f"ALTER TABLE {table}_away RENAME TO {table}"))
    assert newest().affiliate_code == "ANAND"


@pytest.mark.sqlite
@pytest.mark.property(5)
@given(name=st.text(max_size=40), price=st.integers(1, 10**9), tiers=st.integers(0, 2))
def test_selecting_a_service_is_counted_with_its_id(app: Any, session: Any, name: str, price: int, tiers: int) -> None:
    ensure_gateway()
    service = make_service(name=f"S{name}", price_minor=price, tiers=tiers)
    app.extensions["visits"].store()
    assert app.test_client().get(f"/services/{service.id}").status_code == 200
    app.extensions["visits"].store()
    session.rollback()
    events = session.scalars(select(AnalyticsEvent).where(AnalyticsEvent.service_id == service.id)).all()
    assert [event.name for event in events] == ["service_selected"]
    assert events[0].visitor
