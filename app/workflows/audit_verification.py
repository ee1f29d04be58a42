"""Walking the audit log from its first entry to its last, and saying where it was tampered with."""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import LargeBinary, select, type_coerce
from sqlalchemy.orm import load_only

from app.columns import keyring
from app.db import db
from app.kit import clock
from app.kit.crypto import CannotOpen
from app.models import AuditEntry
from app.workflows import audit_chain, audit_hashes
from app.workflows.audit_chain import BEGINNING, Mark

LONGEST_WAIT = timedelta(minutes=15)
"""The job chains every few seconds: what waits longer than this has been forgotten."""


_CONTEXT: str = AuditEntry.__table__.c.changes_sealed.type.context  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Problem:
    """The first place where something is wrong, and what."""

    position: int | None
    entry_id: UUID | None
    what: str

    def __str__(self) -> str:
        place = f"Entry {self.position:,}" if self.position is not None else "An entry"
        name = f" ({self.entry_id})" if self.entry_id else ""
        return f"{place}{name}: {self.what}"


@dataclass(frozen=True, slots=True)
class Step:
    """A batch that was walked: how far it came, how many entries it had, and what stopped it."""

    mark: Mark
    walked: int
    problem: Problem | None = None


def walk_on(mark: Mark, limit: int) -> Step:
    """Verify the `limit` entries after `mark`, or up to the first that is wrong."""
    # The text is opened one by one: a single one that does not open must not hide which it is.
    sealed = type_coerce(AuditEntry.salted, LargeBinary)
    query = select(AuditEntry, sealed).where(AuditEntry.position > mark.position).order_by(AuditEntry.position)
    fresh = query.options(load_only(*_READ)).limit(limit).execution_options(populate_existing=True)
    walked = 0
    for entry, text in db.session.execute(fresh):
        problem = _wrong_with(entry, text, mark)
        if problem is not None:
            return Step(mark, walked, problem)
        mark = Mark(entry.position or 0, entry.entry_hash or b"")
        walked += 1
    return Step(mark, walked)


def wrong_end(mark: Mark, head: Mark) -> Problem | None:
    """What is wrong where the walk ended. `head` has to be read before the walk: meanwhile the chain grows."""
    if mark.position < head.position:
        gone = head.position - mark.position
        return Problem(mark.position + 1, None, f"missing, with all after it: the newest {gone:,} entries were deleted")
    return wrong_at(head)


def wrong_at(noted: Mark) -> Problem | None:
    """What is wrong at a place whose hash was noted."""
    if noted.position == 0:
        return None
    query = select(AuditEntry.id, AuditEntry.entry_hash).where(AuditEntry.position == noted.position)
    found = db.session.execute(query).one_or_none()
    if found is None:
        return Problem(noted.position, None, "missing: the chain once reached this far")
    if found.entry_hash != noted.hash:
        return Problem(noted.position, found.id, "another hash than was noted: the chain up to here was written anew")
    return None


def forgotten() -> Problem | None:
    """The oldest entry that should be chained by now."""
    query = (
        select(AuditEntry.id)
        .where(AuditEntry.position.is_(None), AuditEntry.created_at < clock.utc_now() - LONGEST_WAIT)
        .order_by(AuditEntry.created_at, AuditEntry.id)
    )
    found = db.session.scalar(query.limit(1))
    minutes = int(LONGEST_WAIT.total_seconds() // 60)
    what = f"not chained after {minutes} minutes: are worker and scheduler running?"
    return Problem(None, found, what) if found else None


def place_of(position: int) -> Mark | None:
    """The mark at a position, to go on from; None when there is no such entry any more."""
    if position == 0:
        return BEGINNING
    found = db.session.scalar(select(AuditEntry.entry_hash).where(AuditEntry.position == position))
    return Mark(position, found) if found else None


def note(*, position: int, problem: Problem | None, is_complete: bool) -> None:
    """What the console shows."""
    chain = audit_chain.get_locked()
    chain.verified_position = position
    if problem or is_complete:
        chain.problem = str(problem) if problem else None
    if is_complete:
        chain.verified_at = clock.utc_now()


_READ = (
    *audit_chain.HASHED,
    AuditEntry.position,
    AuditEntry.previous_hash,
    AuditEntry.entry_hash,
    AuditEntry.erased_by,
)


def _wrong_with(entry: AuditEntry, sealed: bytes, before: Mark) -> Problem | None:
    position = entry.position or 0
    what = None
    if position != before.position + 1:
        missing = range(before.position + 1, position)
        what = f"missing, with {len(missing) - 1:,} after it" if len(missing) > 1 else "missing: it was deleted"
        return Problem(missing[0], None, what)
    if entry.previous_hash != before.hash:
        what = "does not follow the entry before it: entries were put in another order, or one was replaced"
    elif entry.entry_hash != audit_hashes.hash_of(entry, position, before.hash):
        what = "changed: its columns are not what its hash was made of"
    else:
        what = _wrong_text(entry, sealed)
    return Problem(position, entry.id, what) if what else None


def _wrong_text(entry: AuditEntry, sealed: bytes) -> str | None:
    try:
        salted = keyring.open(bytes(sealed), _CONTEXT).decode()
        if entry.erased_by is not None:
            is_right = _is_erased_rightly(entry, salted)
            return None if is_right else "changed: its text is not what the erasure of a customer left"
    except CannotOpen as error:
        return f"its text cannot be opened: {error}"
    is_right = entry.digest == audit_hashes.digest_of(entry, salted)
    return None if is_right else "changed: what stands under before and after is not what was written"


def _is_erased_rightly(entry: AuditEntry, salted: str) -> bool:
    erasing = db.session.get(AuditEntry, entry.erased_by)
    left = json.loads(erasing.changes)["after"].get("left", {}) if erasing else {}
    return bool(left.get(str(entry.id)) == fingerprint(salted))


def fingerprint(text: str) -> str:
    """How an erasing entry names what it left of another."""
    return hashlib.sha256(text.encode()).hexdigest()
