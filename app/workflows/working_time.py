"""When the business works and when each provider does: kept in tables, asked for deadlines and for routing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Date,
    and_,
    bindparam,
    delete,
    exists,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.exc import IntegrityError

from app.db import db
from app.errors import InvalidInput
from app.kit import clock
from app.kit.calendar import DAY_MINUTES, Calendar, Hours, format_hours
from app.models import DayOff, ProviderProfile, User, WorkingHours
from app.workflows import audit
from app.workflows.audit import Actor
from app.workflows.editions import Kept
from app.workflows.place import here

MOST_DAYS = 366
_WHOLE_WEEK = {weekday: (Hours(0, DAY_MINUTES),) for weekday in range(7)}
_NO_DAY = type_coerce(null(), Date).label("day")
_READ_BUSINESS: CompoundSelect[*tuple[Any, ...]] = union_all(
    select(WorkingHours.weekday, WorkingHours.opens, WorkingHours.closes, _NO_DAY).where(
        WorkingHours.provider_id.is_(None)
    ),
    select(null(), null(), null(), DayOff.day).where(DayOff.provider_id.is_(None)),
).order_by("opens")


def business() -> Calendar:
    """The one calendar that deadlines are counted in; always open until hours are set."""
    week, days = _BUSINESS.lately()
    return Calendar(week, here.zone, days)


def _read_business() -> tuple[Mapping[int, tuple[Hours, ...]], frozenset[date]]:
    week: dict[int, tuple[Hours, ...]] = defaultdict(tuple)
    days = set()
    for weekday, opens, closes, day in db.session.connection().execute(_READ_BUSINESS):
        if day is None:
            week[weekday] += (Hours(opens, closes),)
        else:
            days.add(day)
    return week or _WHOLE_WEEK, frozenset(days)


def hours_of(provider_id: UUID | None) -> Mapping[int, tuple[Hours, ...]]:
    """By weekday, Monday is 0; empty when none were set."""
    query = select(WorkingHours).where(WorkingHours.provider_id == provider_id).order_by(WorkingHours.opens)
    week: dict[int, tuple[Hours, ...]] = defaultdict(tuple)
    for row in db.session.scalars(query):
        week[row.weekday] += (Hours(row.opens, row.closes),)
    return dict(week)


def days_off(provider_id: UUID | None, *, since: date) -> Sequence[DayOff]:
    query = select(DayOff).where(DayOff.provider_id == provider_id, DayOff.day >= since).order_by(DayOff.day)
    return db.session.scalars(query).all()


def today() -> date:
    return clock.utc_now().astimezone(here.zone).date()


def works() -> ColumnElement[bool]:
    """For a query over `ProviderProfile` that is asked with `at`: who is in their working hours, and has no day off.

    A provider without hours of their own has those of the business, which is always open until it has some.
    """
    own, business = WorkingHours.provider_id == ProviderProfile.user_id, WorkingHours.provider_id.is_(None)
    is_now = and_(
        WorkingHours.weekday == bindparam("weekday"),
        WorkingHours.opens <= bindparam("minute"),
        WorkingHours.closes > bindparam("minute"),
    )
    is_open = or_(exists().where(business, is_now), ~exists().where(business))
    in_hours = or_(exists().where(own, is_now), and_(~exists().where(own), is_open))
    is_theirs = or_(DayOff.provider_id == ProviderProfile.user_id, DayOff.provider_id.is_(None))
    return and_(in_hours, ~exists().where(is_theirs, DayOff.day == bindparam("today")))


def at(moment: datetime) -> dict[str, object]:
    """What `works` is asked with."""
    local = moment.astimezone(here.zone)
    return {"weekday": local.weekday(), "minute": local.hour * 60 + local.minute, "today": local.date()}


# --- changes


def set_hours(week: Mapping[int, Sequence[Hours]], *, provider: User | None, actor: Actor) -> None:
    """Replace all hours; none at all means always open, or for a provider: as the business.

    Raises InvalidInput when hours of one day overlap.
    """
    for hours in week.values():
        _ensure_apart(hours)
    owner = provider.id if provider else None
    before = _words(hours_of(owner))
    db.session.execute(delete(WorkingHours).where(WorkingHours.provider_id == owner))
    db.session.add_all(
        WorkingHours(provider_id=owner, weekday=weekday, opens=each.opens, closes=each.closes)
        for weekday, hours in sorted(week.items())
        for each in hours
    )
    db.session.flush()
    audit.record("hours.changed", provider, actor=actor, before={"week": before}, after={"week": _words(week)})


def add_days_off(first: date, last: date, name: str, *, provider: User | None, actor: Actor) -> int:
    """From one day to another, both included; those that are off already stay. How many are new.

    Raises InvalidInput for days that run backwards, or too many.
    """
    count = (last - first).days + 1
    if not 0 < count <= MOST_DAYS:
        raise InvalidInput(
            f"The last day must not come before the first, and at most {MOST_DAYS} days go at once.",
            details={"last": "Choose a later day."},
        )
    owner = provider.id if provider else None
    added = [day for day in (first + timedelta(days=n) for n in range(count)) if _add_day(day, name.strip(), owner)]
    audit.record("days_off.added", provider, actor=actor, after={"first": first, "last": last, "name": name.strip()})
    return len(added)


def remove_days_off(keys: Sequence[UUID], *, provider: User | None, actor: Actor) -> None:
    owner = provider.id if provider else None
    rows = db.session.scalars(select(DayOff).where(DayOff.id.in_(keys), DayOff.provider_id == owner)).all()
    for row in rows:
        audit.record("days_off.removed", provider, actor=actor, before={"day": row.day, "name": row.name})
        db.session.delete(row)
    db.session.flush()


def _add_day(day: date, name: str, owner: UUID | None) -> bool:
    try:
        with db.session.begin_nested():
            db.session.add(DayOff(provider_id=owner, day=day, name=name[:100]))
    except IntegrityError:
        return False
    return True


def _ensure_apart(hours: Sequence[Hours]) -> None:
    ordered = sorted(hours, key=lambda each: each.opens)
    if any(first.closes > second.opens for first, second in pairwise(ordered)):
        raise InvalidInput("The hours of one day overlap.", details={"week": "Let one end before the next begins."})


def _words(week: Mapping[int, Sequence[Hours]]) -> dict[str, str]:
    return {str(weekday): format_hours(hours) for weekday, hours in sorted(week.items())}


_BUSINESS = Kept("hours", _read_business)
