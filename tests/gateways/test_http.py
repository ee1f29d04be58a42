"""Calls that fail: how often they are made again, after what pause, and that nothing is done twice."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.gateways.base import BadCredentials, GatewayError, GatewayUnavailable, UnknownPayment
from app.gateways.network.http import PatientSession
from app.kit.money import Money
from tests.gateways.wishes import to_pay, to_refund
from tests.simulator import Fault

CURRENCIES = {"stripe": "INR", "razorpay": "INR", "paypal": "USD"}
CREATE = {
    "stripe": "/stripe/v1/payment_intents",
    "razorpay": "/razorpay/v1/orders",
    "paypal": "/paypal/v2/checkout/orders",
}
FETCH = CREATE
REFUND = {"stripe": "/stripe/v1/refunds", "razorpay": "/razorpay/v1/payments", "paypal": "/paypal/v2/payments/captures"}
GATEWAYS = sorted(CREATE)
BEFORE_WORK = (Fault.TOO_MANY, Fault.FAULTY, Fault.BAD_GATEWAY, Fault.RESET, Fault.HANG)
AFTER_WORK = (Fault.CUT, Fault.HANG_AFTER)

pytestmark = pytest.mark.usefixtures("waits")


def some_faults():
    # Silence costs a quarter of a second each time, so it is drawn less often.
    quick = [Fault.TOO_MANY, Fault.FAULTY, Fault.BAD_GATEWAY, Fault.RESET, Fault.CUT]
    return st.lists(st.sampled_from([*quick * 8, Fault.HANG, Fault.HANG_AFTER]), max_size=4)


def tries_for(faults: list[Fault]) -> int:
    return min(len(faults) + 1, 3)


def assert_growing_with_jitter(waits: list[float]) -> None:
    for number, wait in enumerate(waits):
        whole = 0.5 * 2**number
        assert whole / 2 <= wait <= whole


def paid(simulator, gateway: str):
    adapter = simulator.adapter(gateway)
    intent = adapter.create_payment_intent(to_pay(Money(5_000, CURRENCIES[gateway])))
    getattr(simulator, gateway).pay(intent.gateway_intent_id)
    return adapter.fetch_payment(intent.gateway_intent_id)


@pytest.mark.property(35)
@pytest.mark.parametrize("gateway", ["stripe", "paypal"])
@hypothesis_settings(max_examples=100)
@given(faults=some_faults())
def test_a_call_with_a_key_is_made_up_to_three_times_and_done_once(simulator, waits, gateway, faults):
    simulator.clear()
    waits.clear()
    adapter = simulator.adapter(gateway)
    simulator.faults.plan("POST", CREATE[gateway], *faults)
    wish = to_pay(Money(5_000, CURRENCIES[gateway]))

    if len(faults) < 3:
        intent = adapter.create_payment_intent(wish)
        assert intent.gateway_intent_id in simulator.ledger.orders
    else:
        with pytest.raises(GatewayUnavailable) as raised:
            adapter.create_payment_intent(wish)
        assert raised.value.retryable
        assert raised.value.message
        assert raised.value.suggested_action

    assert simulator.faults.count("POST", CREATE[gateway]) == tries_for(faults)
    assert len(waits) == tries_for(faults) - 1
    assert_growing_with_jitter(waits)
    was_done = len(faults) < 3 or any(fault.is_after_work for fault in faults[:3])
    assert len(simulator.ledger.orders) == int(was_done)


@pytest.mark.property(35)
@given(faults=some_faults())
def test_an_order_without_a_key_is_looked_for_before_it_is_made_again(simulator, waits, faults):
    simulator.clear()
    waits.clear()
    adapter = simulator.adapter("razorpay")
    simulator.faults.plan("POST", CREATE["razorpay"], *faults)
    wish = to_pay(Money(5_000, "INR"))
    heard = next((number for number, fault in enumerate(faults) if fault.is_after_work), len(faults))

    if min(heard, len(faults)) < 2 or len(faults) < 3:
        intent = adapter.create_payment_intent(wish)
        assert list(simulator.ledger.orders) == [intent.gateway_intent_id]
    else:
        with pytest.raises(GatewayUnavailable):
            adapter.create_payment_intent(wish)
        simulator.faults.clear()
        # The customer presses again: what the last try may have made is found.
        made = set(simulator.ledger.orders)
        intent = adapter.create_payment_intent(wish)
        assert {intent.gateway_intent_id} | made == set(simulator.ledger.orders)

    assert len(simulator.ledger.orders) == 1
    assert_growing_with_jitter(waits)


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize("fault", BEFORE_WORK)
def test_asking_is_tried_three_times_as_well(simulator, waits, gateway, fault):
    snapshot = paid(simulator, gateway)
    simulator.faults.plan("GET", FETCH[gateway], fault, fault)
    assert simulator.adapter(gateway).fetch_payment(snapshot.gateway_intent_id) == snapshot
    assert len(waits) == 2

    simulator.faults.clear()
    simulator.faults.plan("GET", FETCH[gateway], fault, fault, fault)
    with pytest.raises(GatewayUnavailable):
        simulator.adapter(gateway).fetch_payment(snapshot.gateway_intent_id)
    assert simulator.faults.count("GET", FETCH[gateway]) == 3


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize("fault", AFTER_WORK)
def test_an_answer_cut_after_the_work_makes_one_refund(simulator, gateway, fault):
    snapshot = paid(simulator, gateway)
    simulator.faults.plan("POST", REFUND[gateway], fault, fault)
    result = simulator.adapter(gateway).refund(to_refund(snapshot, 1_000))
    (refund,) = simulator.ledger.refunds_of(gateway)
    assert (refund.id, refund.amount) == (result.gateway_refund_id, 1_000)
    assert simulator.faults.count("POST", REFUND[gateway]) == 3


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_refund_nobody_heard_the_answer_of_is_made_once_by_asking_again_later(simulator, gateway):
    snapshot = paid(simulator, gateway)
    wish = to_refund(snapshot, 1_000)
    simulator.faults.plan("POST", REFUND[gateway], *[Fault.CUT] * 3)
    with pytest.raises(GatewayUnavailable):
        simulator.adapter(gateway).refund(wish)
    simulator.adapter(gateway).refund(wish)
    assert len(simulator.ledger.refunds_of(gateway)) == 1


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize(
    ("fault", "error"),
    [(Fault.NONSENSE, GatewayError), (Fault.BUSY, GatewayUnavailable), (Fault.NO_JSON, GatewayUnavailable)],
)
def test_nothing_else_is_tried_again(simulator, waits, gateway, fault, error):
    snapshot = paid(simulator, gateway)
    simulator.faults.plan("POST", REFUND[gateway], fault)
    with pytest.raises(error) as raised:
        simulator.adapter(gateway).refund(to_refund(snapshot, 1_000))
    assert raised.value.retryable is issubclass(error, GatewayUnavailable)
    assert simulator.faults.count("POST", REFUND[gateway]) == 1
    assert waits == []


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_wrong_keys_are_no_reason_to_try_again(simulator, waits, gateway):
    right = simulator.config(gateway)
    adapter = simulator.adapter(gateway, api_secret=right.api_secret + "x")
    with pytest.raises(BadCredentials) as raised:
        adapter.create_payment_intent(to_pay(Money(5_000, CURRENCIES[gateway])))
    assert "key" not in raised.value.message.lower()
    with pytest.raises(BadCredentials, match="does not accept"):
        adapter.check_credentials()
    assert waits == []


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_payment_they_do_not_know_is_told_apart(simulator, waits, gateway):
    with pytest.raises(UnknownPayment):
        simulator.adapter(gateway).fetch_payment("order_nobody_made")
    assert waits == []


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_nobody_there_is_unavailable_after_three_tries(waits, simulator, gateway):
    adapter = simulator.adapter(gateway, api_base="http://127.0.0.1:9")
    with pytest.raises(GatewayUnavailable) as raised:
        adapter.create_payment_intent(to_pay(Money(5_000, CURRENCIES[gateway])))
    assert "not been charged" in raised.value.message
    assert len(waits) == 2


def test_every_call_has_a_timeout_whatever_an_sdk_asks_for(simulator, waits):
    seen = {}

    class Watched(PatientSession):
        def _send_once(self, request, options):
            seen.update(options)
            return super()._send_once(request, options)

    Watched().get(f"{simulator.url}/stripe/v3/", timeout=None, allow_redirects=True)
    assert seen["timeout"] == (1, 0.25)
    assert seen["allow_redirects"] is False


def test_a_plea_to_wait_is_heard_within_reason(simulator, waits):
    snapshot = paid(simulator, "stripe")
    simulator.faults.retry_after = "3"
    simulator.faults.plan("GET", FETCH["stripe"], Fault.TOO_MANY)
    simulator.adapter("stripe").fetch_payment(snapshot.gateway_intent_id)
    simulator.faults.retry_after = "86400"
    simulator.faults.plan("GET", FETCH["stripe"], Fault.TOO_MANY)
    simulator.adapter("stripe").fetch_payment(snapshot.gateway_intent_id)
    assert waits == [3, 5]
