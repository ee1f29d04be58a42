"""Refunds and stuck payments from the request's page."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.db import db, transaction
from app.gateways.base import DisputeNews
from app.kit import clock
from app.models import PaymentStatus, Refund, RefundStatus, Role
from app.sandbox import ledger
from app.workflows import disputes, locked_payments, payments
from tests.factories import make_payment, make_service, snapshot_of
from tests.pages import Page
from tests.sign_in import sign_in

PRICE = 249_900


@pytest.fixture
def finance(client, session):
    return sign_in(client, Role.FINANCE)


def pay(payment):
    """Approved at the company and known to us."""
    with transaction():
        ledger.decide(ledger.find_payment(payment.client_secret), "approve")
    with transaction():
        payments.settle(payment.id, payments.ask_gateway(payment))
    return payment


def make_paid():
    return pay(make_payment(make_service(price_minor=PRICE)))


def address(payment, rest=""):
    return f"/admin/requests/{payment.service_request_id}{rest}"


def refund(client, payment, **changes):
    form = {"payment": str(payment.id), "amount": "2,499.00", "refundable": str(PRICE), "reason": "Changed their mind"}
    return client.post(address(payment, "/refunds"), data=form | changes, follow_redirects=True)


def fresh(row):
    db.session.expire_all()
    return db.session.get_one(type(row), row.id)


def refunds_made():
    return db.session.scalar(select(func.count()).select_from(Refund))


def test_a_refund_in_two_parts(client, finance):
    payment = make_paid()
    answer = refund(client, payment, amount="999.50")
    assert "Refunded ₹999.50. The customer is told by email." in answer.text
    assert fresh(payment).status is PaymentStatus.COMPLETED
    refund(client, payment, amount="1499.50", refundable=str(PRICE - 99_950))
    assert fresh(payment).status is PaymentStatus.REFUNDED
    assert refunds_made() == 2


def test_who_got_all_their_money_back_is_not_asked_to_pay_again(client, session):
    sign_in(client, Role.ADMIN)
    payment = make_payment(make_service(price_minor=PRICE))
    assert "Copy the link to pay" in client.get(address(payment)).text
    pay(payment)
    refund(client, payment)
    page = client.get(address(payment)).text
    assert "Nothing is left to refund." in page
    assert "Copy the link to pay" not in page


def test_a_click_repeated_on_the_same_form_refunds_once(client, finance):
    payment = make_paid()
    refund(client, payment, amount="100")
    answer = refund(client, payment, amount="100")
    assert answer.status_code == 412
    assert "Another refund was made meanwhile" in answer.text
    assert refunds_made() == 1


def test_the_second_of_two_full_refunds_is_told_that_nothing_is_left(client, finance):
    payment = make_paid()
    refund(client, payment)
    assert "Another refund was made meanwhile: nothing is left to refund." in refund(client, payment).text


@pytest.mark.sqlite
@pytest.mark.parametrize("amount", ["", "abc", "0", "-1", "2499.001", "9999999", "NaN"])
def test_an_odd_amount_is_refused_and_kept_in_the_form(client, finance, amount):
    payment = make_paid()
    answer = refund(client, payment, amount=amount)
    assert answer.status_code == 422
    assert refunds_made() == 0


def test_a_refused_refund_is_said_and_the_amount_stays_refundable(client, finance):
    payment = make_payment(make_service(price_minor=PRICE))
    # Paid in our books alone: the company has nothing to give back.
    with transaction():
        payments.settle(payment.id, snapshot_of(payment))
    answer = refund(client, payment)
    assert "The gateway refused the refund" in answer.text
    assert db.session.scalars(select(Refund.status)).all() == [RefundStatus.FAILED]


def test_a_dispute_is_shown_with_the_last_moment_to_answer_it(client, finance):
    payment = make_paid()
    due = clock.utc_now() + timedelta(days=7)
    news = DisputeNews("dp_1", payment.amount, "open", "fraudulent", due)
    with transaction():
        disputes.learn(locked_payments.get_locked(payment.id), news)
    page = Page(client.get(address(payment)).text)
    assert "Dispute over ₹2,499.00" in page.words
    assert client.application.jinja_env.filters["exact"](due) in page.words


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER, Role.PROVIDER, Role.AFFILIATE])
def test_other_roles_neither_see_the_form_nor_refund(client, session, role):
    sign_in(client, role)
    payment = make_paid()
    assert "Refund this amount" not in client.get(address(payment)).text
    assert refund(client, payment).status_code == 403
    assert refunds_made() == 0


def test_a_payment_of_another_request_is_not_found(client, finance):
    payment, other = make_paid(), make_paid()
    answer = client.post(
        address(other, "/refunds"), data={"payment": str(payment.id), "amount": "1", "refundable": str(PRICE)}
    )
    assert answer.status_code == 404
    assert refunds_made() == 0


def test_why_a_payment_is_stuck_and_the_button_that_settles_it(client, session):
    sign_in(client, Role.OPERATOR)
    payment = make_payment(make_service(price_minor=PRICE))
    with transaction():
        ledger.decide(ledger.find_payment(payment.client_secret), "approve")
    page = client.get(address(payment, f"/payments/{payment.id}/stuck"))
    assert "The gateway says otherwise than we do." in page.text
    assert fresh(payment).status is PaymentStatus.PENDING
    client.post(address(payment, f"/payments/{payment.id}/settle"))
    assert fresh(payment).status is PaymentStatus.COMPLETED
    assert "We and the gateway agree." in client.get(address(payment, f"/payments/{payment.id}/stuck")).text


def test_a_viewer_reads_but_does_not_settle(client, session):
    sign_in(client, Role.VIEWER)
    payment = make_payment()
    assert client.get(address(payment, f"/payments/{payment.id}/stuck")).status_code == 200
    assert client.post(address(payment, f"/payments/{payment.id}/settle")).status_code == 403


def test_a_payments_page_leads_to_why_it_is_stuck(client, staff):
    payment = make_payment()
    page = client.get(f"/admin/payments/details/?id={payment.id}").text
    address = f"/admin/requests/{payment.service_request_id}/payments/{payment.id}/stuck"
    assert f'<a href="{address}">Why is this stuck?</a>' in page
