"""Carrying a bulk change on, batch by batch, each in a transaction of its own: for a web request that waits for the
few rows it asked for, and for the job that goes through the many.
"""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from uuid import UUID

from rq.timeouts import JobTimeoutException
from sqlalchemy import Select
from sqlalchemy.exc import OperationalError

from app.db import db, transaction
from app.models import BulkChange, BulkState
from app.workflows import bulk_changes, bulk_rows, bulk_undo
from app.workflows.rosters import RosterChanged

logger = logging.getLogger(__name__)

BATCH = 200
WAIT = 15.0
"""Seconds that a person may wait for the few they asked for; what is left then is a worker's."""
_MOST_TRIES = 20
_PAUSE_ON_SQLITE = 0.02
"""Seconds between two batches in which another writer gets its turn: SQLite has one at a time, and no queue."""
_OUR_FAULT = "Something went wrong on our side, so this one was passed over. It has been noted."


def run(change_id: UUID, turn: int, *, seconds: float) -> bool:
    """Carry on until it is finished or somebody else's (False), or the time is up (True)."""
    end = time.monotonic() + seconds
    with _Ahead() as ahead:
        while time.monotonic() < end:
            if not _carry_on(change_id, turn, ahead):
                return False
            if db.engine.dialect.name == "sqlite":
                time.sleep(_PAUSE_ON_SQLITE)
    return True


class _Ahead(ExitStack):
    """Looks at the rows of a batch, and at those that come next, while it is prepared and carried out.

    In a table larger than the memory, waiting for their pages one after the other would take as long as all the rest.
    """

    def __init__(self) -> None:
        super().__init__()
        self._engine = db.engine
        self._aside: ThreadPoolExecutor | None = None
        self._seen = 0

    def look(self, change: BulkChange) -> None:
        end = min(change.reached + 2 * BATCH, change.total)
        start = max(change.reached, self._seen) + 1
        if change.total <= BATCH or start > end or self._engine.dialect.name == "sqlite":
            return
        if self._aside is None:
            self._aside = self.enter_context(ThreadPoolExecutor(1))
        self._seen = end
        for pages in bulk_rows.pages_of(change.id, start, end):
            # If it fails nobody misses it.
            self._aside.submit(self._read, pages)

    def _read(self, pages: Select[int]) -> None:
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(pages)


def _carry_on(change_id: UUID, turn: int, ahead: _Ahead) -> bool:
    """One batch. What refuses to be done together is done one by one, so that one bad row is the only one to fail."""
    try:
        return _try(change_id, turn, limit=BATCH, ahead=ahead)
    except JobTimeoutException:
        raise
    except Exception:
        logger.exception("a batch of a bulk change failed, so its rows are tried one by one", extra=_about(change_id))
    return all(_carry_on_with_one(change_id, turn) for _ in range(BATCH))


def _carry_on_with_one(change_id: UUID, turn: int) -> bool:
    try:
        return _try(change_id, turn, limit=1)
    except (JobTimeoutException, OperationalError):
        # The database's trouble, not this row's: whoever comes next tries again.
        raise
    except Exception:
        logger.exception("a row of a bulk change failed", extra=_about(change_id))
    with transaction():
        change = bulk_changes.find_unfinished(change_id, turn)
        if change is not None:
            skip = bulk_undo.keep_next if change.state is BulkState.UNDOING else bulk_changes.refuse_next
            skip(change, _OUR_FAULT)
        return change is not None and change.is_unfinished


def _try(change_id: UUID, turn: int, *, limit: int, ahead: _Ahead | None = None) -> bool:
    for _ in range(_MOST_TRIES):
        try:
            return _commit(change_id, turn, limit=limit, ahead=ahead)
        except RosterChanged:
            logger.info("providers were given other work at the same moment, so trying again", extra=_about(change_id))
    raise RosterChanged


def _commit(change_id: UUID, turn: int, *, limit: int, ahead: _Ahead | None = None) -> bool:
    with transaction():
        change = bulk_changes.find_unfinished(change_id, turn)
        if change is not None:
            if ahead is not None:
                ahead.look(change)
            step = bulk_undo.carry_on if change.state is BulkState.UNDOING else bulk_changes.carry_on
            step(change, limit=limit)
        return change is not None and change.is_unfinished


def _about(change_id: UUID) -> dict[str, object]:
    return {"bulk_change": change_id}
