"""How long things took, kept as counts between fixed edges: such counts can be added up, percentiles cannot."""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import pairwise

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400

EDGES = (
    0,
    *(minutes * _MINUTE for minutes in (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50)),
    *(
        quarters * _HOUR // 4
        for quarters in (4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 36, 40, 48, 56, 64, 80)
    ),
    *(hours * _HOUR for hours in (24, 28, 32, 36, 42, 48, 60)),
    *(days * _DAY for days in (3, 4, 5, 7, 10, 14, 21, 30, 60)),
)
"""Seconds, in steps that people think in; from the last on all is one."""


def place(seconds: int) -> int:
    """The number of the step that a length of time falls into."""
    return max(bisect_right(EDGES, seconds) - 1, 0)


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """The seconds that `share` of all took at most, read between the edges; None of nothing."""
    total = sum(counts.values())
    wanted = share * total
    passed = 0
    for number in sorted(counts):
        if counts[number] and passed + counts[number] >= wanted:
            low, high = bounds(number)
            return low + (high - low) * (wanted - passed) / counts[number]
        passed += counts[number]
    return None


def bounds(number: int) -> tuple[int, int]:
    """Where a step begins and ends; the last has no end, and is taken for a point."""
    steps = list(pairwise(EDGES))
    return steps[number] if number < len(steps) else (EDGES[-1], EDGES[-1])
