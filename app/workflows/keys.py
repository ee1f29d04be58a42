"""Which keys the database was written with, and whether we still have them all."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from app.columns import keyring
from app.db import db
from app.errors import DomainError
from app.kit.crypto import CannotOpen
from app.models import KeyMark

_CONTEXT = "key_marks.canary"
_WORD = b"counterfoil"


class KeyMissing(DomainError):
    code = "encryption_key_missing"


def ensure_known() -> None:
    """Note the newest key, once. Raises KeyMissing when values may stand under a key that we do not have."""
    marks = {mark.key_id: mark.canary for mark in db.session.scalars(select(KeyMark))}
    missing = sorted(key_id for key_id, canary in marks.items() if not _opens(canary))
    if missing:
        raise KeyMissing(
            f"ENCRYPTION_KEYS lacks {' and '.join(missing)} (ids of keys), which values in this database were sealed "
            "with. Put the key back, last in the list, and run rotate-keys before you remove it."
        )
    if newest() not in marks:
        _note_newest()


def newest() -> str:
    return keyring.key_ids[0].hex()


def first_used() -> datetime | None:
    """When the newest key came into use."""
    return db.session.scalar(select(KeyMark.created_at).where(KeyMark.key_id == newest()))


def forget_old() -> None:
    """No value needs the other keys any more."""
    db.session.execute(delete(KeyMark).where(KeyMark.key_id != newest()))


def _opens(canary: bytes) -> bool:
    try:
        return keyring.open(canary, _CONTEXT) == _WORD
    except CannotOpen:
        return False


def _note_newest() -> None:
    try:
        with db.session.begin_nested():
            db.session.add(KeyMark(key_id=newest(), canary=keyring.seal(_WORD, _CONTEXT)))
    except IntegrityError:
        # Another process that starts at this moment was first.
        return
