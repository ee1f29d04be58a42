"""Writing down who did what to which record."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.kit import clock, ids
from app.models import ActorKind, AuditEntry, User
from app.workflows import audit_hashes, bulk_writes
from app.workflows.fresh_rows import draft

_written = json.JSONEncoder(default=str, ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Actor:
    """Who causes a change: a signed-in user, a program with a token, a command, or the system itself."""

    kind: ActorKind
    user_id: UUID | None = None
    address: str | None = None
    token_id: UUID | None = None


SYSTEM = Actor(ActorKind.SYSTEM)
COMMAND = Actor(ActorKind.COMMAND)


def actor_of(user: User, address: str | None = None) -> Actor:
    return Actor(ActorKind.USER, user.id, address)


class Subject(Protocol):
    @property
    def id(self) -> UUID: ...

    __tablename__: str


def record(
    action: str,
    subject: Subject | None,
    *,
    actor: Actor,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    key: UUID | None = None,
) -> UUID:
    """Enter one change, `action` dotted and in the past tense: `request.status_changed`. Returns the entry's key.

    What concerns no row, like the hours of the business, has no subject.
    """
    entry = make_entry(action, subject, actor=actor, before=before, after=after, key=key)
    bulk_writes.add(entry)
    return entry.id


def make_entry(
    action: str,
    subject: Subject | None,
    *,
    actor: Actor,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    key: UUID | None = None,
) -> AuditEntry:
    """The same entry, for those who write it themselves."""
    by_token = {"token": actor.token_id} if actor.token_id else {}
    changes = {"before": dict(before or {}), "after": dict(after or {}) | by_token}
    entry = draft(
        AuditEntry,
        id=key or ids.new_id(),
        created_at=clock.utc_now(),
        action=action,
        subject_type=subject.__tablename__ if subject else "business",
        subject_id=subject.id if subject else None,
        actor_kind=actor.kind,
        actor_user_id=actor.user_id,
        address=actor.address,
        salted=AuditEntry.salt(_written(changes)),
    )
    entry.digest = audit_hashes.digest_of(entry, entry.salted)
    return entry
