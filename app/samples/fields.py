"""Values as each database's bulk loader takes them: made once, used in a million rows."""

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import BigInteger, Column, Dialect, SmallInteger

Field = Any
"""One value of a row: bytes with their length for PostgreSQL's binary COPY, what its driver takes for SQLite."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POSTGRES_EPOCH = 946_684_800_000_000
_MICROSECOND = timedelta(microseconds=1)
_SIXTEEN = 16 << 128
"""The length that stands before a key."""
_HEADER = b"PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"
_TRAILER = b"\xff\xff"


def micros(moment: datetime) -> int:
    """Microseconds since 1970: times are numbers here until they are written."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(at: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at)


class Fields(Protocol):
    """Keys are 128-bit integers, times microseconds since 1970."""

    nothing: Field

    def merged(self, segment: tuple[Field, ...]) -> tuple[Field, ...]:
        """Neighbouring fields that always come together, in as few pieces as may be."""

    def key(self, key: int) -> Field: ...

    def moment(self, at: int) -> Field: ...

    def text(self, text: str) -> Field: ...

    def constant(self, column: Column[Any], value: Any) -> Field:
        """Any value of a column, sealed or shortened as its type does it."""

    def packed(self, rows: Sequence[Sequence[Field]], width: int) -> Any:
        """Rows of so many columns as the loader takes them."""


class CopyFields:
    """For `COPY ... (FORMAT binary)`: the server parses nothing."""

    nothing = b"\xff\xff\xff\xff"

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def merged(self, segment: tuple[bytes, ...]) -> tuple[bytes]:
        return (b"".join(segment),)

    def key(self, key: int) -> bytes:
        return (_SIXTEEN | key).to_bytes(20, "big")

    def moment(self, at: int) -> bytes:
        return _LONG(8, at - _POSTGRES_EPOCH)

    def text(self, text: str) -> bytes:
        encoded = text.encode()
        return _LENGTH(len(encoded)) + encoded

    def constant(self, column: Column[Any], value: Any) -> bytes:
        bound = bind(column, value, self._dialect)
        if bound is None:
            return self.nothing
        if isinstance(bound, datetime):
            return self.moment(micros(bound))
        payload = _payload(column, bound)
        return _LENGTH(len(payload)) + payload

    def packed(self, rows: Sequence[Sequence[bytes]], width: int) -> bytes:
        count = struct.pack(">h", width)
        return b"".join((_HEADER, *[count + b"".join(row) for row in rows], _TRAILER))


class DriverFields:
    """For SQLite's `executemany`."""

    nothing = None

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def merged(self, segment: tuple[Any, ...]) -> tuple[Any, ...]:
        return segment

    def key(self, key: int) -> str:
        return f"{key:032x}"

    def moment(self, at: int) -> str:
        return moment_of(at).replace(tzinfo=None).isoformat(" ", "microseconds")

    def text(self, text: str) -> str:
        return text

    def constant(self, column: Column[Any], value: Any) -> Any:
        bound = bind(column, value, self._dialect)
        # Another process may have made it, and a view of memory cannot be sent.
        return bytes(bound) if isinstance(bound, memoryview) else bound

    def packed(self, rows: Sequence[Sequence[Any]], width: int) -> list[Sequence[Any]]:
        return list(rows)


def bind(column: Column[Any], value: Any, dialect: Dialect) -> Any:
    """What the driver gets for a value of the model."""
    processor = column.type.dialect_impl(dialect).bind_processor(dialect)
    return processor(value) if processor is not None else value


_LENGTH: Callable[[int], bytes] = struct.Struct(">i").pack
_LONG: Callable[[int, int], bytes] = struct.Struct(">iq").pack


def _payload(column: Column[Any], value: Any) -> bytes:
    if isinstance(value, bool):
        return struct.pack(">?", value)
    if isinstance(value, int):
        return value.to_bytes(_width(column), "big", signed=True)
    if isinstance(value, UUID):
        return value.bytes
    # The driver's mark for bytes has them in `obj`.
    return value.encode() if isinstance(value, str) else bytes(getattr(value, "obj", value))


def _width(column: Column[Any]) -> int:
    if isinstance(column.type, BigInteger):
        return 8
    return 2 if isinstance(column.type, SmallInteger) else 4
