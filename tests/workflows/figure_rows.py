"""Rows of every kind that figures are counted from, and the figures of a period counted one row after the other."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from app.db import transaction
from app.kit import spread
from app.kit.periods import Period
from app.models import (
    AnalyticsEvent,
    ErrorCategory,
    ErrorTally,
    Notification,
    NotificationStatus,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    RequestStatus,
)
from app.workflows.analytics import EVENTS
from app.workflows.figures import FUNNEL, Figures, Measure
from tests.admin.rows import new_request

BEGINNING = datetime(2026, 2, 20, tzinfo=UTC)
# With summer time, with odd offsets, and on both sides of Greenwich.
ZONES = ("UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe")
CURRENCIES = ("INR", "JPY", "KWD")

_numbers = count(1)


@dataclass
class Rows:
    """What one example stores."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    payments: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    mails: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)


def rows(zone: ZoneInfo, now: datetime) -> st.SearchStrategy[Rows]:
    at = moments(zone, now)
    few = {"max_size": 6}
    return st.builds(
        Rows,
        requests=st.lists(_requests(at, now), **few),
        payments=st.lists(_payments(at), **few),
        refunds=st.lists(_refunds(at), **few),
        events=st.lists(_events(at), **few),
        mails=st.lists(st.fixed_dictionaries({"created_at": at, "status": st.sampled_from(NotificationStatus)}), **few),
        errors=st.lists(_errors(at), **few),
    )


def moments(zone: ZoneInfo, now: datetime) -> st.SearchStrategy[datetime]:
    """Any moment of the months before `now`, and more often one beside midnight."""
    anything = st.datetimes(BEGINNING.replace(tzinfo=None), now.replace(tzinfo=None), timezones=st.just(UTC))
    days = st.dates(BEGINNING.date() + timedelta(days=1), now.date() - timedelta(days=1))
    beside = st.builds(
        lambda day, seconds: datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(seconds=seconds),
        days,
        st.sampled_from((-1, 0, 1)),
    )
    return anything | beside.map(lambda moment: moment.astimezone(UTC))


def _requests(at: st.SearchStrategy[datetime], now: datetime) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        _request,
        at,
        *[st.none() | st.integers(0, 40 * 24 * 3600)] * 3,
        st.sampled_from(CURRENCIES),
        st.integers(1, 10**9),
    ).map(lambda values: _until(values, now))


def _request(
    paid: datetime, contact: int | None, due: int | None, closed: int | None, currency: str, amount: int
) -> dict[str, Any]:
    return {
        "payment_completed_at": paid,
        "first_contact_at": None if contact is None else paid + timedelta(seconds=contact),
        "due_at": None if due is None else paid + timedelta(seconds=due),
        "closed_at": None if closed is None else paid + timedelta(seconds=closed),
        "currency": currency,
        "amount_minor": amount,
    }


