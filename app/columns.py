"""Column types that keep our promises: aware times, sealed text and hashes of it, enums stored by value."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar

from sqlalchemy import DateTime, Dialect, LargeBinary, String
from sqlalchemy.types import TypeDecorator

from app.kit.crypto import Keyring

E = TypeVar("E", bound=Enum)

keyring = Keyring()
"""The keys of this process; `create_app` fills it from ENCRYPTION_KEYS."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, stored in UTC; a naive one is refused on the way in."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """A list page reads hundreds of them: one call for each, and none of this class's own."""
        read = self.impl_instance.result_processor(dialect, coltype)
        return _in_utc if read is None else lambda value: _in_utc(read(value))


def _in_utc(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class SealedColumn:
    """What stands in the database only sealed, bound to `context`, the column's full name.

    Rotating keys finds all of it by this type.
    """

    def __init__(self, context: str) -> None:
        super().__init__()
        self.context = context


class KeyedHash(TypeDecorator[bytes]):
    """What a sealed column (`of`, by its name in the database) is searched by: the keyed hash of `form(value)`."""

    impl = LargeBinary(16)
    cache_ok = True

    def __init__(self, context: str, *, of: str, form: Callable[[str], str] = str) -> None:
        super().__init__()
        self.context, self.of, self.form = context, of, form

    def hash_of(self, opened: str) -> bytes:
        return keyring.hash(self.form(opened), self.context)


class SealedBytes(SealedColumn, TypeDecorator[bytes]):
    """Bytes that stand in the database only sealed."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else keyring.seal(value, self.context)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> bytes | None:
        return None if value is None else keyring.open(bytes(value), self.context)


class Sealed(SealedColumn, TypeDecorator[str]):
    """Text that stands in the database only sealed."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else keyring.seal(value.encode(), self.context)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        return None if value is None else keyring.open(bytes(value), self.context).decode()


class SealedJson(SealedColumn, TypeDecorator[dict[str, Any]]):
    """A JSON object that stands in the database only sealed."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> bytes | None:
        return None if value is None else keyring.seal(json.dumps(value).encode(), self.context)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> dict[str, Any] | None:
        if value is None:
            return None
        opened: dict[str, Any] = json.loads(keyring.open(bytes(value), self.context))
        return opened


class EnumText(TypeDecorator[E]):
    """A string enum stored by its value: readable in SQL, and a new member needs no migration."""

    impl = String(32)
    cache_ok = True

    def __init__(self, members: type[E]) -> None:
        super().__init__()
        self.members = members
        self._known = _Members(members)

    def process_bind_param(self, value: E | str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        member: str = self.members(value).value
        return member

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], E | None]:
        # A list page asks a hundred times, an export a million.
        return self._known.__getitem__


class _Members(dict[str | None, E | None]):
    """By their values; the enum itself says what is wrong with a stranger."""

    def __init__(self, members: type[E]) -> None:
        super().__init__({None: None, **{member.value: member for member in members}})
        self._members = members

    def __missing__(self, value: str | None) -> E | None:
        return self._members(value)
