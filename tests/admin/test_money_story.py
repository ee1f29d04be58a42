"""What the request's page tells of its money: refunds and disputes among everything else that happened."""

import pytest

from app.db import transaction
from app.exchanges import send_refund
from app.gateways.base import DisputeNews, RefundNews
from app.kit.money import Money
from app.models import Payment, Role
from app.sandbox import ledger
from app.workflows import disputes, locked_payments, payments, refunds
from app.workflows.audit import actor_of
from tests.admin.rows import count_queries
from tests.factories import make_gateway, make_payment, make_service, make_user, snapshot_of
from tests.pages import Page
from tests.sign_in import sign_in

PRICE = Money(249_900, "INR")
PART = Money(99_950, "INR")


@pytest.fixture
def viewer(client, session):
    return sign_in(client, Role.FINANCE)


@pytest.fixture
def finance(session):
    return make_user(Role.FINANCE, name="Farah Khan")


@pytest.fixture
def payment(session) -> Payment:
    payment = make_payment(make_service(price_minor=PRICE.minor))
    with transaction():
        ledger.decide(ledger.find_payment(payment.client_secret), "approve")
    with transaction():
        payments.settle(payment.id, payments.ask_gateway(payment))
    return payment


def ask_for(payment, finance, amount=PART, reason="Filed twice"):
    with transaction():
        locked = locked_payments.get_locked(payment.id)
        wish = refunds.Wish(amount, refunds.refundable(locked), reason)
        return refunds.open_refund(locked, wish, actor=actor_of(finance))


def hear(payment, learn, news):
    with transaction():
        learn(locked_payments.get_locked(payment.id), news)


def dispute_of(status, amount=PART):
    return DisputeNews("dp_1", amount, status, reason="product_not_received")


def told(client, payment, *, about: str) -> list[str]:
    """The words of the story's entries that speak of this, newest first; letters apart."""
    answer = client.get(f"/admin/requests/{payment.service_request_id}")
    assert answer.status_code == 200
    story = answer.text.partition('<ol class="timeline">')[2].partition("</ol>")[0]
    entries = [Page(f"<li {entry}").words for entry in story.split("<li ")[1:]]
    return [entry for entry in entries if about in entry and "Mail to" not in entry]


def test_a_refund_tells_who_asked_and_that_it_is_done(client, viewer, payment, finance):
    send_refund(ask_for(payment, finance).id)
    done, asked = told(client, payment, about="Refund of ₹999.50")
    assert "asked for" in asked
    assert "Farah Khan" in asked
    assert "Filed twice" in asked
    assert "is done" in done
    assert "Sandbox" in done


def test_a_refused_refund_tells_that_the_money_stays(client, viewer, finance, session):
    payment = make_payment(make_service(price_minor=PRICE.minor))
    # Paid in our books alone: the company has nothing to give back.
    with transaction():
        payments.settle(payment.id, snapshot_of(payment))
    send_refund(ask_for(payment, finance).id)
    failed, asked = told(client, payment, about="Refund of ₹999.50")
    assert "asked for" in asked
    assert "failed: the amount stays with us" in failed


def test_a_refund_that_was_done_and_came_back_tells_both(client, viewer, payment):
    for status in ("pending", "success", "failed"):
        hear(payment, refunds.learn, RefundNews("re_1", PART, status))
    came_back, done, under_way, made = told(client, payment, about="Refund of ₹999.50")
    assert "made at Sandbox" in made
    assert "is under way" in under_way
    assert "is done" in done
    assert "failed" in came_back


@pytest.mark.parametrize(("end", "what"), [("won", "the money stays with us"), ("lost", "the bank took the money")])
def test_a_dispute_tells_how_it_began_and_ended(client, viewer, payment, end, what):
    hear(payment, disputes.learn, dispute_of("open"))
    (opened,) = told(client, payment, about="Dispute over ₹999.50")
    assert "the bank asks it back" in opened
    assert "product_not_received" in opened
    hear(payment, disputes.learn, dispute_of(end))
    closed, again = told(client, payment, about="Dispute over ₹999.50")
    assert again == opened
    assert f"{end}: {what}" in closed


def test_a_gateway_is_called_by_its_own_name_everywhere(client, viewer, payment):
    with transaction():
        payment.gateway = "paypal"
    make_gateway("paypal")
    for address in (f"/admin/requests/{payment.service_request_id}", "/admin/payments/", "/admin/gateways/"):
        page = client.get(address).text
        assert "PayPal" in page
        assert "Paypal" not in page


def test_the_story_of_another_request_is_not_told(client, viewer, payment, finance):
    other = make_payment(make_service(price_minor=PRICE.minor))
    send_refund(ask_for(payment, finance).id)
    assert told(client, other, about="Refund of") == []


def test_many_refunds_cost_no_query_each(client, viewer, payment, finance):
    address = f"/admin/requests/{payment.service_request_id}"
    ask_for(payment, finance, Money(100, "INR"))
    # The first look within an hour is written down.
    client.get(address)
    few = count_queries(client, address)
    for _ in range(5):
        ask_for(payment, finance, Money(100, "INR"))
    assert count_queries(client, address) == few
