"""What the hashes of the audit log are made of.

The digest of an entry covers all its columns and the salted text of its changes: only who can open that text can make
it. The hash in the chain covers the columns and the digest, not the sealed bytes: those are made anew when keys are
rotated, and are replaced when a customer is erased.
"""

import hashlib
import json
from datetime import UTC

from app.models import AuditEntry

_written = json.JSONEncoder(separators=(",", ":")).encode
BEGINNING = bytes(32)
"""What stands before the first entry."""


def digest_of(entry: AuditEntry, salted: str) -> bytes:
    return hashlib.sha256(_columns(entry) + salted.encode()).digest()


def hash_of(entry: AuditEntry, position: int, previous: bytes) -> bytes:
    """The place of a chained entry: `previous` is the hash of the one before."""
    return hashlib.sha256(previous + position.to_bytes(8) + (entry.digest or b"") + _columns(entry)).digest()


def _columns(entry: AuditEntry) -> bytes:
    values = [
        str(entry.id),
        entry.action,
        entry.subject_type,
        str(entry.subject_id) if entry.subject_id else None,
        entry.actor_kind.value,
        str(entry.actor_user_id) if entry.actor_user_id else None,
        entry.address,
        entry.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
    ]
    return _written(values).encode() + b"\n"
