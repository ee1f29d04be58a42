"""The one source of the current time."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def utc_now() -> datetime:
    return datetime.now(UTC)


def isoformat(moment: datetime) -> str:
    """ISO 8601 in UTC with a `Z`, the form every JSON answer carries."""
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds')[:-6]}Z"


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a calendar day of `zone`, in UTC."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant after a calendar day of `zone`, in UTC: an exclusive bound."""
    return start_of_day(day + timedelta(days=1), zone)
