"""The form of a working week and its days off, shared by the console and the providers' pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from app.errors import InvalidInput
from app.kit import ids
from app.kit.calendar import Hours, format_hours, parse_hours
from app.models import DayOff, User
from app.workflows import working_time
from app.workflows.audit import Actor

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LAST_YEAR = 2999


@dataclass(frozen=True, slots=True)
class Leave:
    """Days off that follow each other under one name: they were put in together, and go together."""

    days: tuple[DayOff, ...]

    @property
    def first(self) -> date:
        return self.days[0].day

    @property
    def last(self) -> date:
        return self.days[-1].day

    @property
    def name(self) -> str:
        return self.days[0].name

    @property
    def keys(self) -> str:
        return " ".join(str(each.id) for each in self.days)

    def goes_on_with(self, day: DayOff) -> bool:
        return day.day == self.last + timedelta(days=1) and day.name == self.name


@dataclass(frozen=True, slots=True)
class WeekForm:
    """`hours` is what stands in the field of each weekday; `errors` go with them."""

    hours: Sequence[str]
    leaves: Sequence[Leave]
    errors: Mapping[str, str]


def show(provider_id: UUID | None, *, sent: Mapping[str, str] | None = None, errors: Mapping[str, str]) -> WeekForm:
    """As it is kept, or with what was typed and refused."""
    kept = working_time.hours_of(provider_id)
    hours = [(sent or {}).get(f"day{weekday}", format_hours(kept.get(weekday, ()))) for weekday in range(len(WEEKDAYS))]
    since = working_time.today() - timedelta(days=1)
    return WeekForm(hours, gather(working_time.days_off(provider_id, since=since)), errors)


def gather(days: Sequence[DayOff]) -> list[Leave]:
    """Of days in their order."""
    leaves: list[Leave] = []
    for day in days:
        if leaves and leaves[-1].goes_on_with(day):
            leaves[-1] = Leave((*leaves[-1].days, day))
        else:
            leaves.append(Leave((day,)))
    return leaves


def save(sent: Any, *, provider: User | None, actor: Actor) -> str:
    """Do what the pressed button means; what was done, in words. Raises InvalidInput, with details by field."""
    step = sent.get("step", "")
    if step == "hours":
        working_time.set_hours(_parse_week(sent), provider=provider, actor=actor)
        return "The hours are saved."
    if step == "add":
        first, last = _day(sent, "first"), _day(sent, "last", otherwise="first")
        count = working_time.add_days_off(first, last, sent.get("name", ""), provider=provider, actor=actor)
        return f"{count} {'day' if count == 1 else 'days'} added." if count else "These days were off already."
    texts = " ".join(sent.getlist("day_off")).split()
    keys = [key for key in map(ids.parse_id, texts) if key is not None]
    working_time.remove_days_off(keys, provider=provider, actor=actor)
    return "Removed."


def _parse_week(sent: Mapping[str, str]) -> dict[int, tuple[Hours, ...]]:
    week: dict[int, tuple[Hours, ...]] = {}
    errors = {}
    for weekday, name in enumerate(WEEKDAYS):
        try:
            week[weekday] = parse_hours(sent.get(f"day{weekday}", ""))
        except ValueError:
            errors[f"day{weekday}"] = f"{name}: write hours like 09:00-13:00, 14:00-18:00."
    if errors:
        raise InvalidInput("Some hours could not be read, so nothing was saved.", details=errors)
    return {weekday: hours for weekday, hours in week.items() if hours}


def _day(sent: Mapping[str, str], name: str, *, otherwise: str = "") -> date:
    text = sent.get(name, "").strip() or sent.get(otherwise, "").strip()
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput("Choose a day.", details={name: "Choose a day of the calendar."}) from error
    if not working_time.today().year - 1 <= day.year <= _LAST_YEAR:
        raise InvalidInput("Choose a day that is still to come.", details={name: "Choose a later day."})
    return day
