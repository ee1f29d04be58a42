"""People who sign in: made, given a password, recognised by it, shut out."""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import select

from app.db import db
from app.errors import InvalidInput, wrong
from app.kit import clock
from app.kit.contact import InvalidContact, parse_email
from app.kit.text import tidy_line
from app.models import AffiliateProfile, ProviderProfile, Role, User
from app.workflows import account_letters, audit, user_sessions
from app.workflows.audit import Actor

MINIMUM_PASSWORD_LENGTH = 10
MAXIMUM_PASSWORD_LENGTH = 200
MAXIMUM_NAME_LENGTH = 200

# 19 MiB for each sign-in: strong enough for the published advice, and many at once fit into a small web process.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@cache
def _nobody() -> str:
    """What the password of an account that is not there is compared with: it takes as long as any other."""
    return _hasher.hash(secrets.token_urlsafe(16))


def create_user(email: str, name: str, *, role: Role, actor: Actor, password: str | None = None) -> User:
    """A new account, with the profile its role needs; without a password nobody can sign in to it.

    Raises InvalidInput for a bad or known address, or a name too long.
    """
    user = make_account(email, name, role=role)
    if password is not None:
        set_password(user, password)
    db.session.add(user)
    db.session.flush()
    give_profile(user)
    audit.record("user.created", user, actor=actor, after={"email": user.email, "role": role})
    return user


def make_account(email: str, name: str, *, role: Role) -> User:
    """The bare row, for whoever adds the profile too. Raises InvalidInput for a bad or known address."""
    address = _free_address(email)
    return User(email=address, name=_read_name(name) or address, role=role, session_epoch=0, is_enabled=True)


def rename(user: User, email: str, name: str) -> None:
    """Raises InvalidInput for a name too long, a bad address, or one that somebody else has."""
    if email.strip().lower() != user.email:
        user.email = _free_address(email)
    user.name = _read_name(name) or user.email


def give_profile(user: User) -> None:
    """What the role of a new account needs besides."""
    if user.role is Role.PROVIDER:
        db.session.add(ProviderProfile(user_id=user.id))
    elif user.role is Role.AFFILIATE:
        db.session.add(AffiliateProfile(user_id=user.id, code=secrets.token_hex(4).upper()))


def find_user(email: str) -> User | None:
    return db.session.scalar(select(User).where(User.email == email.strip().lower()))


def set_password(user: User, password: str) -> None:
    """Every session of the user ends."""
    user.password_hash = _hasher.hash(password)
    user_sessions.end_all(user)


def change_password(user: User, password: str, *, actor: Actor) -> None:
    """By its owner, who is told by mail. Raises InvalidInput for a weak one."""
    ensure_strong(password)
    set_password(user, password)
    audit.record("user.password_changed", user, actor=actor)
    account_letters.password_changed(user)


def change_role(user: User, role: Role) -> None:
    """Sessions of the old role do not outlive it."""
    user.role = role
    user_sessions.end_all(user)


def ensure_strong(password: str) -> None:
    """Raises InvalidInput for a password that is too easily guessed, or absurdly long."""
    if not MINIMUM_PASSWORD_LENGTH <= len(password) <= MAXIMUM_PASSWORD_LENGTH or len(set(password)) < 5:
        raise wrong(
            "password", f"Use at least {MINIMUM_PASSWORD_LENGTH} characters, and not the same few over and over."
        )


def is_password_right(user: User | None, password: str) -> bool:
    """Takes as long for an unknown user as for a known one, so that time tells nobody who has an account."""
    nobody = _nobody()
    stored = user.password_hash if user is not None and user.password_hash else nobody
    try:
        _hasher.verify(stored, password[:MAXIMUM_PASSWORD_LENGTH])
    except (VerifyMismatchError, InvalidHashError):
        return False
    return user is not None and stored is not nobody


def note_sign_in(user: User) -> None:
    user.last_sign_in_at = clock.utc_now()


def renew_hash(user: User, password: str) -> None:
    """Where the parameters have become stronger since the password was set; it stays what it is."""
    if user.password_hash and _hasher.check_needs_rehash(user.password_hash):
        user.password_hash = _hasher.hash(password)


def set_enabled(user: User, wanted: bool, *, actor: Actor) -> None:
    """Shut an account or open it again; shutting ends its sessions. Nobody shuts their own."""
    if not wanted and user.id == actor.user_id:
        raise InvalidInput("You cannot disable your own account: ask another administrator.")
    before = user.is_enabled
    user.is_enabled = wanted
    user_sessions.end_all(user)
    action = "user.enabled" if wanted else "user.disabled"
    audit.record(action, user, actor=actor, before={"is_enabled": before}, after={"is_enabled": wanted})


def _read_name(text: str) -> str:
    name = tidy_line(text)
    if len(name) > MAXIMUM_NAME_LENGTH:
        raise wrong("name", f"Keep the name within {MAXIMUM_NAME_LENGTH} characters.")
    return name


def _free_address(email: str) -> str:
    address = _parse_account_email(email)
    if find_user(address) is not None:
        raise InvalidInput(f"{address} has an account already.", details={"email": "This address is taken."})
    return address


def _parse_account_email(email: str) -> str:
    try:
        return parse_email(email).lower()
    except InvalidContact as error:
        raise wrong("email", str(error)) from error
