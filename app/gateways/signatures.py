"""Signed messages from gateways. Whatever a stranger sends, the answer is True or False and never an error."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from app.kit import clock

TOLERANCE_SECONDS = 300


def header_of(headers: Mapping[str, str], name: str) -> str:
    """The header, however its name is written; empty where there is none."""
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), "")


def is_signed(message: bytes, given: str, secrets: Iterable[str]) -> bool:
    """True when `given` is the hex HMAC-SHA256 of the message under one of the secrets; an empty secret is none."""
    claimed = given.encode("utf-8", "replace")
    return any(hmac.compare_digest(_digest(message, secret), claimed) for secret in secrets if secret)


def is_signed_now(payload: bytes, header: str, secrets: Iterable[str]) -> bool:
    """True for a header `t=<unix time>,v1=<hex>[,v1=<hex>]` over `<time>.<payload>` whose time is near ours.

    Near both ways: a stamp from the future would let a message be replayed until then.
    """
    parts = [part.strip().partition("=") for part in header.split(",")]
    stamp = next((value for name, _, value in parts if name == "t"), "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return False
    if abs(clock.utc_now().timestamp() - int(stamp)) > TOLERANCE_SECONDS:
        return False
    message = stamp.encode() + b"." + payload
    known = tuple(secrets)
    return any(is_signed(message, value, known) for name, _, value in parts[:20] if name == "v1")


def is_recent(stamp: str, *, at_most: timedelta) -> bool:
    """True for an ISO 8601 time with a zone, no older than that and not of the future."""
    try:
        age = clock.utc_now() - datetime.fromisoformat(stamp)
    except (ValueError, TypeError, OverflowError):
        return False
    return -timedelta(seconds=TOLERANCE_SECONDS) <= age <= at_most


def _digest(message: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest().encode()
