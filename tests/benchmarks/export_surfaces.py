"""The download of every request, against a cursor of the driver's own that writes the same columns as they stand."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.benchmarks.client import Client
from tests.benchmarks.programs import resident
from tests.benchmarks.shop import Shop
from tests.benchmarks.table import Row

_RATE, _FIRST, _MEMORY = 70_000, 0.1, 16
_MEGABYTE = 1 << 20
_LOOK_AT_MEMORY = 50


@dataclass(frozen=True, slots=True)
class _Download:
    """`growth` is in bytes, at its highest."""

    lines: int
    seconds: float
    first: float
    growth: int

    @property
    def rate(self) -> float:
        return self.lines / self.seconds


def rows(shop: Shop) -> Iterator[Row]:
    below = _download(Client(shop.below.port), "/export", shop.below.workers[0])
    path = "/admin/requests/export/csv/?view=all"
    _download(shop.administrator, "/admin/requests/export/csv/?view=unpaid", shop.product.workers[0])
    above = _download(shop.administrator, path, shop.product.workers[0])
    if above.lines < shop.dataset.size:
        raise RuntimeError(f"{above.lines} lines were exported")
    floor = f"cursor, {below.rate:,.0f} rows/s"
    rate, least = f"{above.rate:,.0f} rows/s", f"≥ {_RATE:,} rows/s"
    yield Row("export as CSV", floor, rate, least, above.rate >= _RATE, below.seconds, above.seconds)
    first = f"{above.first * 1000:.0f} ms"
    yield Row(
        "export: first byte", floor, first, f"≤ {_FIRST * 1000:.0f} ms", above.first <= _FIRST, below.first, above.first
    )
    growth = above.growth / _MEGABYTE
    yield Row(
        "export: memory",
        f"cursor, +{below.growth / _MEGABYTE:.0f} MiB",
        f"+{growth:.0f} MiB",
        f"≤ +{_MEMORY} MiB",
        growth <= _MEMORY,
    )


def _download(client: Client, path: str, worker: int) -> _Download:
    before = highest = resident(worker)
    lines, first = 0, 0.0
    start = time.perf_counter()
    with client.stream(client.prepare("GET", path)) as pieces:
        for number, piece in enumerate(pieces):
            first = first or time.perf_counter() - start
            lines += piece.count(b"\n")
            if number % _LOOK_AT_MEMORY == 0:
                highest = max(highest, resident(worker))
    return _Download(lines - 1, time.perf_counter() - start, first, highest - before)
