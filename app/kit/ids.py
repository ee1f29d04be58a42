"""Primary keys, and the reference number a customer reads out on the phone."""

import re
import secrets
from uuid import UUID

from uuid_utils.compat import uuid7

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U."""

_VALUE = {symbol: value for value, symbol in enumerate(ALPHABET)}
_LOOKALIKES = str.maketrans({"I": "1", "L": "1", "O": "0"})
# Mail programs and word processors make other dashes of the one on the keyboard.
_GROUP = re.compile("[^\\s\u2010-\u2014\u2212-]+")
_PREFIX = "SR"
_RANDOM_CHARACTERS = 11
_BITS = 5
_LENGTH = _RANDOM_CHARACTERS + 1


def new_id() -> UUID:
    """A UUIDv7: time-ordered, so that rows made together stand together in an index."""
    return uuid7()


def parse_id(text: str) -> UUID | None:
    """The UUID that `text` writes, or None: ids in addresses are anybody's input."""
    try:
        return UUID(text)
    except ValueError:
        return None


def new_reference_number() -> str:
    """`SR-XXXX-XXXX-XXXX`: 55 random bits and a check character; uniqueness is the database's to hold."""
    drawn = secrets.randbits(_RANDOM_CHARACTERS * _BITS)
    body = "".join(ALPHABET[drawn >> place * _BITS & len(ALPHABET) - 1] for place in range(_RANDOM_CHARACTERS))
    return format_reference(body + check_character(body))


def format_reference(symbols: str) -> str:
    return "-".join((_PREFIX, symbols[0:4], symbols[4:8], symbols[8:12]))


def check_character(body: str) -> str:
    """Makes the sum of all twelve symbols, each times its weight (23, 21, ... 3, 1), a multiple of 32.

    Weights are odd, so each is invertible modulo 32: any single wrong character is found. Neighbouring weights
    differ by 2, so a swap of neighbours is found unless the values of the two differ by exactly 16.
    """
    total = sum((2 * (len(body) - position) + 1) * _VALUE[symbol] for position, symbol in enumerate(body))
    return ALPHABET[-total % len(ALPHABET)]


def is_mistyped_reference(text: str) -> bool:
    """Whether it has all that a reference number has, prefix and length, and is none."""
    symbols = "".join(_groups(text))
    is_whole = symbols.startswith(_PREFIX) and len(symbols) == len(_PREFIX) + _LENGTH
    return is_whole and parse_reference_number(text) is None


def parse_reference_number(text: str) -> str | None:
    """The canonical form of a typed reference number, or None when it cannot be one.

    Case, spaces and dashes do not matter, and the look-alikes I, L and O are read as 1, 1 and 0. A wrong
    check character gives None: that is a slip of the finger, not an unknown request.
    """
    symbols = _without_prefix(_groups(text)).translate(_LOOKALIKES)
    if len(symbols) != _LENGTH or any(symbol not in _VALUE for symbol in symbols):
        return None
    if check_character(symbols[:_RANDOM_CHARACTERS]) != symbols[_RANDOM_CHARACTERS]:
        return None
    return format_reference(symbols)


def _groups(text: str) -> list[str]:
    return _GROUP.findall(text.upper())


def _without_prefix(groups: list[str]) -> str:
    """Both its letters are symbols too: it is the prefix where it stands by itself or makes the whole too long."""
    if groups[:1] == [_PREFIX]:
        return "".join(groups[1:])
    symbols = "".join(groups)
    return symbols.removeprefix(_PREFIX) if len(symbols) > _LENGTH else symbols
