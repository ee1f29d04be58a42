"""What is the same for everybody and seldom changes, kept in the process exactly as long as it stands in the tables.

Whoever changes such rows, by whatever way, makes the database stamp them anew in the same transaction
(`models.Edition`). A page looks at the stamps once, in one small statement, and reads the rows themselves only when
their stamp is another than the one it keeps them under.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Generic, Protocol, TypeVar, cast
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, exists, select

from app.db import db, found_before, glance, is_known_while_reading, is_writing, once_while_reading, unsynced
from app.models import Edition
from app.workflows.fresh_rows import ALWAYS, Condition

T = TypeVar("T")

STAMPS = (Edition.catalog, Edition.gateways, Edition.flags, Edition.people, Edition.hours, Edition.views)
_STAMPS = select(*STAMPS)


class Stamps(Protocol):
    """A row that has the columns of `STAMPS`."""

    @property
    def catalog(self) -> UUID | None: ...

    @property
    def gateways(self) -> UUID | None: ...

    @property
    def flags(self) -> UUID | None: ...

    @property
    def people(self) -> UUID | None: ...

    @property
    def hours(self) -> UUID | None: ...

    @property
    def views(self) -> UUID | None: ...


class _Memory:
    """The stamps that this process saw last."""

    stamps: Stamps | None = None


@dataclass(frozen=True, slots=True)
class _Copy(Generic[T]):
    stamp: UUID
    rows: T


class Kept(Generic[T]):
    """What `read` finds in the tables of a subject (a column of `editions`): values, nobody's in particular, that
    nothing may change. All threads share them.

    Within a `transaction()` the rows are read themselves: what is decided there is decided on what stands there then,
    the transaction's own changes included.
    """

    def __init__(self, subject: str, read: Callable[[], T]) -> None:
        self._subject = subject
        self._read = read
        self._copy: _Copy[T] | None = None

    def now(self) -> T:
        """As the tables have it: read again if their stamp is not the one of our copy."""
        stamp = stamp_of(self._subject)
        rows = self._read() if stamp is None else self._under(stamp)
        is_known_while_reading(self.now, rows)
        return rows

    def _under(self, stamp: UUID) -> T:
        copy = self._copy
        if copy is None or copy.stamp != stamp:
            # Read after the stamp: a change in between is in it, under a stamp that nobody will see again.
            copy = self._copy = _Copy(stamp, self._read())
        return copy.rows

    def lately(self) -> T:
        """The same, but within a `transaction()` as it was just before it, if that was looked at: for what may be a
        moment old and is not changed in there, such as whom to ask."""
        # The copy may be of another stamp by now, as all threads share it.
        seen = found_before(self.now) if is_writing() else None
        if seen is not None:
            return seen
        stamps = seen_before() if is_writing() else None
        copy = self._copy
        if stamps is None or copy is None or copy.stamp != getattr(stamps, self._subject):
            return self.now()
        return copy.rows


def stamp_of(subject: str) -> UUID | None:
    """What other things made of the subject's rows may be kept under; None where nothing may be kept."""
    if is_writing():
        return None
    stamps = once_while_reading(_stamps)
    found: UUID | None = getattr(stamps, subject) if stamps is not None else None
    return found


class Outdated(Exception):
    """What was presumed does not hold any more, or something else is unusual: look again, and begin anew."""


def remember(stamps: Stamps | None) -> None:
    """They came along with something else: this page need not look at them by itself."""
    _Memory.stamps = stamps
    is_known_while_reading(_stamps, stamps)
    is_known_while_reading(_is_presumed, answer=False)


def presume() -> bool:
    """Go by the stamps that were seen last, for a statement that makes sure of them itself; False without any."""
    if _Memory.stamps is None:
        return False
    is_known_while_reading(_stamps, _Memory.stamps)
    is_known_while_reading(_is_presumed, answer=True)
    return True


def look_again() -> None:
    """What was presumed does not hold."""
    remember(_look())


def make_sure() -> None:
    """Raises Outdated where this page goes by stamps that do not hold any more."""
    if is_presuming():
        presumed = once_while_reading(_stamps)
        look_again()
        if _each(once_while_reading(_stamps)) != _each(presumed):
            raise Outdated


def _each(stamps: Stamps | None) -> list[UUID | None]:
    """Only their own columns: stamps that were read together with something else are part of a longer row."""
    return [getattr(stamps, column.key) for column in STAMPS] if stamps is not None else []


def is_presuming() -> bool:
    """Whether this page goes by what it presumed; asked before a `transaction()`."""
    return once_while_reading(_is_presumed)


def presumed() -> Stamps | None:
    """What the statement of an open `transaction()` has to make sure of, if the page presumed it."""
    return seen_before() if found_before(_is_presumed) else None


def as_presumed(*subjects: str) -> Condition:
    """That nothing of these was changed since the stamps which the page presumed, if it did: for `one_statement`."""
    stamps = presumed()
    if stamps is None:
        return ALWAYS
    standing = _standing(subjects, db.session.get_bind().dialect.name)
    return Condition(standing, {name: getattr(stamps, name) for name in subjects})


@cache
def _standing(subjects: tuple[str, ...], dialect: str) -> ColumnElement[bool]:
    columns = [getattr(Edition, name) for name in subjects]
    # One that was never changed has none.
    same = (column.is_not_distinct_from(bindparam(column.key, type_=column.type)) for column in columns)
    return and_(exists().where(*same), unsynced(dialect))


def _is_presumed() -> bool:
    """The answer of `once_while_reading` for this, unless `presume` has noted another one."""
    return False


def seen_before() -> Stamps | None:
    """The stamps that the page went by until the open `transaction()` began."""
    return found_before(_stamps)


def _stamps() -> Stamps | None:
    _Memory.stamps = _look()
    return _Memory.stamps


def _look() -> Stamps | None:
    return cast("Stamps | None", next(iter(glance(_STAMPS, {})), None))
