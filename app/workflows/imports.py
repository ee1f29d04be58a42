"""Checked CSV files: kept sealed, confirmed once, saved line by line by whoever carries on."""

import json
import logging
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError

from app.db import LOCK, db
from app.errors import DomainError, NotFound
from app.kit import clock
from app.models import ActorKind, CsvImport, ImportStatus
from app.workflows import audit
from app.workflows.audit import Actor
from app.workflows.sheets import Edit, Planned, Sheet, Verdict

logger = logging.getLogger(__name__)

CHUNK = 50
"""Lines saved in one commit; each has a savepoint of its own, so that a refused one undoes no other."""

GOOD_FOR = timedelta(hours=24)
_KEPT_FOR = timedelta(days=7)
_LEFT_ALONE = timedelta(seconds=30)

Apply = Callable[[Planned, Actor], object]
Lock = Callable[[Sequence[Planned]], object]


class ImportTooOld(DomainError):
    code = "import_too_old"
    message = "This check is more than a day old, so nothing was saved."
    suggested_action = "Upload the file again and look at what would change now."


def keep(kind: str, planned: Sequence[Planned], sheet: Sheet, *, actor: Actor) -> CsvImport:
    """Remember what a check found, for its owner to confirm."""
    row = CsvImport(
        kind=kind,
        owner_id=actor.user_id,
        address=actor.address,
        status=ImportStatus.CHECKED,
        lines=_pack(planned),
        notices={"unknown": list(sheet.unknown)},
        steps=sum(line.is_step for line in planned),
    )
    db.session.add(row)
    db.session.flush()
    return row


def get_own(key: UUID, kind: str, *, owner_id: UUID) -> CsvImport:
    """Raises NotFound, also for what somebody else had checked."""
    row = db.session.get(CsvImport, key)
    if row is None or row.kind != kind or row.owner_id != owner_id:
        raise NotFound("This import does not exist any more.")
    return row


def lines_of(row: CsvImport) -> list[Planned]:
    found: list[dict[str, Any]] = json.loads(zlib.decompress(row.lines))
    return [
        Planned(
            **{
                **line,
                "verdict": Verdict(line["verdict"]),
                "edits": tuple(Edit(**edit) for edit in line["edits"]),
            }
        )
        for line in found
    ]


def confirm(row: CsvImport, *, actor: Actor) -> None:
    """From now on its lines are saved. Confirmed twice is confirmed once. Raises ImportTooOld."""
    if row.status is ImportStatus.CHECKED and row.created_at < clock.utc_now() - GOOD_FOR:
        raise ImportTooOld
    begun = (
        update(CsvImport)
        .where(CsvImport.id == row.id, CsvImport.status == ImportStatus.CHECKED)
        .values(status=ImportStatus.RUNNING, updated_at=clock.utc_now())
    )
    result = db.session.execute(begun, execution_options={"synchronize_session": False})
    if cast(CursorResult[Any], result).rowcount:
        audit.record("import.confirmed", row, actor=actor, after={"kind": row.kind, "lines": row.steps})


def take_chunk(import_id: UUID, steps: Sequence[Planned], *, apply: Apply, lock: Lock) -> bool:
    """Save the next few lines of a confirmed import; True when there is nothing more to do."""
    row = db.session.get(CsvImport, import_id, with_for_update=LOCK, populate_existing=True)
    if row is None or row.status is not ImportStatus.RUNNING:
        return True
    chunk = steps[row.reached : row.reached + CHUNK]
    lock(chunk)
    actor = Actor(ActorKind.USER, row.owner_id, row.address)
    refused = {str(line.number): reason for line in chunk if (reason := _take(line, apply, actor)) is not None}
    if refused:
        row.refusals = {**row.refusals, **refused}
    row.reached += len(chunk)
    if row.reached >= len(steps):
        row.status, row.finished_at = ImportStatus.FINISHED, clock.utc_now()
    return row.status is ImportStatus.FINISHED


def unfinished(limit: int = 10) -> list[UUID]:
    """Confirmed imports that nobody is carrying on: whoever did was killed, or the bell was lost."""
    query = (
        select(CsvImport.id)
        .where(CsvImport.status == ImportStatus.RUNNING, CsvImport.updated_at < clock.utc_now() - _LEFT_ALONE)
        .order_by(CsvImport.updated_at)
        .limit(limit)
    )
    return list(db.session.scalars(query))


def forget_old() -> None:
    """What was checked or saved a week ago is of no use any more; what it changed is in the audit log."""
    old = delete(CsvImport).where(
        CsvImport.created_at < clock.utc_now() - _KEPT_FOR, CsvImport.status != ImportStatus.RUNNING
    )
    db.session.execute(old, execution_options={"synchronize_session": False})


def _take(line: Planned, apply: Apply, actor: Actor) -> str | None:
    """None when it is saved, else why not."""
    try:
        with db.session.begin_nested():
            apply(line, actor)
            db.session.flush()
    except DomainError as error:
        return error.message
    except IntegrityError:
        return "This is in use elsewhere, or exists already."
    except (OperationalError, InterfaceError):
        # The database's trouble, not this line's: whoever comes next tries again.
        raise
    except Exception:
        # One line that breaks must not hold up the others for ever.
        logger.exception("a line of an import failed", extra={"line": line.number})
        return "Something went wrong on our side, so this line was passed over. It has been noted."
    return None


def _pack(planned: Sequence[Planned]) -> bytes:
    return zlib.compress(json.dumps([asdict(line) for line in planned]).encode())
