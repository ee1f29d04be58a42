"""Filters of the console's lists: a control above the list, a clause in its query, a chip that reads as a sentence."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid
from sqlalchemy.orm import InstrumentedAttribute

from app.extensions import settings
from app.kit import clock

Options = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Control:
    """One filter as the page shows it; `kind` is choice, day or text."""

    name: str
    label: str
    kind: str = "choice"
    options: Options = ()
    value: str = ""
    verb: str = "is"

    @property
    def sentence(self) -> str:
        words = (self.label, self.verb, dict(self.options).get(self.value, self.value))
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class Filter:
    """A control and what its value asks of the database; `clause` raises ValueError for a value it does not know."""

    control: Control
    clause: Callable[[str], ColumnElement[bool]]
    options: Callable[[], Options] | None = None

    def filled(self, arguments: Mapping[str, str]) -> Control:
        value = arguments.get(self.control.name, "").strip()
        options = self.options() if self.options else self.control.options
        return replace(self.control, value=value, options=options)


def choice(
    name: str, label: str, column: InstrumentedAttribute[Any], *, options: Options | Callable[[], Options]
) -> Filter:
    """One of a list of values."""

    def clause(value: str) -> ColumnElement[bool]:
        if value not in dict(options() if callable(options) else options):
            raise ValueError(value)
        return column == (UUID(value) if isinstance(column.type, Uuid) else value)

    if callable(options):
        return Filter(Control(name, label), clause, options)
    return Filter(Control(name, label, options=options), clause)


def switch(name: str, label: str, clauses: Mapping[str, tuple[str, ColumnElement[bool]]]) -> Filter:
    """A few named conditions: value to (words, condition)."""
    options = tuple((value, words) for value, (words, _) in clauses.items())
    return Filter(Control(name, label, options=options), lambda value: _known(clauses, value)[1])


def days(column: InstrumentedAttribute[Any], label: str) -> tuple[Filter, Filter]:
    """From one day to another, both included, as the business's calendar has them."""
    return (
        Filter(Control("from", label, "day", verb="from"), lambda value: column >= _first_instant(value)),
        Filter(Control("to", label, "day", verb="until"), lambda value: column < _instant_after(value)),
    )


def apply(
    query: Select[Any], filters: Iterable[Filter], arguments: Mapping[str, str]
) -> tuple[Select[Any], list[Control]]:
    """The narrowed query and the controls; a value that cannot be used is left out rather than an error."""
    controls = []
    for each in filters:
        control = each.filled(arguments)
        try:
            query = query.where(each.clause(control.value)) if control.value else query
        except ValueError:
            control = replace(control, value="")
        controls.append(control)
    return query, controls


def enum_options(members: Iterable[Any]) -> Options:
    return tuple((member.value, member.label) for member in members)


def parse_day(text: str) -> date:
    """Raises ValueError; the edges of the calendar have no day before or after them in every time zone."""
    day = date.fromisoformat(text)
    if not 1900 <= day.year <= 2999:
        raise ValueError(text)
    return day


def _known(clauses: Mapping[str, tuple[str, ColumnElement[bool]]], value: str) -> tuple[str, ColumnElement[bool]]:
    if value not in clauses:
        raise ValueError(value)
    return clauses[value]


def _first_instant(value: str) -> Any:
    return clock.start_of_day(parse_day(value), settings().time_zone)


def _instant_after(value: str) -> Any:
    return clock.end_of_day(parse_day(value), settings().time_zone)
