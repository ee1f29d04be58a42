"""Saving confirmed imports in short transactions: begun by the page that confirms, carried on by jobs."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.db import db, transaction
from app.jobs import queue
from app.models import CsvImport
from app.workflows import catalog_import, catalog_sheet, imports, provider_import, provider_sheet
from app.workflows.imports import Apply, Lock
from app.workflows.sheets import Heading, Planned, Sheet

AT_ONCE = 3.0
"""Seconds that the page may take which confirms: a small file is saved when it answers."""

SLICE = 2.0
"""Seconds of a job, after which the rest goes to the end of the queue: mail gets its turn in between."""

_PAUSE_ON_SQLITE = 0.02
"""Seconds between two commits in which another writer gets its turn: SQLite has one at a time, and no queue."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be imported: its headings, those nothing goes without, example lines, and how it is done."""

    name: str
    headings: Sequence[Heading]
    needed: Sequence[str]
    examples: Sequence[dict[str, str]]
    plan: Callable[[Sheet], list[Planned]]
    lock: Lock
    apply: Apply


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "services",
            catalog_sheet.HEADINGS,
            catalog_sheet.NEEDED,
            catalog_sheet.TEMPLATE,
            catalog_import.plan,
            catalog_import.lock,
            catalog_import.apply,
        ),
        Kind(
            "providers",
            provider_sheet.HEADINGS,
            provider_sheet.NEEDED,
            provider_sheet.TEMPLATE,
            provider_import.plan,
            provider_import.lock,
            provider_import.apply,
        ),
    )
}


def carry_on(import_id: UUID, *, seconds: float) -> bool:
    """Save lines until all are or the time is up; then a job is rung for the rest. True when it is finished."""
    row = db.session.get(CsvImport, import_id)
    if row is None:
        return True
    kind = KINDS[row.kind]
    steps = [line for line in imports.lines_of(row) if line.is_step]
    end = time.monotonic() + seconds
    while True:
        with transaction():
            is_finished = imports.take_chunk(import_id, steps, apply=kind.apply, lock=kind.lock)
            if not is_finished and time.monotonic() > end:
                queue.enqueue("app.jobs.imports.carry_on", str(import_id))
        if is_finished or time.monotonic() > end:
            return is_finished
        if db.engine.dialect.name == "sqlite":
            time.sleep(_PAUSE_ON_SQLITE)
