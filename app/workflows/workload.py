"""How much open work each provider has: one counter, changed with the work it counts."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Row,
    Select,
    Table,
    Update,
    bindparam,
    exists,
    func,
    select,
    true,
    update,
)

from app.connections import soon
from app.db import db
from app.kept_statements import carry_out
from app.kit import clock
from app.models import OPEN_STATUSES, Availability, ProviderProfile, ServiceRequest, User
from app.workflows import audit, bulk_writes
from app.workflows.audit import Actor

_GATHERED = "gathered_work"
_PROFILES = cast(Table, ProviderProfile.__table__)


@dataclass(slots=True)
class _Gathered:
    shifts: Counter[UUID] = field(default_factory=Counter)
    received: set[UUID] = field(default_factory=set)


@contextmanager
def gathered() -> Iterator[None]:
    """What is counted inside is written when it ends, once for each provider and in the order of their keys.

    For many requests in one transaction: it would else hold one provider while it waits for the next.
    """
    notes = db.session().info[_GATHERED] = _Gathered()
    try:
        yield
    finally:
        del db.session().info[_GATHERED]
    moves = list(_moves(notes.shifts, received=notes.received))
    if moves:
        db.session.connection().execute(_shifting("provider"), [_named(move, "provider") for move in moves])


def set_availability(provider: User, wanted: Availability, *, actor: Actor) -> None:
    """Take the provider in or out of the routing rule; the work they have stays theirs."""
    query = select(ProviderProfile).where(ProviderProfile.user_id == provider.id).with_for_update(key_share=True)
    profile = db.session.scalars(query.execution_options(populate_existing=True)).one()
    before = profile.availability
    if before is wanted:
        return
    profile.availability = wanted
    db.session.flush()
    audit.record(
        "provider.changed", profile, actor=actor, before={"availability": before}, after={"availability": wanted}
    )


def shift(provider_id: UUID, *, by: int) -> None:
    """Count work in or out whatever the capacity: a person decided it, or it is done."""
    notes = _notes()
    if notes is not None:
        notes.shifts[provider_id] += by
        return
    _write({provider_id: by}, received=())


def hold_all() -> None:
    """For work that goes from one hand into another before it is known whose that is: two who do so crosswise at once
    would else wait for each other for ever."""
    everybody = select(_PROFILES.c.id).order_by(_PROFILES.c.user_id)
    db.session.connection().execute(everybody.with_for_update(key_share=True)).all()


def recount() -> None:
    """Count everybody's open work anew. Whoever changes it waits for us, one provider after the other."""
    for provider_id in db.session.scalars(select(ProviderProfile.user_id).order_by(ProviderProfile.user_id)).all():
        # Locked first and counted in the next statement, which sees whatever was committed until then.
        lock = select(ProviderProfile).where(ProviderProfile.user_id == provider_id).with_for_update(key_share=True)
        profile = db.session.scalars(lock.execution_options(populate_existing=True)).one_or_none()
        if profile is None:
            continue
        in_hand = (ServiceRequest.assigned_provider_id == provider_id, ServiceRequest.status.in_(OPEN_STATUSES))
        profile.open_work = db.session.scalar(select(func.count()).select_from(ServiceRequest).where(*in_hand)) or 0
    db.session.flush()


def take_place(best: Select[*tuple[Any, ...]], asked: Mapping[str, object]) -> Row[*tuple[Any, ...]] | None:
    """Count one in with the provider whom `best` finds, if there is still the open work that it saw: what it found,
    and `is_taken`; without that look again. None: it found nobody."""
    connection = db.session.connection()
    soon(connection, "SAVEPOINT place")
    found = _look_and_take(best, {**asked, "now": clock.utc_now()})
    if found is not None and not found.is_taken:
        # Whom we have waited for in vain is locked all the same: two who hold on to that may wait for each other.
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT place")
    soon(connection, "RELEASE SAVEPOINT place")
    return found


def _look_and_take(best: Select[*tuple[Any, ...]], asked: Mapping[str, object]) -> Row[*tuple[Any, ...]] | None:
    """In one statement, where the database takes that; else nobody else can write in between."""
    connection = db.session.connection()
    if connection.dialect.name == "postgresql":
        return carry_out(connection, _both(best), asked).first
    found = connection.execute(best.add_columns(true().label("is_taken")), asked).one_or_none()
    if found is not None:
        connection.execute(_taking(bindparam("profile")), {"profile": found.profile_id, "now": asked["now"]})
    return found


@cache
def _both(best: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    found = best.cte("best")
    taking = _taking(found.c.profile_id).where(_PROFILES.c.open_work == found.c.open_work)
    taken = taking.returning(_PROFILES.c.id).cte("taken")
    return select(found, exists().select_from(taken).label("is_taken"))


def _taking(profile: ColumnElement[UUID]) -> Update:
    """Only where there still is room."""
    return (
        update(_PROFILES)
        .where(
            _PROFILES.c.id == profile,
            _PROFILES.c.open_work < _PROFILES.c.capacity,
            _PROFILES.c.availability == Availability.AVAILABLE,
        )
        .values(open_work=_PROFILES.c.open_work + 1, last_assigned_at=bindparam("now"), updated_at=bindparam("now"))
    )


def take_places(profile_id: UUID, count: int, *, at: datetime) -> bool:
    """Count several in if there is room for all of them; False means: look again."""
    result = db.session.execute(
        update(ProviderProfile)
        .where(
            ProviderProfile.id == profile_id,
            ProviderProfile.open_work + count <= ProviderProfile.capacity,
            ProviderProfile.availability == Availability.AVAILABLE,
        )
        .values(open_work=ProviderProfile.open_work + count, last_assigned_at=at)
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], result).rowcount == 1


def hand_over(previous_id: UUID | None, provider_id: UUID) -> None:
    """Count work out of one hand and into another."""
    moves = {provider_id: 1} if previous_id is None else {provider_id: 1, previous_id: -1}
    notes = _notes()
    if notes is None:
        _write(moves, received={provider_id})
    else:
        notes.shifts.update(moves)
        notes.received.add(provider_id)


def _write(shifts: Mapping[UUID, int], *, received: Collection[UUID]) -> None:
    """With what else is written of the request."""
    with bulk_writes.gathered():
        for number, move in enumerate(_moves(shifts, received=received)):
            place = f"provider_{number}"
            bulk_writes.change(_shifting(place), _named(move, place))


def _moves(shifts: Mapping[UUID, int], *, received: Collection[UUID]) -> Iterator[Mapping[str, Any]]:
    """In the order of their keys: two requests that change hands crosswise at once would else wait for each other for
    ever."""
    now = clock.utc_now()
    for key in sorted(shifts):
        yield {"key": key, "by": shifts[key], "now": now, "received_at": now if key in received else None}


def _named(move: Mapping[str, Any], place: str) -> dict[str, Any]:
    return {f"{place}_{name}": value for name, value in move.items()}


@cache
def _shifting(place: str) -> Update:
    received_at = bindparam(f"{place}_received_at", type_=_PROFILES.c.last_assigned_at.type)
    return (
        update(_PROFILES)
        .where(_PROFILES.c.user_id == bindparam(f"{place}_key"))
        .values(
            open_work=_PROFILES.c.open_work + bindparam(f"{place}_by"),
            updated_at=bindparam(f"{place}_now"),
            last_assigned_at=func.coalesce(received_at, _PROFILES.c.last_assigned_at),
        )
    )


def _notes() -> _Gathered | None:
    return cast("_Gathered | None", db.session().info.get(_GATHERED))
