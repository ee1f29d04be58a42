"""Sealing every value anew with the newest key, a few rows at a time, while the service runs.

What there is to seal is read from the models' column types. A batch locks its rows, skipping those that somebody is
working on: nobody waits for more than a batch, nothing is overwritten, and what was skipped is found again.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    LargeBinary,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    type_coerce,
    update,
)

from app.columns import KeyedHash, SealedColumn, keyring
from app.db import Model, db
from app.kit.contact import name_words
from app.kit.crypto import CannotOpen
from app.models import AuditEntry, NameWord, ServiceRequest
from app.workflows import audit_chain

_ID_BYTES = 4


@dataclass(frozen=True, slots=True)
class Place:
    """A table with sealed columns, and the hashes made of them."""

    table: Table
    key: Column[Any]
    sealed: Sequence[Column[Any]]
    hashes: Sequence[Column[Any]]

    @property
    def name(self) -> str:
        return self.table.name


@dataclass(slots=True)
class Batch:
    """What one batch came to; `last` is the key to go on after, None at the end of the table."""

    last: Any = None
    resealed: int = 0
    unreadable: list[str] = field(default_factory=list)


def places() -> Iterator[Place]:
    for table in Model.metadata.sorted_tables:
        sealed = [column for column in table.columns if isinstance(column.type, SealedColumn)]
        if sealed:
            [key] = table.primary_key.columns
            hashes = [column for column in table.columns if isinstance(column.type, KeyedHash)]
            yield Place(table, key, sealed, hashes)


def count_left(place: Place) -> int:
    """Rows with a value under an older key."""
    return db.session.scalar(select(func.count()).select_from(place.table).where(_is_stale(place))) or 0


def reseal_some(place: Place, after: Any, limit: int) -> Batch:
    """Seal the next `limit` stale rows after the key `after` anew."""
    # Before any row is locked: whoever chains entries takes both in this order.
    with _gate(place):
        return _reseal(place, after, limit)


def _reseal(place: Place, after: Any, limit: int) -> Batch:
    rows = db.session.execute(_stale_rows(place, after, limit)).all()
    batch = Batch(last=rows[-1][0] if len(rows) == limit else None)
    changes = []
    for row in rows:
        try:
            changes.append({"the_key": row[0], **_renewed(place, row[1:])})
        except CannotOpen as error:
            batch.unreadable.append(f"{place.name} {row[0]}: {error}")
    if changes:
        db.session.connection().execute(_update(place), changes)
        if place.table is ServiceRequest.__table__:
            _rehash_names(changes)
    batch.resealed = len(changes)
    return batch


def _stale_rows(place: Place, after: Any, limit: int) -> Select[Any]:
    raw = [type_coerce(column, LargeBinary).label(f"raw_{column.name}") for column in place.sealed]
    query = select(place.key, *raw).where(_is_stale(place)).order_by(place.key).limit(limit)
    query = query if after is None else query.where(place.key > after)
    return query.with_for_update(skip_locked=True, key_share=True)


def _is_stale(place: Place) -> ColumnElement[bool]:
    newest = literal(keyring.key_ids[0], LargeBinary)
    return or_(
        *(
            and_(column.is_not(None), func.substr(type_coerce(column, LargeBinary), 1, _ID_BYTES) != newest)
            for column in place.sealed
        )
    )


def _renewed(place: Place, values: Sequence[Any]) -> dict[str, bytes | None]:
    raw = {column.name: value for column, value in zip(place.sealed, values, strict=True)}
    renewed: dict[str, bytes | None] = {}
    for column in place.sealed:
        value = raw[column.name]
        context = column.type.context  # type: ignore[attr-defined]
        renewed[f"new_{column.name}"] = None if value is None else keyring.reseal(bytes(value), context)
    for column in place.hashes:
        made: KeyedHash = column.type  # type: ignore[assignment]
        renewed[f"new_{column.name}"] = made.hash_of(_opened(place, made.of, raw[made.of]))
    return renewed


def _opened(place: Place, name: str, sealed: bytes) -> str:
    return keyring.open(bytes(sealed), place.table.c[name].type.context).decode()  # type: ignore[attr-defined]


def _update(place: Place) -> Any:
    values: dict[Any, Any] = {
        column: bindparam(f"new_{column.name}", type_=LargeBinary) for column in (*place.sealed, *place.hashes)
    }
    # Nothing changed that a person would call a change.
    values |= {column: column for column in place.table.columns if column.onupdate is not None}
    return update(place.table).where(place.key == bindparam("the_key")).values(values)


def _gate(place: Place) -> AbstractContextManager[None]:
    return audit_chain.resealing() if place.table is AuditEntry.__table__ else nullcontext()


def _rehash_names(changes: Sequence[dict[str, Any]]) -> None:
    """The words a customer is found by have a row each."""
    names = {change["the_key"]: change["new_customer_name_sealed"] for change in changes}
    place = next(place for place in places() if place.table is ServiceRequest.__table__)
    found = select(ServiceRequest.id, ServiceRequest.created_at).where(ServiceRequest.id.in_(list(names)))
    times = dict(cast("Sequence[tuple[UUID, datetime]]", db.session.execute(found).all()))
    words = [
        {"word_hash": keyring.hash(word, "name"), "created_at": times[key], "service_request_id": key}
        for key, sealed in names.items()
        for word in name_words(_opened(place, "customer_name_sealed", sealed))
    ]
    db.session.execute(delete(NameWord).where(NameWord.service_request_id.in_(list(names))))
    if words:
        db.session.execute(insert(NameWord), words)
