"""A CSV file as lines of cells by heading, and what was found out about each line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.errors import InvalidInput
from app.kit import spreadsheet
from app.kit.spreadsheet import Unreadable, fold_heading, plain

MOST_LINES = 5_000
_TOO_LONG = 60


@dataclass(frozen=True, slots=True)
class Heading:
    """One column: its name, the field it fills, how a row says it, how a cell is read.

    `read` raises InvalidInput. A column without one is only told, and passed over in an import.
    """

    name: str
    field: str
    write: Callable[[Any], str]
    read: Callable[..., Any] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """`number` is that of the row in a spreadsheet, where the headings are row 1; `cells` are by field."""

    number: int
    cells: Mapping[str, str]
    is_too_long: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """`names` are the headings that it has, by field; `unknown` those that were passed over."""

    lines: Sequence[Line]
    names: Mapping[str, str]
    unknown: Sequence[str]
    has_decimal_commas: bool

    def has(self, name: str) -> bool:
        return name in self.names


class Verdict(StrEnum):
    """What saving a line would come to."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REFUSED = "refused"

    @property
    def label(self) -> str:
        return {"new": "New", "changed": "Changed", "same": "Unchanged", "refused": "Refused"}[self.value]


@dataclass(frozen=True, slots=True)
class Edit:
    """One cell that differs, as people read it."""

    column: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What one line comes to. `values` are to be set on the row with that key, which had the values `seen`."""

    number: int
    name: str
    verdict: Verdict
    part: str = ""
    key: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    seen: Mapping[str, Any] = field(default_factory=dict)
    edits: Sequence[Edit] = ()
    column: str = ""
    reason: str = ""

    @property
    def is_step(self) -> bool:
        return self.verdict in {Verdict.NEW, Verdict.CHANGED}


def read(content: bytes, headings: Sequence[Heading], *, needed: Sequence[str]) -> Sheet:
    """`needed` are fields without whose columns nothing can be told apart. Raises InvalidInput."""
    names = [heading.name for heading in headings]
    try:
        delimiter, rows = spreadsheet.read_rows(spreadsheet.decode(content), known=names)
    except Unreadable as error:
        raise _wrong(str(error)) from error
    if not any(any(cell.strip() for cell in row) for row in rows):
        raise _wrong("The file is empty.")
    columns, unknown = _columns(rows[0], headings, needed)
    lines = [_line(number, row, columns) for number, row in enumerate(rows[1:], 2) if any(cell.strip() for cell in row)]
    if not lines:
        raise _wrong("The file has headings and no lines below them.")
    if len(lines) > MOST_LINES:
        raise _wrong(f"The file has {len(lines):,} lines. Import up to {MOST_LINES:,} at once.")
    has = {field: heading for field, heading in zip(columns, rows[0], strict=False) if field}
    return Sheet(lines, {field: heading.strip() for field, heading in has.items()}, unknown, delimiter == ";")


def _columns(
    row: Sequence[str], headings: Sequence[Heading], needed: Sequence[str]
) -> tuple[list[str | None], list[str]]:
    """The field of each column, None for one that is passed over; and the names of those we do not know."""
    fields = {fold_heading(heading.name): heading.field if heading.read else None for heading in headings}
    cells = [fold_heading(spreadsheet.as_meant(cell)) for cell in row]
    columns = [fields.get(cell) for cell in cells]
    found = [name for name in columns if name]
    twice = [cell for cell, name in zip(row, columns, strict=True) if name and found.count(name) > 1]
    if twice:
        raise _wrong(f"Two columns are headed “{twice[0].strip()}”. Leave one of them out.")
    missing = [heading.name for heading in headings if heading.field in needed and heading.field not in found]
    if missing:
        words = " and ".join(f"“{name}”" for name in missing)
        raise _wrong(f"The first line must have the headings, with at least {words}. Begin with the template.")
    return columns, [_short(cell) for cell, folded in zip(row, cells, strict=True) if folded and folded not in fields]


def _line(number: int, row: Sequence[str], columns: Sequence[str | None]) -> Line:
    padded = [*row, *[""] * (len(columns) - len(row))]
    cells = {
        name: plain(spreadsheet.as_meant(cell)) for name, cell in zip(columns, padded, strict=False) if name is not None
    }
    return Line(number, cells, is_too_long=any(cell.strip() for cell in row[len(columns) :]))


def _short(text: str) -> str:
    return text.strip() if len(text) <= _TOO_LONG else f"{text.strip()[:_TOO_LONG]}…"


def _wrong(message: str) -> InvalidInput:
    return InvalidInput(message, details={"file": message})
