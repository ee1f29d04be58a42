"""Following a request from a program."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit import ids
from app.models import RequestStatus
from tests.factories import make_request
from tests.strategies import customers


@pytest.mark.sqlite
@pytest.mark.property(24, 27)
@given(wanted=st.sampled_from(RequestStatus), customer=customers())
def test_a_reference_tells_status_timeline_and_next_step_and_nothing_personal(
    session: Any, client: Any, wanted: RequestStatus, customer: Any
) -> None:
    service_request = make_request(customer=customer, status=wanted)
    answer = client.get(f"/api/services/requests/{service_request.reference_number}")
    body = answer.json
    assert body["request"]["status"] == wanted.value
    assert body["request"]["statusLabel"] == wanted.label
    assert body["request"]["service"]["name"] == service_request.service_name
    assert [step["status"] for step in body["timeline"]] == ["payment_confirmed", "pending_contact"]
    assert all(step["timestamp"].endswith("Z") for step in body["timeline"])
    assert body["estimatedNextStep"]
    assert customer.email not in answer.text
    assert customer.phone not in answer.text


def test_an_unknown_reference_is_told_from_a_mistyped_one(client: Any) -> None:
    unknown = ids.new_reference_number()
    assert client.get(f"/api/services/requests/{unknown}").json["error"]["code"] == "reference_unknown"
    slip = unknown[:-1] + ("0" if unknown[-1] != "0" else "1")
    assert client.get(f"/api/services/requests/{slip}").json["error"]["code"] == "reference_mistyped"
