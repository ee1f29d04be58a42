"""Sealing of values at rest, and the keyed hashes they are searched by.

A keyring is made from one or more secrets, newest first. The newest seals and hashes; all of them open and
are searched, so that keys can be rotated while the service runs.
"""

import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_HASH_BYTES = 16
MINIMUM_SECRET_LENGTH = 32


class CannotOpen(Exception):
    """A sealed value whose key is not in the keyring, or that was altered or moved to another column."""


@dataclass(frozen=True, slots=True)
class _Key:
    key_id: bytes
    cipher: AESGCM
    hash_key: bytes


def _derive(secret: str, purpose: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=b"counterfoil:" + purpose).derive(secret.encode())


def _make_key(secret: str) -> _Key:
    if len(secret) < MINIMUM_SECRET_LENGTH:
        raise ValueError(f"an encryption key needs at least {MINIMUM_SECRET_LENGTH} characters")
    return _Key(
        key_id=_derive(secret, b"key-id", _KEY_ID_BYTES),
        cipher=AESGCM(_derive(secret, b"seal", 32)),
        hash_key=_derive(secret, b"hash", 32),
    )


class Keyring:
    """Seals with AES-256-GCM as `key id (4) | nonce (12) | ciphertext and tag`.

    `context` (the column's name) is bound in as associated data: a value moved to another column does not open.
    """

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self.use(secrets)

    def use(self, secrets: Sequence[str]) -> None:
        """Replace all keys; raises ValueError for one that is too short."""
        self._keys = [_make_key(secret) for secret in secrets]
        self._decrypt = {key.key_id: key.cipher.decrypt for key in self._keys}

    @property
    def newest(self) -> _Key:
        if not self._keys:
            raise CannotOpen("no encryption key is configured: set ENCRYPTION_KEYS")
        return self._keys[0]

    def seal(self, plain: bytes, context: str) -> bytes:
        key = self.newest
        nonce = os.urandom(_NONCE_BYTES)
        return key.key_id + nonce + key.cipher.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Raises CannotOpen when no key fits or the value was tampered with."""
        try:
            return self._decrypt[sealed[:_KEY_ID_BYTES]](sealed[_KEY_ID_BYTES:16], sealed[16:], context.encode())
        except KeyError:
            name = sealed[:_KEY_ID_BYTES].hex()
            message = f"{context} was sealed with key {name}, which is not in ENCRYPTION_KEYS: put it back"
            raise CannotOpen(message) from None
        except (InvalidTag, ValueError) as error:
            raise CannotOpen(f"{context} was altered, or sealed for another column") from error

    def open_all(self, sealed: Sequence[bytes], context: str) -> list[bytes]:
        """As `open` of each, for many of one column."""
        decrypt, bound = self._decrypt, context.encode()
        try:
            return [decrypt[each[:_KEY_ID_BYTES]](each[_KEY_ID_BYTES:16], each[16:], bound) for each in sealed]
        except (KeyError, InvalidTag, ValueError):
            # One by one, it comes out what is wrong.
            return [self.open(each, context) for each in sealed]

    def is_current(self, sealed: bytes) -> bool:
        return sealed[:_KEY_ID_BYTES] == self.newest.key_id

    def reseal(self, sealed: bytes, context: str) -> bytes:
        """The same value under the newest key. Raises CannotOpen."""
        return sealed if self.is_current(sealed) else self.seal(self.open(sealed, context), context)

    @property
    def key_ids(self) -> list[bytes]:
        """What sealed values begin with, newest key first: it names a key and tells nothing of it."""
        return [key.key_id for key in self._keys]

    def hash(self, value: str, context: str) -> bytes:
        """The keyed hash to store: equal values meet, but without the key nobody can guess them."""
        return _keyed_hash(self.newest, value, context)

    def hashes(self, value: str, context: str) -> list[bytes]:
        """The hashes to search for: one for each key, as a row may still carry an older one."""
        return [_keyed_hash(key, value, context) for key in self._keys]


def _keyed_hash(key: _Key, value: str, context: str) -> bytes:
    message = f"{context}\0{value}".encode()
    return hmac.new(key.hash_key, message, hashlib.sha256).digest()[:_HASH_BYTES]
