"""Disputes, as each company settles them: in whatever order its messages come, the money is gone once."""

import itertools

import pytest
from sqlalchemy import select

from app import exchanges
from app.db import db
from app.models import CommissionEntry, Dispute, DisputeStatus, PaymentStatus, Refund
from tests.factories import make_payment, make_service
from tests.gateways.shop import CURRENCIES, make_affiliate, set_up

PRICE, PART = 10_000, 4_000
OUTCOMES = {
    "stripe": {"won": "won", "lost": "lost"},
    "razorpay": {"won": "won", "lost": "lost"},
    "paypal": {"won": "RESOLVED_SELLER_FAVOUR", "lost": "RESOLVED_BUYER_FAVOUR"},
}
# PayPal's lost dispute comes with the reversal that it leads to.
MESSAGES = {"stripe": {"won": 2, "lost": 2}, "razorpay": {"won": 2, "lost": 2}, "paypal": {"won": 2, "lost": 3}}

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("no_pauses", "session")]


@pytest.fixture(params=sorted(CURRENCIES))
def gateway(request):
    return request.param


@pytest.fixture
def shop(simulator, client, gateway):
    return Shop(simulator, client, gateway)


class Shop:
    """One paid request at one company, and what its customer, bank and company do."""

    def __init__(self, simulator, client, gateway):
        self.simulator, self.client, self.gateway = simulator, client, gateway
        self.company = getattr(simulator, gateway)
        set_up(simulator, gateway)
        make_affiliate("FRIEND", 1_000)
        self.service = make_service(price_minor=PRICE, currency=CURRENCIES[gateway])
        self.sell()

    def sell(self):
        self.row = make_payment(self.service, affiliate_code="FRIEND")
        (self.company.approve if self.gateway == "paypal" else self.company.pay)(self.row.gateway_intent_id)
        self.ask()
        self.attempt = self.simulator.ledger.find(self.row.gateway_intent_id).paid
        self.simulator.postman.outbox.clear()

    @property
    def payment(self):
        db.session.expire_all()
        return self.row

    def dispute(self, *told, **more):
        self.company.dispute(self.row.gateway_intent_id if self.gateway == "stripe" else self.attempt.id, *told, **more)

    def ask(self):
        exchanges.check_payment(self.row.id)

    def deliver(self, letters):
        for letter in letters:
            address = f"/api/services/payment/webhook/{self.gateway}"
            answer = self.client.post(address, data=letter.body, headers=letter.headers)
            assert answer.status_code == 200

    @property
    def outbox(self):
        return list(self.simulator.postman.outbox)

    def commission(self):
        query = select(CommissionEntry.amount_minor).where(CommissionEntry.payment_id == self.row.id)
        return sum(db.session.scalars(query))


def open_word(gateway):
    return {"stripe": "needs_response", "razorpay": "open", "paypal": None}[gateway]


@pytest.mark.parametrize(("end", "gone"), [("won", 0), ("lost", PART)])
def test_a_part_that_was_disputed_is_gone_once_in_any_order_of_messages(shop, gateway, end, gone):
    for order in itertools.permutations(range(MESSAGES[gateway][end])):
        shop.sell()
        shop.dispute(open_word(gateway), PART)
        shop.dispute(OUTCOMES[gateway][end])
        letters = shop.outbox
        assert len(letters) == len(order)
        shop.deliver([letters[place] for place in (*order, *order)])
        assert (shop.payment.refunded_minor, shop.row.status) == (gone, PaymentStatus.COMPLETED)
        shop.ask()
        assert (shop.payment.refunded_minor, shop.row.status) == (gone, PaymentStatus.COMPLETED)
        assert shop.commission() == (PRICE - gone) // 10
        (dispute,) = db.session.scalars(select(Dispute).where(Dispute.payment_id == shop.row.id))
        assert (dispute.status, dispute.amount_minor) == (DisputeStatus(end), PART)


def test_all_of_it_lost_leaves_the_payment_refunded(shop, gateway):
    shop.dispute(open_word(gateway))
    shop.dispute(OUTCOMES[gateway]["lost"])
    shop.deliver(reversed(shop.outbox))
    shop.ask()
    assert (shop.payment.refunded_minor, shop.row.status) == (PRICE, PaymentStatus.REFUNDED)
    assert shop.commission() == 0


def test_a_refund_before_and_a_lost_part_add_up(shop, gateway):
    shop.company.refund(shop.row.gateway_intent_id if gateway == "stripe" else shop.attempt.id, 1_000)
    shop.dispute(open_word(gateway), PART)
    shop.dispute(OUTCOMES[gateway]["lost"])
    shop.deliver(reversed(shop.outbox))
    shop.ask()
    assert shop.payment.refunded_minor == 1_000 + PART


@pytest.mark.parametrize("gateway", ["paypal"])
class TestPayPal:
    """Its disputes take no money themselves: what goes back is a refund of the capture, which has news of its own."""

    @pytest.mark.parametrize("outcome", ["RESOLVED_BUYER_FAVOUR", "ACCEPTED"])
    def test_less_may_go_back_than_was_asked(self, shop, outcome):
        shop.dispute(None, PART)
        shop.dispute(outcome, taken=1_500)
        shop.deliver(shop.outbox)
        assert shop.payment.refunded_minor == 1_500
        shop.ask()
        assert shop.payment.refunded_minor == 1_500
        (dispute,) = db.session.scalars(select(Dispute))
        assert (dispute.status, dispute.amount_minor) == (DisputeStatus.LOST, 1_500)
        (refund,) = db.session.scalars(select(Refund))
        assert (refund.is_external, refund.amount_minor) == (True, 1_500)

    def test_a_reversal_whose_message_is_lost_is_asked_for_when_the_dispute_is(self, shop, client):
        shop.dispute(None, PART)
        shop.dispute("RESOLVED_BUYER_FAVOUR")
        shop.deliver([letter for letter in shop.outbox if letter.name.startswith("CUSTOMER.")])
        assert shop.payment.refunded_minor == 0
        assert shop.row.next_check_at is not None
        shop.ask()
        assert (shop.payment.refunded_minor, shop.row.next_check_at) == (PART, None)

    def test_what_paypal_pays_itself_costs_us_nothing(self, shop):
        shop.dispute(None, PART)
        shop.dispute("RESOLVED_WITH_PAYOUT")
        shop.deliver(shop.outbox)
        shop.ask()
        assert shop.payment.refunded_minor == 0
        assert db.session.scalars(select(Dispute.status)).all() == [DisputeStatus.WON]


@pytest.mark.parametrize("gateway", ["stripe"])
def test_a_charge_refunded_in_a_dashboard_is_asked_about_when_nothing_else_tells(shop):
    """Older versions of Stripe's API tell of a refund by its charge alone, without its refunds."""
    shop.company.refund(shop.row.gateway_intent_id, 1_000)
    shop.deliver([letter for letter in shop.outbox if letter.name == "charge.refunded"])
    assert shop.payment.next_check_at is not None
    shop.ask()
    assert (shop.payment.refunded_minor, shop.row.next_check_at) == (1_000, None)
