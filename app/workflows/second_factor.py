"""The second factor: codes of an app on the phone (TOTP), and recovery codes for when the phone is gone."""

import hashlib
import hmac
import secrets
from uuid import UUID

import pyotp
from sqlalchemy import CursorResult, delete, func, or_, select, update

from app.db import db
from app.errors import DomainError, InvalidInput
from app.kit import clock, ids
from app.models import RecoveryCode, User
from app.workflows import account_letters, audit, user_sessions
from app.workflows.audit import Actor

RECOVERY_CODES = 10
_STEP_SECONDS = 30
_DIGITS = 6
_CODE_LENGTH = 16
"""80 random bits: nobody finds one by trying hashes, so a fast hash keeps them."""

_LOOKALIKES = str.maketrans("ILO", "110")

WRONG_CODE = "This code is not right, or was used already. Wait for the next one and check the time on your phone."


class SecondFactorRefused(DomainError):
    code = "second_factor_refused"
    message = "Your second factor is set up already."
    suggested_action = "Turn it off first to use another app."


def begin(user: User) -> None:
    """A secret to put into an app. It counts for nothing until a first code is entered. Raises SecondFactorRefused."""
    if user.has_second_factor:
        raise SecondFactorRefused
    user.totp_secret_sealed = pyotp.random_base32()
    user.totp_last_step = None


def address(user: User, *, issuer: str) -> str:
    """What the QR code says."""
    return _totp(user).provisioning_uri(name=user.email, issuer_name=issuer)


def enable(user: User, code: str, *, actor: Actor) -> list[str]:
    """The recovery codes, to be shown once. Raises InvalidInput for a wrong code, SecondFactorRefused."""
    if user.has_second_factor or not user.totp_secret_sealed:
        raise SecondFactorRefused
    if not _take_step(user, code):
        raise InvalidInput(WRONG_CODE, details={"code": WRONG_CODE})
    user.totp_confirmed_at = clock.utc_now()
    audit.record("user.second_factor_enabled", user, actor=actor)
    account_letters.second_factor_changed(user, "enabled")
    return _new_codes(user)


def accept(user: User, code: str) -> bool:
    """Whether it is a code of the app, or a recovery code, that was not used yet; from now on it is used."""
    if not user.has_second_factor:
        return False
    symbols = "".join(code.split()).replace("-", "")
    if len(symbols) == _DIGITS:
        return _take_step(user, symbols)
    return len(symbols) == _CODE_LENGTH and _take_recovery_code(user, symbols)


def renew_codes(user: User, *, actor: Actor) -> list[str]:
    """New recovery codes; the old ones count no more."""
    if not user.has_second_factor:
        raise SecondFactorRefused("Set up the second factor first.")
    audit.record("user.recovery_codes_renewed", user, actor=actor)
    account_letters.second_factor_changed(user, "codes")
    return _new_codes(user)


def disable(user: User, *, actor: Actor) -> None:
    """Whoever calls has asked for the password and a code."""
    _remove(user)
    audit.record("user.second_factor_disabled", user, actor=actor)
    account_letters.second_factor_changed(user, "disabled")


def reset(user: User, *, actor: Actor) -> None:
    """By an administrator, for somebody who has lost phone and codes; their sessions end."""
    if user.id == actor.user_id:
        raise InvalidInput("You cannot reset your own second factor here: use your account page.")
    if not user.has_second_factor:
        raise InvalidInput(f"{user.name} has no second factor.")
    _remove(user)
    user_sessions.end_all(user)
    audit.record("user.second_factor_reset", user, actor=actor)
    account_letters.second_factor_changed(user, "reset")


def codes_left(user_id: UUID) -> int:
    unused = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return db.session.scalar(unused) or 0


def _totp(user: User) -> pyotp.TOTP:
    if not user.totp_secret_sealed:
        raise SecondFactorRefused("Begin again: there is no secret to set up.")
    return pyotp.TOTP(user.totp_secret_sealed, digits=_DIGITS, interval=_STEP_SECONDS)


def _take_step(user: User, code: str) -> bool:
    """A clock may be one step off. A step is taken by compare-and-set: of two at once, one gets it."""
    totp = _totp(user)
    now = int(clock.utc_now().timestamp()) // _STEP_SECONDS
    steps = [step for step in (now, now - 1, now + 1) if _is_code(totp, step, code)]
    if not steps:
        return False
    unused = or_(User.totp_last_step.is_(None), User.totp_last_step < steps[0])
    taken = update(User).where(User.id == user.id, unused).values(totp_last_step=steps[0])
    return _count(db.session.execute(taken)) == 1


def _is_code(totp: pyotp.TOTP, step: int, code: str) -> bool:
    expected = totp.at(step * _STEP_SECONDS)
    return hmac.compare_digest(expected.encode(), "".join(code.split()).encode("utf-8", "replace"))


def _take_recovery_code(user: User, symbols: str) -> bool:
    unused = (
        RecoveryCode.user_id == user.id,
        RecoveryCode.code_hash == _hash(user.id, symbols),
        RecoveryCode.used_at.is_(None),
    )
    taken = update(RecoveryCode).where(*unused).values(used_at=clock.utc_now())
    return _count(db.session.execute(taken)) == 1


def _count(result: object) -> int:
    assert isinstance(result, CursorResult)
    return result.rowcount


def _new_codes(user: User) -> list[str]:
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = ["".join(secrets.choice(ids.ALPHABET) for _ in range(_CODE_LENGTH)) for _ in range(RECOVERY_CODES)]
    db.session.add_all(RecoveryCode(user_id=user.id, code_hash=_hash(user.id, code)) for code in codes)
    return ["-".join(code[at : at + 4] for at in range(0, _CODE_LENGTH, 4)) for code in codes]


def _hash(user_id: UUID, symbols: str) -> bytes:
    folded = symbols.upper().translate(_LOOKALIKES)
    return hashlib.sha256(f"{user_id}:{folded}".encode("utf-8", "replace")).digest()


def _remove(user: User) -> None:
    user.totp_secret_sealed = user.totp_confirmed_at = user.totp_last_step = None
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
