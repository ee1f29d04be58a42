"""Every kind of letter, about whatever people buy and whatever they are called."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from app.kit import clock
from app.models import RequestStatus, StatusChange
from app.stationery import stationery
from app.workflows import letter_samples, letters, tracking
from tests import strategies
from tests.pages import Page, squeeze

EARLY, LATE = datetime(2020, 1, 1), datetime(2040, 1, 1)  # noqa: DTZ001 - Hypothesis adds the zone

sold = st.fixed_dictionaries(
    {
        "service_name": strategies.names(),
        "tier_name": st.none() | strategies.names(),
        "amount_minor": strategies.prices(),
        "currency": strategies.currencies(),
        "status": st.sampled_from(RequestStatus),
        "due_at": st.none() | st.datetimes(timezones=st.just(UTC), min_value=EARLY, max_value=LATE),
        "waiting_since": st.none() | st.just(clock.utc_now()),
    }
)


@given(customer=strategies.customers(), sold=sold, note=st.none() | strategies.requirements())
def test_every_kind_about_requests_can_be_written_about_every_one(app, customer, sold, note):
    with app.app_context():
        for kind in [name for name, found in letters.KINDS.items() if not found.about_account]:
            case = letter_samples.sample(kind, stationery())
            retell(case, customer, sold, note)
            letter = letters.preview(case)
            request = case.notification.service_request
            assert request.reference_number in letter.subject
            for part in (letter.text, Page(letter.html).words):
                assert "{{" not in part
                assert [text for text in spoken_of(kind, case) if squeeze(text) not in squeeze(part)] == []
            assert "\n" not in letter.subject
            # Some mail programs cut off what is longer.
            assert len(letter.html.encode()) < 100_000


def retell(case, customer, sold, note):
    """The same case about somebody else, who bought something else."""
    request = case.notification.service_request
    told = {f"customer_{name}": getattr(customer, name) for name in ("email", "phone", "requirements")}
    for name, value in (sold | told | {"customer_name": customer.full_name}).items():
        setattr(request, name, value)
    for row in case.rows:
        for name in {"amount_minor", "currency"} & set(dir(row)):
            setattr(row, name, sold[name])
    case.about(StatusChange).notes = note


def spoken_of(kind, case):
    """What must stand in a letter of this kind, in both of its parts."""
    request, change = case.notification.service_request, case.about(StatusChange)
    amount, name = request.amount.format(), request.customer_name
    wanted = {
        "payment_confirmed": [name, request.title, amount, tracking.next_step(request).text],
        "payment_failed": [name, request.title, amount],
        "customer_awaited": [name, request.title],
        "refund_issued": [name, request.title, amount],
        "status_changed": [name, request.title, change.new_status.label, change.notes or ""],
        "provider_assigned": [name, request.title, amount, request.customer_email, request.customer_requirements],
        "new_request": [name, request.title],
        "no_provider": [request.title],
        "alert": [],
    }[kind]
    return [request.reference_number, *wanted]
