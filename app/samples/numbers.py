"""Keys and reference numbers by the hundred thousand, in the very form that `kit.ids` gives them."""

from collections.abc import Callable

from app.kit.ids import ALPHABET

_VERSION_AND_VARIANT = 0x7 << 76 | 0x2 << 62
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
# The check character makes the weighted sum of all symbols a multiple of 32 (see `kit.ids.check_character`).
_WEIGHTS = (23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3)

Bits = Callable[[int], int]
"""Gives so many random bits."""


def draw_tail(bits: Bits) -> int:
    """What the keys of one request have in common. Its last bits are left for a small number each."""
    drawn = bits(72)
    return _VERSION_AND_VARIANT | (drawn >> 60) << 64 | (drawn & 0xFFFFFFFFFFFFFFF)


def key_at(at: int, tail: int, number: int) -> int:
    """A UUIDv7 of a moment in microseconds, as an integer."""
    return (at // 1000 << 80 | tail) + number


def dashed(key: int) -> str:
    """A key as people and gateways write it."""
    digits = f"{key:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def reference_number(bits: Bits) -> str:
    """`SR-XXXX-XXXX-XXXX`, two characters at a time."""
    drawn = bits(55)
    a, b, c, d, e = drawn & 1023, drawn >> 10 & 1023, drawn >> 20 & 1023, drawn >> 30 & 1023, drawn >> 40 & 1023
    last = drawn >> 50
    total = _SUMS[0][a] + _SUMS[1][b] + _SUMS[2][c] + _SUMS[3][d] + _SUMS[4][e] + last * _WEIGHTS[10]
    check = ALPHABET[-total & 31]
    return f"SR-{_PAIRS[a]}{_PAIRS[b]}-{_PAIRS[c]}{_PAIRS[d]}-{_PAIRS[e]}{ALPHABET[last]}{check}"


def _sums(first_weight: int, second_weight: int) -> list[int]:
    return [first * first_weight + second * second_weight for first in range(32) for second in range(32)]


_SUMS = [_sums(_WEIGHTS[place], _WEIGHTS[place + 1]) for place in range(0, 10, 2)]
