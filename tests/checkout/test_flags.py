"""What visitors see of feature flags: no orders, no form on our page, no affiliates' links; the same each time."""

from typing import Any

import pytest
from sqlalchemy import func, select

from app.checkout import visitors
from app.checkout.purchase import leads_away
from app.db import db, transaction
from app.models import AffiliateClick, FeatureFlag, FlagState, Payment, ServiceRequest
from app.workflows import flags
from tests.checkout.answers import right_answers
from tests.commissions import make_affiliate
from tests.factories import make_gateway, make_payment, make_service, make_user
from tests.pages import Page
from tests.sign_in import sign_in


@pytest.fixture
def service(session: Any) -> Any:
    make_gateway()
    return make_service()


def switch(name: str, state: FlagState, **values: Any) -> None:
    with transaction():
        row = db.session.scalar(select(FeatureFlag).where(FeatureFlag.name == name)) or FeatureFlag(name=name)
        row.state, row.percent, row.user_emails = state, values.get("percent", 0), values.get("emails", [])
        db.session.add(row)


def count(model: Any) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def takes_orders(client: Any, service: Any) -> bool:
    answer = client.get(f"/services/{service.id}")
    assert answer.status_code == 200
    return bool(Page(answer.text).find("form", method="post"))


def test_a_shop_that_takes_no_orders_says_so_kindly_and_shows_no_form(client: Any, service: Any) -> None:
    switch(flags.PURCHASE, FlagState.OFF)
    page = Page(client.get(f"/services/{service.id}").text)
    assert "We take no new orders at the moment" in page.words
    assert "you have not been charged" in page.words
    assert service.name in page.words
    assert not page.find("form", method="post")
    assert client.get("/").status_code == 200


def test_a_form_that_was_open_before_orders_nothing(client: Any, service: Any) -> None:
    switch(flags.PURCHASE, FlagState.OFF)
    answer = client.post(f"/services/{service.id}", data=right_answers(service))
    assert answer.status_code == 409
    assert "We take no new orders at the moment" in Page(answer.text).words
    assert count(ServiceRequest) == 0


def test_who_has_ordered_can_still_pay(client: Any, service: Any, app: Any) -> None:
    payment = make_payment(service)
    switch(flags.PURCHASE, FlagState.OFF)
    with app.test_request_context():
        address = app.extensions["links"].pay(payment.service_request.reference_number)
    assert client.get(address.removeprefix(app.extensions["settings"].base_url)).status_code == 200


def test_a_program_is_told_that_orders_are_paused(client: Any, service: Any) -> None:
    body = {
        "serviceId": str(service.id),
        "customer": {"fullName": "Kavya Iyer", "email": "kavya.iyer@example.org", "phone": "+917000012345"},
    }
    body["customer"]["requirements"] = "Please call me."
    headers = {"Idempotency-Key": "order-1"}
    assert client.post("/api/services/purchase", json=body, headers=headers).status_code == 201
    switch(flags.PURCHASE, FlagState.OFF)
    assert client.post("/api/services/purchase", json=body, headers=headers).status_code == 201
    answer = client.post("/api/services/purchase", json=body)
    assert answer.status_code == 503
    error = answer.json["error"]
    assert (error["code"], error["retryable"]) == ("orders_paused", True)
    assert "not been charged" in error["message"]
    assert count(ServiceRequest) == 1


def test_a_named_account_orders_while_it_is_signed_in(client: Any, service: Any) -> None:
    user = make_user()
    switch(flags.PURCHASE, FlagState.USERS, emails=[user.email])
    assert not takes_orders(client, service)
    sign_in(client, user)
    assert takes_orders(client, service)


def test_a_share_of_visitors_is_the_same_one_each_time(app: Any, service: Any) -> None:
    switch(flags.PURCHASE, FlagState.PERCENT, percent=50)
    clients = [app.test_client() for _ in range(24)]
    first = [takes_orders(each, service) for each in clients]
    assert {True, False} == set(first)
    assert [takes_orders(each, service) for each in clients] == first
    switch(flags.PURCHASE, FlagState.PERCENT, percent=100)
    assert all(takes_orders(each, service) for each in clients)


def test_the_cookie_of_a_visitor_names_nobody_and_comes_only_when_it_is_needed(client: Any, service: Any) -> None:
    client.get(f"/services/{service.id}")
    assert client.get_cookie(visitors.COOKIE) is None
    switch(flags.PURCHASE, FlagState.PERCENT, percent=50)
    client.get(f"/services/{service.id}")
    cookie = client.get_cookie(visitors.COOKIE)
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    before = cookie.value
    client.get(f"/services/{service.id}")
    assert client.get_cookie(visitors.COOKIE).value == before
    client.set_cookie(visitors.COOKIE, "forged")
    client.get(f"/services/{service.id}")
    assert client.get_cookie(visitors.COOKIE).value not in {before, "forged"}


@pytest.mark.parametrize(("state", "is_hosted"), [(FlagState.ON, False), (FlagState.OFF, True)])
def test_the_gateways_form_stands_on_our_page_only_while_its_flag_is_on(
    app: Any, session: Any, state: FlagState, is_hosted: bool
) -> None:
    make_gateway("stripe", api_key="pk_test_1", api_secret="sk_test_1")
    switch(flags.PAY_ON_PAGE, state)
    with app.test_request_context("/", method="POST", data={"scripts": "1"}):
        assert leads_away(Payment(gateway="stripe")) is is_hosted
    with app.test_request_context("/", method="POST", data={"scripts": ""}):
        assert leads_away(Payment(gateway="stripe")) is True


def test_links_of_affiliates_are_left_alone_while_their_flag_is_off(app: Any, client: Any, service: Any) -> None:
    make_affiliate(code="ANAND")
    make_affiliate(code="MEERA")
    client.get("/?ref=ANAND")
    switch(flags.AFFILIATE_LINKS, FlagState.OFF)
    client.get("/?ref=MEERA")
    app.extensions["visits"].store()
    assert count(AffiliateClick) == 1
    client.post(f"/services/{service.id}?ref=MEERA", data=right_answers(service))
    db.session.rollback()
    assert db.session.scalars(select(ServiceRequest.affiliate_code)).one() == "ANAND"


def test_a_share_of_visitors_may_come_through_links(app: Any, service: Any) -> None:
    switch(flags.AFFILIATE_LINKS, FlagState.PERCENT, percent=50)
    clients = [app.test_client() for _ in range(16)]
    for each in clients:
        each.get("/?ref=ANAND")
    kept = [each.get_cookie("affiliate") is not None for each in clients]
    assert {True, False} == set(kept)
    assert all(each.get_cookie(visitors.COOKIE) is not None for each in clients)
    app.extensions["visits"].store()
    assert count(AffiliateClick) == sum(kept)
