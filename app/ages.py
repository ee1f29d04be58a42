"""How old things are, as staff and partners read it: `3 h ago`, `2 days late`, and exact on hover."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from flask import Flask
from markupsafe import Markup

from app.kit import clock
from app.workflows.place import here

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MINUTE, _HOUR, _DAY = 60, 60 * 60, 24 * 60 * 60
_TWO_FIGURES = tuple(f"{number:02}" for number in range(60))


def init_app(app: Flask) -> None:
    for show in (exact, day, calendar_day, when, due):
        app.add_template_filter(show)


def exact(moment: datetime) -> str:
    """`22 Nov 2026, 14:05 IST`."""
    return _exact(moment.astimezone(here.zone))


def _exact(local: datetime) -> str:
    return f"{_date(local)}, {_TWO_FIGURES[local.hour]}:{_TWO_FIGURES[local.minute]} {local.tzname()}"


def day(moment: datetime) -> str:
    """`22 Nov 2026`."""
    return _date(moment.astimezone(here.zone))


def _date(local: datetime) -> str:
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}"


def calendar_day(day: date) -> str:
    """`Mon 22 Nov 2026`, of a day that lies in no time zone."""
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def when(moment: datetime | None) -> Markup:
    """`3 h ago`, with the exact time on hover; a dash for never."""
    return _time(moment, ago(moment, clock.utc_now())) if moment else Markup("–")


def due(moment: datetime | None) -> Markup:
    """`3 h late`, or `in 5 h`."""
    return _time(moment, remaining(moment, clock.utc_now())) if moment else Markup("–")


def ago(moment: datetime, now: datetime) -> str:
    age = _seconds(now - moment)
    if age < -_MINUTE:
        return f"in {span(moment - now)}"
    if age < _MINUTE:
        return "just now"
    if age < 7 * _DAY:
        return f"{_span(age)} ago"
    local, today = moment.astimezone(here.zone), now.astimezone(here.zone)
    year = f" {local.year}" if local.year != today.year else ""
    return f"{local.day} {_MONTHS[local.month - 1]}{year}"


def remaining(moment: datetime, now: datetime) -> str:
    return f"{span(now - moment)} late" if moment < now else f"in {span(moment - now)}"


def span(length: timedelta) -> str:
    """`5 min`, `3 h`, `2 days`: the largest unit says enough."""
    return _span(_seconds(length))


def _span(seconds: int) -> str:
    if seconds < _HOUR:
        return f"{max(seconds // _MINUTE, 1)} min"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR} h"
    return f"{seconds // _DAY} days"


def _seconds(length: timedelta) -> int:
    """Whole ones, rounded down: a list has a hundred ages, and numbers are compared faster than lengths of time."""
    return length.days * _DAY + length.seconds


def _time(moment: datetime, text: str) -> Markup:
    # Nothing in here comes from a person, so it needs no escaping.
    return Markup(f"{_beginning(moment, here.zone)}{text}</time>")  # noqa: S704


# A list page has a hundred of these, and most of them when it is looked at again.
@lru_cache(maxsize=4096)
def _beginning(moment: datetime, zone: ZoneInfo) -> str:
    return f'<time datetime="{clock.isoformat(moment)}" title="{_exact(moment.astimezone(zone))}">'
