"""Limits on guessing: waits that grow with each wrong try, for an account and for an address.

They slow strangers down without shutting the owner out: a browser that the account knows is counted by itself, so
whatever others try elsewhere, it never waits for them. They are counted in the database, whether Redis is there or not.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select

from app.columns import keyring
from app.db import db
from app.errors import DomainError
from app.kit import clock
from app.models import SignInAttempt

FREE_TRIES = 5
FREE_TRIES_OF_ADDRESS = 20
"""An office or a mobile network may stand behind one."""
MEMORY = timedelta(days=1)
FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(minutes=15)

_CONTEXT = "sign_in_attempts.target"
_STEPS = 8


class TooManyTries(DomainError):
    """Nothing was checked: a right guess reads like a wrong one."""

    code = "too_many_tries"
    http_status = 429
    retryable = True

    def __init__(self, wait: timedelta) -> None:
        self.seconds = max(1, round(wait.total_seconds()))
        super().__init__(f"There were too many wrong tries. Wait {_words(self.seconds)}, then try again.")


@dataclass(frozen=True, slots=True)
class Target:
    """What is tried (`purpose`), for whom, from where. `device` is set for a browser that this account knows."""

    purpose: str
    whom: str
    address: str
    device: str = ""

    @property
    def text(self) -> str:
        return f"{self.purpose}\0{self.whom}\0{self.device}"

    @property
    def network(self) -> str:
        """What counts as one address; a known browser is not counted by it."""
        return "" if self.device else network_of(self.address)


def note(target: Target) -> SignInAttempt:
    """Written down before anything is checked, so that of many at the same moment each sees the others."""
    attempt = SignInAttempt(target_hash=keyring.hash(target.text, _CONTEXT), address=target.network)
    db.session.add(attempt)
    return attempt


def wait_for(target: Target, attempt: SignInAttempt) -> timedelta | None:
    """How long to wait before `attempt` may be checked; None when it may be."""
    now = clock.utc_now()
    hashes = keyring.hashes(target.text, _CONTEXT)
    waits = [_wait(SignInAttempt.target_hash.in_(hashes), FREE_TRIES, attempt=attempt, now=now)]
    if target.network:
        clause = SignInAttempt.address == target.network
        waits.append(_wait(clause, FREE_TRIES_OF_ADDRESS, attempt=attempt, now=now))
    longest = max(waits)
    return longest if longest > timedelta(0) else None


def forget(attempt: SignInAttempt) -> None:
    """It was right, or was not checked at all."""
    db.session.execute(delete(SignInAttempt).where(SignInAttempt.id == attempt.id))


def forget_old() -> None:
    db.session.execute(delete(SignInAttempt).where(SignInAttempt.created_at < clock.utc_now() - MEMORY))


def network_of(address: str) -> str:
    """A household has a whole /64 of IPv6 addresses to try from."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:45]
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def wait_after(tries: int, free: int) -> timedelta:
    """15 s after the last free try, then twice as long each time, up to a quarter of an hour."""
    if tries < free:
        return timedelta(0)
    return min(FIRST_WAIT * (1 << min(tries - free, _STEPS)), LONGEST_WAIT)


def _wait(clause: ColumnElement[bool], free: int, *, attempt: SignInAttempt, now: datetime) -> timedelta:
    query = select(SignInAttempt.created_at).where(
        clause, SignInAttempt.id != attempt.id, SignInAttempt.created_at > now - MEMORY
    )
    tries = db.session.scalars(query.order_by(SignInAttempt.created_at.desc()).limit(free + _STEPS)).all()
    if not tries:
        return timedelta(0)
    latest: datetime = tries[0]
    return latest + wait_after(len(tries), free) - now


def _words(seconds: int) -> str:
    if seconds <= 90:
        return f"{seconds} seconds" if seconds != 1 else "1 second"
    return f"{-(-seconds // 60)} minutes"
