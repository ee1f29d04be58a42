"""Chaining audit entries in the order in which they are found, after their commit: no writer ever waits for another.

A transaction that commits late has an old time and a late place. Once chained, an entry keeps its place.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import load_only

from app.db import LOCK, db
from app.errors import DomainError
from app.kit import clock
from app.models import AuditChain, AuditEntry
from app.workflows import audit_hashes

_ONLY_ROW = 1

HASHED: tuple[Any, ...] = (
    AuditEntry.action,
    AuditEntry.subject_type,
    AuditEntry.subject_id,
    AuditEntry.actor_kind,
    AuditEntry.actor_user_id,
    AuditEntry.address,
    AuditEntry.created_at,
    AuditEntry.digest,
)
"""What a hash is made of, without the text, which need not be opened."""


class ChainBroken(DomainError):
    code = "audit_chain_broken"
    message = "The head of the audit chain is gone although entries are chained: somebody changed the database by hand."


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the chain that can be noted outside: how far it reached, and the hash there."""

    position: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.position}:{self.hash.hex()}"

    @classmethod
    def read(cls, text: str) -> "Mark":
        """Raises ValueError."""
        position, _, digits = text.strip().partition(":")
        mark = cls(int(position), bytes.fromhex(digits))
        if mark.position < 0 or len(mark.hash) != len(audit_hashes.BEGINNING):
            raise ValueError(text)
        return mark


BEGINNING = Mark(0, audit_hashes.BEGINNING)


def chain_some(limit: int) -> int:
    """Chain the oldest `limit` of the entries that are committed and not chained yet; how many there were."""
    chain = get_locked()
    waiting = _waiting(limit)
    if not waiting:
        return 0
    _complete([entry for entry in waiting if entry.digest is None])
    mark = Mark.read(chain.head)
    places = []
    for position, entry in enumerate(waiting, mark.position + 1):
        digest = audit_hashes.hash_of(entry, position, mark.hash)
        places.append({"key": entry.id, "place": position, "before": mark.hash, "own": digest})
        mark = Mark(position, digest)
    _write(places)
    chain.head, chain.chained_at = str(mark), clock.utc_now()
    return len(waiting)


def get_locked() -> AuditChain:
    """The chain, locked: one at a time makes it longer. Raises ChainBroken."""
    found = _find_locked()
    if found is not None:
        return found
    if db.session.scalar(select(func.max(AuditEntry.position))) is not None:
        # Unless somebody chained the first entries a moment ago.
        return _find_locked() or _refuse()
    try:
        with db.session.begin_nested():
            db.session.add(AuditChain(id=_ONLY_ROW, head=str(BEGINNING)))
    except IntegrityError:
        pass  # Somebody else was first.
    return db.session.get_one(AuditChain, _ONLY_ROW, with_for_update=LOCK, populate_existing=True)


def _refuse() -> NoReturn:
    raise ChainBroken


@contextmanager
def resealing() -> Iterator[None]:
    """The sealed text of entries may be written inside; the gate is shut again before anybody can see it open."""
    chain = get_locked()
    chain.is_resealing = True
    db.session.flush()
    yield
    db.session.flush()
    chain.is_resealing = False
    db.session.flush()


def find() -> AuditChain | None:
    return db.session.get(AuditChain, _ONLY_ROW)


def head() -> Mark:
    """How far the chain reaches by its own account."""
    chain = find()
    return Mark.read(chain.head) if chain else BEGINNING


def _find_locked() -> AuditChain | None:
    return db.session.get(AuditChain, _ONLY_ROW, with_for_update=LOCK, populate_existing=True)


def _waiting(limit: int) -> Sequence[AuditEntry]:
    query = select(AuditEntry).where(AuditEntry.position.is_(None)).options(load_only(*HASHED))
    return db.session.scalars(query.order_by(AuditEntry.created_at, AuditEntry.id).limit(limit)).all()


def _complete(entries: Sequence[AuditEntry]) -> None:
    """Entries made before there were digests get a salt and theirs."""
    if not entries:
        return
    with resealing():
        for entry in entries:
            entry.changes = entry.changes
            entry.digest = audit_hashes.digest_of(entry, entry.salted)


def _write(places: Sequence[dict[str, Any]]) -> None:
    statement = update(AuditEntry.__table__).where(AuditEntry.__table__.c.id == bindparam("key"))  # type: ignore[arg-type]
    values: dict[str, Any] = {
        "position": bindparam("place"),
        "previous_hash": bindparam("before"),
        "entry_hash": bindparam("own"),
    }
    db.session.connection().execute(statement.values(**values), places)
