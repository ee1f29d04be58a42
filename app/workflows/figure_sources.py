"""How each measure is counted between two moments: one statement for all, each part through an index of its own.

Most of the moments that decide lie still once they are past, so the figures of a day that is over hold. What can
still change then says so with `figure_marks.mark`. Whoever changes what is counted here raises `EDITION`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    String,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.functions import FunctionElement

from app.columns import UtcDateTime
from app.db import db
from app.kit import spread
from app.models import (
    AnalyticsEvent,
    ErrorTally,
    Notification,
    NotificationStatus,
    Payment,
    Refund,
    RefundStatus,
    ServiceRequest,
)
from app.workflows.figures import FUNNEL, Figures, Measure

EDITION = 1

_NOTHING: ColumnElement[int] = literal_column("0", BigInteger)
_EACH: ColumnElement[int] = func.count()


@dataclass(frozen=True, slots=True)
class Source:
    """Rows whose `at` lies in the day, tallied by `key`; of those with the same `once`, one counts."""

    measure: Measure
    at: InstrumentedAttribute[Any]
    key: ColumnElement[str]
    count: ColumnElement[int] = _EACH
    amount_minor: ColumnElement[int] = _NOTHING
    where: tuple[ColumnElement[bool], ...] = ()
    once: ColumnElement[str] | None = None

    def counted(self) -> Select[str, str, int, int]:
        within = (
            self.at >= bindparam("start", type_=UtcDateTime),
            self.at < bindparam("end", type_=UtcDateTime),
            *self.where,
        )
        if self.once is not None:
            # PostgreSQL would sort for count(DISTINCT ...), which takes ten times as long.
            different = select(self.once).where(*within).distinct().subquery()
            return select(_word(self.measure), self.key, self.count, self.amount_minor).select_from(different)
        return (
            select(_word(self.measure), self.key, self.count, cast(self.amount_minor, BigInteger))
            .where(*within)
            # By its place: PostgreSQL does not know an expression with parameters again.
            .group_by(literal_column("2"))
        )

    def first(self) -> ColumnElement[datetime]:
        return select(self.at).where(self.at.is_not(None), *self.where).order_by(self.at).limit(1).scalar_subquery()


class _seconds(FunctionElement[int]):  # noqa: N801 - reads like the function that it is
    """Whole seconds since 1970."""

    type = Integer()
    inherit_cache = True


@compiles(_seconds, "postgresql")
def _seconds_on_postgres(element: Any, compiler: Any, **options: Any) -> str:
    return f"CAST(floor(extract(epoch FROM {compiler.process(element.clauses, **options)})) AS BIGINT)"


@compiles(_seconds, "sqlite")
def _seconds_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"CAST(strftime('%s', {compiler.process(element.clauses, **options)}) AS INTEGER)"


def count_between(start: datetime, end: datetime) -> Figures:
    """From `start` until before `end`."""
    rows = db.session.execute(_EVERYTHING, {"start": start, "end": end})
    return Figures.counted((measure, key, count, amount) for measure, key, count, amount in rows)


def first_moment() -> datetime | None:
    """Before it there is nothing to count."""
    return min((moment for moment in db.session.execute(_FIRST).one() if moment is not None), default=None)


def _word(text: str) -> ColumnElement[str]:
    """One of our own words, written into the statement."""
    return literal_column(f"'{text}'", String)


def _text(column: Any) -> ColumnElement[str]:
    """A column as it stands in the table, without a cast that would keep its index out."""
    return type_coerce(column, String)


def _step() -> ColumnElement[str]:
    """The step of `spread` that the wait for the first contact falls into."""
    waited = _seconds(ServiceRequest.first_contact_at) - _seconds(ServiceRequest.payment_completed_at)
    return _halve(waited, 0, len(spread.EDGES))


def _halve(value: ColumnElement[int], low: int, high: int) -> ColumnElement[str]:
    """By halves: asked edge by edge, the database would work out `value` fifty times for each row."""
    if high - low == 1:
        return _word(str(low))
    middle = (low + high) // 2
    is_below = value < literal_column(str(spread.EDGES[middle]))
    return case((is_below, _halve(value, low, middle)), else_=_halve(value, middle, high))


def _outcome() -> ColumnElement[str]:
    outcome = case(
        (_text(Payment.status) == _word("pending"), _word(":open")),
        (_text(Payment.status) == _word("failed"), _word(":failed")),
        else_=_word(":paid"),
    )
    return Payment.gateway + outcome


def _promise() -> ColumnElement[str]:
    return case(
        (ServiceRequest.first_contact_at <= ServiceRequest.due_at, _word("kept")),
        (ServiceRequest.closed_at <= ServiceRequest.due_at, _word("cancelled")),
        else_=_word("late"),
    )


def _sum(column: Any) -> ColumnElement[int]:
    return func.sum(column)


def _steps_of_the_funnel() -> list[Source]:
    # What a gateway tells us has no visitor: each is one.
    visitor = func.coalesce(AnalyticsEvent.visitor, cast(AnalyticsEvent.id, String))
    return [
        Source(
            Measure.FUNNEL,
            AnalyticsEvent.created_at,
            _word(name),
            where=(AnalyticsEvent.name == _word(name),),
            once=visitor,
        )
        for name in FUNNEL
    ]


def _states_of_mail() -> list[Source]:
    return [
        Source(
            Measure.MAIL, Notification.created_at, _word(status), where=(_text(Notification.status) == _word(status),)
        )
        for status in NotificationStatus
    ]


SOURCES = (
    Source(
        Measure.SALES,
        ServiceRequest.payment_completed_at,
        _text(ServiceRequest.currency),
        amount_minor=_sum(ServiceRequest.amount_minor),
    ),
    Source(
        Measure.REFUNDS,
        Refund.completed_at,
        _text(Refund.currency),
        amount_minor=_sum(Refund.amount_minor),
        where=(Refund.status == RefundStatus.COMPLETED,),
    ),
    Source(Measure.PAYMENTS, Payment.created_at, _outcome()),
    Source(
        Measure.FIRST_CONTACT,
        ServiceRequest.first_contact_at,
        _step(),
        where=(ServiceRequest.payment_completed_at <= ServiceRequest.first_contact_at,),
    ),
    Source(Measure.PROMISES, ServiceRequest.due_at, _promise()),
    Source(Measure.ERRORS, ErrorTally.slot, _text(ErrorTally.category), count=_sum(ErrorTally.count)),
    *_steps_of_the_funnel(),
    *_states_of_mail(),
)

_EVERYTHING: CompoundSelect[Any] = union_all(*(source.counted() for source in SOURCES))
_FIRST = select(*(source.first() for source in SOURCES))
