"""Messages signed with a certificate that the sender names by its address.

The address comes from a stranger: it is checked before it is fetched, and what it gives is believed only with a chain
to a root we trust, a name in the sender's domain, and a date that is now. Chains are kept, so that a message rarely
costs a call.
"""

import base64
import binascii
import re
import threading
import warnings
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import AuthorityInformationAccessOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from app.kit import clock

_MAXIMUM_BYTES = 64 * 1024
_TIMEOUT_SECONDS = (1, 2)
_KEPT_FOR = timedelta(hours=24)
_MISSES_A_MINUTE = 10


class Untrusted(Exception):
    """The certificate cannot be had, or not be believed."""


@dataclass(frozen=True, slots=True)
class Trust:
    """`url` is what an address has to look like; `domain` what the certificate's name ends in.

    `roots` (PEM) stand in for the public ones in tests and rehearsals.
    """

    url: re.Pattern[str]
    domain: str
    roots: str = ""


_kept: dict[tuple[str, Trust], tuple[RSAPublicKey, datetime]] = {}
_misses: deque[datetime] = deque(maxlen=_MISSES_A_MINUTE)
_fetching = threading.Lock()


def is_signed(message: str, signature: str, key: RSAPublicKey) -> bool:
    """True for the base64 RSA signature of the message's SHA-256; whatever a stranger sends, no error."""
    try:
        key.verify(base64.b64decode(signature, validate=True), message.encode("utf-8", "replace"), PKCS1v15(), SHA256())
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True


def key_at(url: str, trust: Trust) -> RSAPublicKey:
    """The key of the certificate at that address. Raises Untrusted."""
    if len(url) > 500 or trust.url.fullmatch(url) is None:
        raise Untrusted("not the sender's address")
    kept = _kept.get((url, trust))
    if kept is None or kept[1] <= clock.utc_now():
        with _fetching:
            kept = _kept.get((url, trust))
            if kept is None or kept[1] <= clock.utc_now():
                kept = _kept[url, trust] = _learn(url, trust)
    return kept[0]


def forget_all() -> None:
    _kept.clear()
    _misses.clear()


def _learn(url: str, trust: Trust) -> tuple[RSAPublicKey, datetime]:
    now = clock.utc_now()
    is_known = (url, trust) in _kept
    if not is_known and len(_misses) == _misses.maxlen and now - _misses[0] < timedelta(minutes=1):
        raise Untrusted("too many addresses that led to nothing")
    try:
        chain = _parse(_fetch(url))
        _check(chain, trust, now)
    except Untrusted:
        _misses.append(now)
        raise
    key = chain[0].public_key()
    if not isinstance(key, RSAPublicKey):
        raise Untrusted("not an RSA key")
    return key, min(now + _KEPT_FOR, *(certificate.not_valid_after_utc for certificate in chain))


def _check(chain: list[x509.Certificate], trust: Trust, now: datetime) -> None:
    leaf, *issuers = chain
    store = Store(_public_roots() if not trust.roots else x509.load_pem_x509_certificates(trust.roots.encode()))
    policy = PolicyBuilder().store(store).time(now.replace(tzinfo=None))
    name = _name_in(leaf, trust.domain)
    try:
        verifier = policy.build_server_verifier(x509.DNSName(name))
        verifier.verify(leaf, issuers or _issuers_of(leaf))
    except (VerificationError, ValueError) as error:
        raise Untrusted(str(error)) from error


def _name_in(leaf: x509.Certificate, domain: str) -> str:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError) as error:
        raise Untrusted("a certificate without a name") from error
    for name in names.get_values_for_type(x509.DNSName):
        if name.endswith(f".{domain}") and "*" not in name:
            return name
    raise Untrusted("a certificate for somebody else")


def _issuers_of(leaf: x509.Certificate) -> list[x509.Certificate]:
    """A certificate that comes alone says where its issuer's is."""
    try:
        access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    places = [entry for entry in access if entry.access_method == AuthorityInformationAccessOID.CA_ISSUERS]
    names = [entry.access_location for entry in places]
    urls = [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]
    return _parse(_fetch(urls[0])) if urls else []


def _parse(told: bytes) -> list[x509.Certificate]:
    try:
        if told.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificates(told)
        return [x509.load_der_x509_certificate(told)]
    except ValueError as error:
        raise Untrusted("no certificate") from error


def _fetch(url: str) -> bytes:
    try:
        with requests.get(url, timeout=_TIMEOUT_SECONDS, allow_redirects=False, stream=True) as answer:
            told = answer.raw.read(_MAXIMUM_BYTES + 1, decode_content=True)
    except (requests.RequestException, OSError) as error:
        raise Untrusted("the address does not answer") from error
    if answer.status_code != 200 or len(told) > _MAXIMUM_BYTES:
        raise Untrusted("the address has no certificate")
    return bytes(told)


@lru_cache(maxsize=1)
def _public_roots() -> list[x509.Certificate]:
    with warnings.catch_warnings():
        # Some old roots have serial numbers that are frowned upon today.
        warnings.simplefilter("ignore")
        return x509.load_pem_x509_certificates(Path(requests.utils.DEFAULT_CA_BUNDLE_PATH).read_bytes())
