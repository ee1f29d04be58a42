"""What the reference number alone shows."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db import transaction
from app.gateways.base import SnapshotStatus
from app.kit import clock, ids
from app.models import OPEN_STATUSES, RequestStatus
from app.postgres import PostgresConnection
from app.workflows import payments, status, tracking
from app.workflows.audit import SYSTEM
from tests.factories import make_customer, make_payment, make_request, snapshot_of
from tests.pages import Page, squeeze
from tests.statements import asked
from tests.strategies import customers

LABELS = {
    "payment_confirmed": "Payment confirmed",
    "pending_contact": "Awaiting first contact",
    "team_assigned": "Specialist assigned",
    "in_progress": "In progress",
    "completed": "Completed",
    "cancelled": "Cancelled",
}


@pytest.mark.sqlite
@pytest.mark.property(24)
@given(wanted=st.sampled_from(RequestStatus), customer=customers())
def test_every_reference_shows_the_status_of_its_request_and_nothing_personal(
    session: Any, client: Any, wanted: RequestStatus, customer: Any
) -> None:
    service_request = make_request(customer=customer, status=wanted)
    page = Page(client.get(f"/track/{service_request.reference_number}").text)
    assert LABELS[wanted] in page.words
    assert service_request.reference_number in page.words
    assert squeeze(service_request.service_name) in page.words
    assert customer.email not in page.words
    assert customer.phone[3:] not in page.words.replace(" ", "")


@pytest.mark.postgres
def test_following_costs_one_round_trip(session, client, monkeypatch):
    address = f"/track/{make_request().reference_number}"
    client.get(address)
    session.rollback()
    by_itself, carry_out = [], PostgresConnection.carry_out

    def noted(connection, *statement):
        by_itself.append(connection.autocommit)
        return carry_out(connection, *statement)

    monkeypatch.setattr(PostgresConnection, "carry_out", noted)
    with asked() as statements:
        assert client.get(address).status_code == 200
    assert [statement.split()[0] for statement in statements] == ["SELECT"]
    assert by_itself == [True]


@pytest.fixture
def paid(session: Any) -> Any:
    return make_request()


@pytest.mark.property(25)
@given(wanted=st.sampled_from(RequestStatus))
def test_every_status_has_its_label(wanted: RequestStatus) -> None:
    assert wanted.label == LABELS[wanted.value]


@pytest.mark.sqlite
@pytest.mark.property(27)
@given(wanted=st.sampled_from(RequestStatus), hours=st.integers(-50, 200), waits=st.booleans())
def test_every_status_says_what_comes_next(
    client: Any, paid: Any, wanted: RequestStatus, hours: int, waits: bool
) -> None:
    service_request, due_at = paid, clock.utc_now() + timedelta(hours=hours)
    with transaction():
        service_request.status, service_request.due_at = wanted, None if waits else due_at
        service_request.waiting_since = clock.utc_now() if waits else None
        service_request.closed_at = None if wanted in OPEN_STATUSES else clock.utc_now()
    page = Page(client.get(f"/track/{service_request.reference_number}").text)
    step = tracking.next_step(service_request)
    assert f"Next: {step.text}" in page.words
    assert "Timeline" in page.words
    coming = {
        RequestStatus.PAYMENT_CONFIRMED,
        RequestStatus.PENDING_CONTACT,
        RequestStatus.TEAM_ASSIGNED,
    }
    is_promised = wanted in coming and not waits
    assert ("say when we can call you" in page.words) is (waits and wanted in OPEN_STATUSES)
    assert bool(page.find("time", datetime=due_at.isoformat())) is is_promised


def test_the_timeline_has_done_current_and_coming_steps_in_order(session: Any, client: Any) -> None:
    service_request = make_request()
    with transaction():
        status.change_status(service_request, RequestStatus.IN_PROGRESS, actor=SYSTEM)
    page = Page(client.get(f"/track/{service_request.reference_number}").text)
    steps = [(found["class"] or "").split()[-1] for found in page.find("li") if "moment" in (found.get("class") or "")]
    assert steps == ["moment-done", "moment-done", "moment-done", "moment-current", "moment-coming"]


def test_an_unpaid_request_waits_for_its_payment(session: Any, client: Any) -> None:
    payment = make_payment()
    address = f"/track/{payment.service_request.reference_number}"
    assert "Waiting for the payment" in client.get(address).text
    with transaction():
        payments.settle(payment.id, snapshot_of(payment, SnapshotStatus.FAILED))
    assert "The payment did not go through" in client.get(address).text


def test_staff_notes_on_a_change_stay_with_staff(session: Any, client: Any) -> None:
    service_request = make_request(customer=make_customer(full_name="Zubeida Khan"))
    with transaction():
        status.change_status(service_request, RequestStatus.IN_PROGRESS, actor=SYSTEM, note="Difficult Zubeida")
    assert "Zubeida" not in client.get(f"/track/{service_request.reference_number}").text


def test_a_reference_is_found_however_it_is_typed(session: Any, client: Any) -> None:
    reference = make_request().reference_number
    for typed in (reference.lower(), reference.replace("-", " "), f"  {reference} ", reference.removeprefix("SR-")):
        answer = client.get("/track", query_string={"reference": typed})
        assert answer.status_code == 303
        assert answer.location.endswith(f"/track/{reference}")


def test_a_slip_of_the_finger_is_told_from_an_unknown_number(client: Any) -> None:
    unknown = ids.new_reference_number()
    slip = unknown[:-1] + ("0" if unknown[-1] != "0" else "1")
    for address, words in ((unknown, "We know no request"), (slip, "typing mistake")):
        answer = client.get(f"/track/{address}")
        assert answer.status_code == 404
        assert words in answer.text
        assert Page(answer.text).find("input", name="reference", value=address)
    assert "typing mistake" in client.get("/track", query_string={"reference": slip}).text


@pytest.mark.parametrize("typed", ["%00", "é", "<script>alert(1)</script>", "x" * 5000, "SR-\U0001f600"])
def test_whatever_is_typed_is_answered_in_words(client: Any, typed: str) -> None:
    answer = client.get("/track", query_string={"reference": typed})
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text
