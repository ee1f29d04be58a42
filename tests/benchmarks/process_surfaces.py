"""What a web process costs before and beside its work: how soon it answers, how much memory it keeps."""

import statistics
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.benchmarks import programs
from tests.benchmarks.client import Client
from tests.benchmarks.measure import checked
from tests.benchmarks.shop import Shop, sign_in
from tests.benchmarks.shop_surfaces import first_address
from tests.benchmarks.table import Row

_STARTS, _START, _ALONE, _FOUR = 3, 1.0, 95, 160
_MEGABYTE = 1 << 20
_WORKERS = 4
_VISITS = 25
_VISITORS = 8
"""At the same time, and as many operators."""
_FOR_OPERATORS = ["/admin/", "/admin/requests/", "/admin/payments/"]


def rows(shop: Shop) -> Iterator[Row]:
    yield _cold_start(shop)
    yield _memory(shop)
    yield _memory_of_four(shop)


def _cold_start(shop: Shop) -> Row:
    ours, floors = [], []
    for _ in range(_STARTS):
        with programs.floors(shop.environment) as web:
            floors.append(web.seconds_to_answer)
        with programs.product(shop.environment) as web:
            ours.append(web.seconds_to_answer)
    seconds = statistics.median(ours)
    name, goal = "cold start to the first answer", f"≤ {_START:g} s"
    return Row(
        name, "hello", f"{seconds:.2f} s", goal, seconds <= _START, statistics.median(floors), seconds, max(ours)
    )


def _memory(shop: Shop) -> Row:
    with programs.floors(shop.environment) as web:
        _ask(Client(web.port), ["/hello"])
        below = programs.resident(web.workers[0]) / _MEGABYTE
    with programs.product(shop.environment) as web:
        _use(shop, web)
        above = programs.resident(web.workers[0]) / _MEGABYTE
    name = "memory of a web worker in use"
    return Row(name, f"hello, {below:.0f} MiB", f"{above:.0f} MiB", f"≤ {_ALONE} MiB", above <= _ALONE)


def _memory_of_four(shop: Shop) -> Row:
    with programs.product(shop.environment, workers=_WORKERS) as web:
        _use_all(shop, web)
        pids = (web.process.pid, *web.workers)
        total = sum(map(programs.proportional, pids)) / _MEGABYTE
    name = f"memory of {_WORKERS} preloaded workers in use and their parent"
    return Row(name, "", f"{total:.0f} MiB", f"≤ {_FOUR} MiB in all", total <= _FOUR)


def _use(shop: Shop, web: programs.Web) -> None:
    """Every kind of page, often enough that what is kept is kept."""
    _ask(Client(web.port, wanders=True), _shown_to_all(shop))
    _ask(sign_in(Client(web.port), "operator@example.com"), _FOR_OPERATORS)


def _use_all(shop: Shop, web: programs.Web) -> None:
    """The same by many at once: a connection stays with the worker that took it, and one is enough for few."""
    known = sign_in(Client(web.port), "operator@example.com").cookies
    for_all = _shown_to_all(shop)
    with ThreadPoolExecutor(_VISITORS * 2) as crowd:
        asking = [crowd.submit(_ask, Client(web.port, wanders=True), for_all) for _ in range(_VISITORS)]
        asking += [crowd.submit(_ask, Client(web.port, cookies=known), _FOR_OPERATORS) for _ in range(_VISITORS)]
        for asked in asking:
            asked.result()


def _shown_to_all(shop: Shop) -> list[str]:
    return ["/", shop.read(first_address), "/track"]


def _ask(client: Client, paths: list[str]) -> None:
    for path in paths * _VISITS:
        checked(client.get(path), path)
