"""Bearer tokens: programs that act for a member of staff, within what both their role and the token allow."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import joinedload

from app.db import LOCK, db
from app.errors import DomainError, InvalidInput, NotFound, wrong
from app.kit import clock
from app.models import STAFF_ROLES, ApiToken, User
from app.workflows import audit
from app.workflows.audit import Actor

PREFIX = "cf_"
"""Lets scanners for leaked secrets, and people, see what it is."""

MAXIMUM_NAME_LENGTH = 100
_NOTED_AFTER = timedelta(minutes=1)


class Scope(StrEnum):
    """What a token may do; `label` completes the sentence "it may ..."."""

    READ_REQUESTS = "requests:read"
    CHANGE_REQUESTS = "requests:write"
    READ_CUSTOMERS = "customers:read"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Scope.READ_REQUESTS: "read requests: what was bought, how it stands, who works on it",
    Scope.CHANGE_REQUESTS: "assign requests, change their status and write notes",
    Scope.READ_CUSTOMERS: "see the customers of requests: name, email, phone and what they wrote",
}


class TokenRefused(DomainError):
    code = "unauthenticated"
    http_status = 401
    message = "This token is not valid: it is mistyped or revoked, or its owner's account is closed."
    suggested_action = "Ask an administrator for a new token."


@dataclass(frozen=True, slots=True)
class NewToken:
    """`secret` is known now and never again."""

    row: ApiToken
    secret: str


def create(owner: User, name: str, scopes: Collection[Scope], *, actor: Actor) -> NewToken:
    """A token that acts for `owner`.

    Raises InvalidInput: a closed account, one without the console, a name in use, no scope.
    """
    db.session.refresh(owner, with_for_update=LOCK)
    text = name.strip()
    _ensure_fit(owner, text, scopes)
    secret = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(user_id=owner.id, name=text, token_hash=_hash(secret), scopes=" ".join(sorted(set(scopes))))
    row.user = owner
    db.session.add(row)
    db.session.flush()
    audit.record("token.created", row, actor=actor, after={"user": owner.id, "name": text, "scopes": row.scopes})
    return NewToken(row, secret)


def get_valid(secret: str) -> ApiToken:
    """Raises TokenRefused, and does not say why: who guesses learns nothing."""
    query = select(ApiToken).where(ApiToken.token_hash == _hash(secret)).options(joinedload(ApiToken.user))
    row = db.session.scalar(query)
    if row is None or row.revoked_at is not None or not row.user.is_enabled:
        raise TokenRefused
    return row


def scopes_of(row: ApiToken) -> frozenset[Scope]:
    return frozenset(scope for scope in Scope if scope.value in row.scopes.split())


def is_use_news(row: ApiToken) -> bool:
    """Whether its last use is worth writing down again: once a minute is enough."""
    return row.last_used_at is None or row.last_used_at < clock.utc_now() - _NOTED_AFTER


def note_use(row: ApiToken) -> None:
    now = clock.utc_now()
    is_older = or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at < now - _NOTED_AFTER)
    change = update(ApiToken).where(ApiToken.id == row.id, is_older).values(last_used_at=now)
    db.session.execute(change.execution_options(synchronize_session=False))


def revoke(token_id: UUID, *, actor: Actor) -> ApiToken:
    """From the next call on it is refused; twice is once. Raises NotFound."""
    row = db.session.get(ApiToken, token_id, with_for_update=LOCK, populate_existing=True)
    if row is None:
        raise NotFound("This token does not exist.")
    if row.revoked_at is None:
        row.revoked_at = clock.utc_now()
        audit.record("token.revoked", row, actor=actor, after={"user": row.user_id, "name": row.name})
    return row


def all_tokens(limit: int) -> list[ApiToken]:
    """The newest first, those in use before those revoked."""
    query = select(ApiToken).options(joinedload(ApiToken.user)).limit(limit)
    return list(db.session.scalars(query.order_by(ApiToken.revoked_at.is_not(None), ApiToken.created_at.desc())))


def possible_owners() -> list[User]:
    """Whom a token may act for, by name."""
    query = select(User).where(User.role.in_(STAFF_ROLES), User.is_enabled).order_by(User.name)
    return list(db.session.scalars(query))


def parse_scopes(names: Collection[str]) -> list[Scope]:
    """Raises InvalidInput for one that there is not."""
    unknown = sorted(set(names) - set(Scope))
    if unknown:
        raise wrong("scopes", f"There is no scope “{unknown[0]}”. There are {', '.join(Scope)}.")
    return [Scope(name) for name in names]


def _ensure_fit(owner: User, name: str, scopes: Collection[Scope]) -> None:
    problems: dict[str, str] = {}
    if not owner.is_enabled or not owner.is_staff:
        problems["owner"] = "Choose an open account of staff: a token can do nothing for anybody else."
    if not 0 < len(name) <= MAXIMUM_NAME_LENGTH:
        problems["name"] = f"Say what it is for, in 1 to {MAXIMUM_NAME_LENGTH} characters."
    elif _has_of_name(owner, name):
        problems["name"] = f"{owner.name} has a token of this name: choose another, or revoke that one first."
    if not scopes:
        problems["scopes"] = "Choose what it may do."
    if problems:
        raise InvalidInput(next(iter(problems.values())), details=problems)


def _has_of_name(owner: User, name: str) -> bool:
    """A form sent twice must not make two tokens, of which nobody knows the first."""
    query = select(ApiToken.id).where(
        ApiToken.user_id == owner.id, ApiToken.name == name, ApiToken.revoked_at.is_(None)
    )
    return db.session.scalar(query.limit(1)) is not None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
