"""Rows of every kind that figures are counted from, and the figures of a period counted one row after the other."""

from collections.abc import Callable
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
    figures = Figures()

    def is_in(moment: datetime | None) -> bool:
        return moment is not None and moment.astimezone(zone).date() in period

    for each in rows.requests:
        _count_request(figures, each, is_in=is_in, now=now)
    for each in rows.payments:
        figures.add(Measure.PAYMENTS, f"{each['gateway']}:{_outcome(each)}", count=is_in(each["created_at"]))
    for each in filter(_is_completed, rows.refunds):
        amount = each["amount_minor"] * is_in(each["completed_at"])
        figures.add(Measure.REFUNDS, each["currency"], count=amount > 0, amount_minor=amount)
    for each in rows.mails:
        figures.add(Measure.MAIL, each["status"].value, count=is_in(each["created_at"]))
    for each in _merged(rows.errors):
        figures.add(Measure.ERRORS, each["category"].value, count=each["count"] * is_in(each["slot"]))
    for name, day, _ in {_visit(each, zone) for each in rows.events}:
        figures.add(Measure.FUNNEL, name, count=name in FUNNEL and day in period)
    return figures


def _outcome(payment: dict[str, Any]) -> str:
    return {"pending": "open", "failed": "failed"}.get(payment["status"], "paid")


def _is_completed(refund: dict[str, Any]) -> bool:
    return refund["status"] is RefundStatus.COMPLETED


def _visit(event: dict[str, Any], zone: ZoneInfo) -> tuple[str, date, object]:
    """A step, once a day for each visitor; what has no visitor is one of its own."""
    return event["name"], event["created_at"].astimezone(zone).date(), event["visitor"] or object()


def _merged(errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each quarter of an hour and category: the last."""
    return list({(each["slot"], each["category"]): each for each in errors}.values())


def _count_request(
    figures: Figures, each: dict[str, Any], *, is_in: Callable[[datetime | None], bool], now: datetime
) -> None:
    paid, contact, due, closed = (
        each[f"{name}_at"] for name in ("payment_completed", "first_contact", "due", "closed")
    )
    if is_in(paid):
        figures.add(Measure.SALES, each["currency"], count=1, amount_minor=each["amount_minor"])
    if is_in(contact):
        waited = int(contact.timestamp()) - int(paid.timestamp())
        figures.add(Measure.FIRST_CONTACT, str(spread.place(waited)), count=1)
    if is_in(due) and due <= now:
        kept = contact is not None and contact <= due
        gone = closed is not None and closed <= due
        figures.add(Measure.PROMISES, "kept" if kept else "cancelled" if gone else "late", count=1)
