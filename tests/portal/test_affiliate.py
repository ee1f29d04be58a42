"""What an affiliate sees: their link, what it brought, what it earned."""

import pytest
from sqlalchemy import select

from app.db import transaction
from app.models import AffiliateProfile, Role
from app.workflows import affiliates, payments
from tests.factories import make_payment, make_service, make_user, snapshot_of
from tests.pages import Page
from tests.sign_in import sign_in


@pytest.fixture
def affiliate(client, session):
    return sign_in(client, Role.AFFILIATE)


def code_of(session, user):
    return session.scalar(select(AffiliateProfile.code).where(AffiliateProfile.user_id == user.id))


def buy(service, code):
    payment = make_payment(service, affiliate_code=code)
    with transaction():
        payments.settle(payment.id, snapshot_of(payment))


def test_clicks_purchases_and_commission_are_theirs_alone(client, session, affiliate):
    service, code = make_service(price_minor=250_000), code_of(session, affiliate)
    other = code_of(session, make_user(Role.AFFILIATE))
    with transaction():
        for each in (code, code, other):
            affiliates.record_click(each, None)
    buy(service, code)
    buy(service, other)
    make_payment(service, affiliate_code=code)
    words = Page(client.get("/affiliate/").text).words
    assert "Clicks 2 Purchases 1 Conversion 50.0% Commission ₹250.00" in words
    assert words.count("₹250.00") == 2


def test_there_is_a_link_for_the_shop_and_for_each_service(client, session, affiliate):
    service, code = make_service(name="GST registration"), code_of(session, affiliate)
    page = client.get("/affiliate/").text
    assert f"/?ref={code}" in page
    assert f"/services/{service.id}?ref={code}" in page


def test_a_new_affiliate_is_told_how_to_begin(client, affiliate):
    assert "Share a link" in client.get("/affiliate/").text


@pytest.mark.parametrize("role", [Role.ADMIN, Role.PROVIDER])
def test_the_page_is_for_affiliates(client, session, role):
    sign_in(client, role)
    assert client.get("/affiliate/").status_code == 403
