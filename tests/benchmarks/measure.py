"""Two things timed in turn, and what their times say."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.benchmarks.client import Answer, Client
from tests.benchmarks.table import Row

Shot = Callable[[], float]
"""Asks once; how long the answer took, in seconds."""

WARM_UP = 3


@dataclass(frozen=True, slots=True)
class Times:
    seconds: Sequence[float]

    @property
    def p50(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        return self.quantile(0.95)

    def quantile(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True, slots=True)
class Surface:
    """One thing a user waits for. `limit` is how many floors it may take, or with `is_share` which part of the floor's
    rate it must reach; `slowest` is how many floors the `tail` of the answers may take."""

    name: str
    shot: Shot
    limit: float
    slowest: float | None = None
    rounds: int | None = None
    is_share: bool = False
    tail: float = 0.95


@dataclass(frozen=True, slots=True)
class Floor:
    name: str
    shot: Shot


def in_turn(floor: Shot, product: Shot, rounds: int) -> tuple[Times, Times]:
    """One of this, one of that, so that both meet the same weather."""
    for _ in range(WARM_UP):
        floor()
        product()
    pairs = [(floor(), product()) for _ in range(rounds)]
    return Times([pair[0] for pair in pairs]), Times([pair[1] for pair in pairs])


def compare(surface: Surface, floor: Floor, *, rounds: int) -> Row:
    below, above = in_turn(floor.shot, surface.shot, surface.rounds or rounds)
    ratio, tail = above.p50 / below.p50, above.quantile(surface.tail) / below.p50
    if surface.is_share:
        found, goal, is_met = f"{1 / ratio:.2f} of it", f"≥ {surface.limit:g} of it", 1 / ratio >= surface.limit
    else:
        found, goal, is_met = f"{ratio:.2f} ×", f"≤ {surface.limit:g} ×", ratio <= surface.limit
    if surface.slowest is not None:
        goal += f", p{surface.tail * 100:.0f} ≤ {surface.slowest:g} ×"
        found += f", {tail:.1f} ×"
        is_met = is_met and tail <= surface.slowest
    return Row(surface.name, floor.name, found, goal, is_met, below.p50, above.p50, above.p95)


def asking(client: Client, method: str, path: str) -> Shot:
    """The same request again and again; any other answer than 200 ends the run."""

    def shoot() -> float:
        return checked(client.send(client.prepare(method, path)), path).seconds

    return shoot


def checked(answer: Answer, what: str, status: int = 200) -> Answer:
    if answer.status != status:
        raise RuntimeError(f"{what}: {answer.status} instead of {status}: {answer.text[:300]}")
    return answer