def _until(values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Nothing but what is due lies in the future."""
    late = {name for name in ("first_contact_at", "closed_at") if values[name] and values[name] > now}
    return values | dict.fromkeys(late)


def _payments(at: st.SearchStrategy[datetime]) -> st.SearchStrategy[dict[str, Any]]:
    gateway, status = st.sampled_from(("stripe", "sandbox")), st.sampled_from(PaymentStatus)
    return st.fixed_dictionaries({"created_at": at, "gateway": gateway, "status": status})


def _refunds(at: st.SearchStrategy[datetime]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "completed_at": at,
            "status": st.sampled_from((RefundStatus.COMPLETED, RefundStatus.COMPLETED, RefundStatus.PENDING)),
            "currency": st.sampled_from(CURRENCIES),
            "amount_minor": st.integers(1, 10**9),
        }
    )


def _events(at: st.SearchStrategy[datetime]) -> st.SearchStrategy[dict[str, Any]]:
    visitor = st.none() | st.sampled_from(("one", "other"))
    return st.fixed_dictionaries({"created_at": at, "name": st.sampled_from(EVENTS), "visitor": visitor})


def _errors(at: st.SearchStrategy[datetime]) -> st.SearchStrategy[dict[str, Any]]:
    quarters = at.map(lambda moment: moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0))
    return st.fixed_dictionaries(
        {"slot": quarters, "category": st.sampled_from(ErrorCategory), "count": st.integers(1, 50)}
    )


def store(rows: Rows, service: Any) -> None:
    with transaction() as session:
        requests = [_stored_request(values, service) for values in rows.requests]
        session.add_all(requests)
        home = new_request(service, payment_completed_at=None)
        session.add(home)
        session.flush()
        session.add_all(payment_row(home, **values) for values in rows.payments)
        paid = payment_row(home, created_at=BEGINNING - timedelta(days=900))
        session.add(paid)
        session.flush()
        session.add_all(Refund(payment_id=paid.id, gateway="stripe", **values) for values in rows.refunds)
        session.add_all(AnalyticsEvent(**values) for values in rows.events)
        session.add_all(mail_row(**values) for values in rows.mails)
        session.add_all(ErrorTally(**values) for values in _merged(rows.errors))


def _stored_request(values: dict[str, Any], service: Any) -> Any:
    status = RequestStatus.CANCELLED if values["closed_at"] else RequestStatus.PENDING_CONTACT
    return new_request(service, status=status, created_at=values["payment_completed_at"], **values)


def payment_row(home: Any, **values: Any) -> Payment:
    usual = {"gateway": "stripe", "amount_minor": 100, "currency": "INR", "status": PaymentStatus.COMPLETED}
    return Payment(service_request_id=home.id, idempotency_key=f"figure-{next(_numbers)}", **usual | values)


def mail_row(**values: Any) -> Notification:
    number = next(_numbers)
    return Notification(
        kind="alert",
        dedupe_key=f"figure-{number}",
        message_id=f"<{number}@figures>",
        recipient="someone@example.org",
        **values,
    )


def counted(rows: Rows, period: Period, *, zone: ZoneInfo, now: datetime) -> Figures:
    """One row after the other, as a person would."""
    moments = _moments(rows, zone, now=now)
    return Figures.counted(
        (measure, key, 1, amount) for at, measure, key, amount in moments if _day(at, zone) in period
    )


Moment = tuple[datetime, str, str, int]
"""When something counts, as what, and how much money it is."""


def _moments(rows: Rows, zone: ZoneInfo, *, now: datetime) -> Iterator[Moment]:
    for each in rows.requests:
        yield from _moments_of(each, now)
    for each in rows.payments:
        yield each["created_at"], Measure.PAYMENTS, f"{each['gateway']}:{_outcome(each)}", 0
    for each in rows.refunds:
        if each["status"] is RefundStatus.COMPLETED:
            yield each["completed_at"], Measure.REFUNDS, each["currency"], each["amount_minor"]
    for each in rows.mails:
        yield each["created_at"], Measure.MAIL, each["status"].value, 0
    for each in _merged(rows.errors):
        yield from [(each["slot"], Measure.ERRORS, each["category"].value, 0)] * each["count"]
    for each in {_visit(each, zone): each for each in rows.events if each["name"] in FUNNEL}.values():
        yield each["created_at"], Measure.FUNNEL, each["name"], 0


def _day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def _outcome(payment: dict[str, Any]) -> str:
    return {"pending": "open", "failed": "failed"}.get(payment["status"], "paid")


def _visit(event: dict[str, Any], zone: ZoneInfo) -> tuple[str, date, object]:
    """A step, once a day for each visitor; what has no visitor is one of its own."""
    return event["name"], _day(event["created_at"], zone), event["visitor"] or object()


def _merged(errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each quarter of an hour and category: the last."""
    return list({(each["slot"], each["category"]): each for each in errors}.values())


def _moments_of(request: dict[str, Any], now: datetime) -> Iterator[Moment]:
    paid, contact, due, closed = (
        request[f"{name}_at"] for name in ("payment_completed", "first_contact", "due", "closed")
    )
    yield paid, Measure.SALES, request["currency"], request["amount_minor"]
    if contact:
        waited = int(contact.timestamp()) - int(paid.timestamp())
        yield contact, Measure.FIRST_CONTACT, str(spread.place(waited)), 0
    if due and due <= now:
        kept = contact is not None and contact <= due
        gone = closed is not None and closed <= due
        yield due, Measure.PROMISES, "kept" if kept else "cancelled" if gone else "late", 0
