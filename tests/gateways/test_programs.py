"""What a program gets of a payment that it opened: enough to have the customer pay it with the gateway's own script."""

import pytest

from tests.factories import make_service
from tests.gateways.shop import CURRENCIES, set_up


@pytest.mark.sqlite
@pytest.mark.parametrize("gateway", sorted(CURRENCIES))
def test_the_client_secret_is_what_the_gateways_script_opens(simulator, client, session, gateway):
    set_up(simulator, gateway)
    service = make_service(currency=CURRENCIES[gateway])
    customer = {
        "fullName": "Kavya Iyer",
        "email": "kavya@example.org",
        "phone": "+917000012345",
        "requirements": "Call",
    }
    answer = client.post("/api/services/purchase", json={"serviceId": str(service.id), "customer": customer})
    assert answer.status_code == 201, answer.text
    intent = answer.json["paymentIntent"]
    [order] = simulator.ledger.of(gateway)
    assert intent["gateway"] == gateway
    assert intent["clientSecret"].startswith(order.id)
