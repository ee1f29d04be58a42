"""Setting text in lines: where they break, and in which order what is read from right to left stands on them."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

_TO_LEFT = frozenset({"R", "AL"})
_NUMBER = frozenset({"EN", "AN"})
_IN_NUMBERS = frozenset({"ES", "CS"})
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")


def broken(text: str, fits: Callable[[str], bool]) -> Iterator[str]:
    """The lines of `text`, of which each fits, broken between words if that can be; always at least one."""
    words = text.split()
    if fits(whole := " ".join(words)):
        yield whole
        return
    line = ""
    for word in words:
        longer = f"{line} {word}" if line else word
        if fits(longer):
            line = longer
            continue
        if line:
            yield line
        *full, line = _cut(word, fits)
        yield from full
    yield line


def _cut(word: str, fits: Callable[[str], bool]) -> Iterator[str]:
    part = ""
    for letter in word:
        if part and not fits(part + letter):
            yield part
            part = ""
        part += letter
    yield part


def as_seen(line: str) -> str:
    """From left to right, as it stands on paper: Unicode's rules, but for pairs of brackets and directions by hand."""
    if line.isascii() or not any(unicodedata.bidirectional(letter) in _TO_LEFT for letter in line):
        return line
    letters = _with_marks(line)
    placed = list(zip(_levels([_kind(letter) for letter in letters]), letters, strict=True))
    for turn in range(max(level for level, _ in placed), 0, -1):
        runs = [list(run) for _, run in groupby(placed, lambda each: each[0] >= turn)]  # noqa: B023 - used up at once
        placed = [each for run in runs for each in (reversed(run) if run[0][0] >= turn else run)]
    return "".join(letter.translate(_MIRRORED) if level % 2 else letter for level, letter in placed)


def _with_marks(line: str) -> list[str]:
    """Letters, each with the marks that stand on it."""
    letters: list[str] = []
    for letter in line:
        if letters and unicodedata.bidirectional(letter) == "NSM":
            letters[-1] += letter
        else:
            letters.append(letter)
    return letters


def _kind(letter: str) -> str:
    return unicodedata.bidirectional(letter[0])


def _levels(kinds: Sequence[str]) -> list[int]:
    """Even for what is read to the right, odd to the left; the line itself goes as its first letter does."""
    base = next((int(kind in _TO_LEFT) for kind in kinds if kind == "L" or kind in _TO_LEFT), 0)
    found = list(_decided(kinds, base))
    before = _nearest(found, base)
    after = _nearest(found[::-1], base)[::-1]
    # What has no direction of its own takes that of both its neighbours, or the line's.
    return [
        level if level is not None else _level(left if left == right else base, base)
        for (level, _), left, right in zip(found, before, after, strict=True)
    ]


def _decided(kinds: Sequence[str], base: int) -> Iterator[tuple[int | None, int | None]]:
    """Level and direction of each; None for what has none of its own. A number goes on in its text's direction."""
    direction = base
    for place, kind in enumerate(kinds):
        if kind in _NUMBER or (kind in _IN_NUMBERS and _is_within_number(kinds, place)):
            yield 2 * (base or direction), direction
        elif kind == "L" or kind in _TO_LEFT:
            direction = int(kind != "L")
            yield _level(direction, base), direction
        else:
            yield None, None


def _is_within_number(kinds: Sequence[str], place: int) -> bool:
    return 0 < place < len(kinds) - 1 and kinds[place - 1] in _NUMBER and kinds[place - 1] == kinds[place + 1]


def _level(direction: int, base: int) -> int:
    return 1 if direction else 2 * base


def _nearest(found: Sequence[tuple[int | None, int | None]], base: int) -> list[int]:
    """For each place the direction of the last letter that had one."""
    directions, last = [], base
    for _, direction in found:
        last = last if direction is None else direction
        directions.append(last)
    return directions
