"""`make many`: groups of web processes behind nginx, over one PostgreSQL and Redis: how throughput grows with them.

Each shape is asked by four clients for each of its web processes. Everything shares this machine's cores, so beside
what was reached the table says what each request costs whom: from that follows what more cores would do.
"""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tests.benchmarks import databases, front, mail_surfaces, programs, purchases
from tests.benchmarks.client import Client
from tests.benchmarks.crowd import Crowd, Step
from tests.benchmarks.measure import Times, checked
from tests.benchmarks.shop import Shop, closing_engines, make_ready, sign_in, surroundings
from tests.benchmarks.shop_surfaces import first_address
from tests.benchmarks.sink import Sink
from tests.benchmarks.table import aligned
from tests.benchmarks.usage import Meter

# Groups, and web processes in each.
SHAPES = ((1, 1), (2, 1), (2, 2))
_CLIENTS = 4
_LIST = "/admin/requests/"
_WARM_UP = 1.5
_FULL, _NOTICED = 0.9, 0.05
_HEADINGS = (
    "surface",
    "web processes",
    "a second",
    "growth",
    "p50",
    "p95",
    "web",
    "database",
    "nginx",
    "clients",
    "cores busy",
    "waited for locks",
    "first to end",
)


@dataclass(frozen=True, slots=True)
class Result:
    """`costs` are milliseconds of a processor for each request."""

    surface: str
    groups: int
    processes: int
    rate: float
    times: Times
    costs: dict[str, float]
    waited: float

    @property
    def busy(self) -> float:
        return self.rate * sum(self.costs.values()) / 1000

    @property
    def bottleneck(self) -> str:
        web = self.rate * self.costs["web"] / 1000
        if self.busy > _FULL * (os.cpu_count() or 1):
            return "this machine's cores"
        if self.waited > _NOTICED:
            return "rows that others hold"
        return "the web processes" if web > _FULL * self.processes * 0.8 else "nothing that is ours"


def main(words: Sequence[str]) -> None:
    wanted = _parse(words)
    with contextlib.ExitStack() as stack:
        environment = stack.enter_context(surroundings())
        dataset = databases.on_postgres(stack.enter_context(databases.server()), wanted.requests, environment)
        environment |= {"DATABASE_URL": dataset.url, "BENCH_DATABASE_URL": dataset.url}
        app = make_ready(dataset, environment)
        stack.enter_context(closing_engines(app))
        below = stack.enter_context(programs.floors(environment))
        found: list[Result] = []
        for groups, workers in SHAPES:
            print(f"{groups} x {workers} web processes ...", file=sys.stderr, flush=True)
            with _groups(environment, groups, workers) as webs:
                shop = Shop(dataset, environment, app, webs[0], below, 1)
                found += _measure(shop, webs, seconds=wanted.seconds)
        mails = [(count, _deliveries(shop, count)) for count in (1, 2)]
    _say(dataset.name, found, mails)


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("make many", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="how many the database holds")
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each surface is asked in each shape")
    return parser.parse_args(words)


@contextlib.contextmanager
def _groups(environment: dict[str, str], groups: int, workers: int) -> Iterator[list[programs.Web]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(programs.product(environment, workers=workers)) for _ in range(groups)]


def _measure(shop: Shop, webs: Sequence[programs.Web], *, seconds: float) -> Iterator[Result]:
    pids = [pid for web in webs for pid in web.workers]
    address = shop.read(first_address)
    with front.before([web.port for web in webs]) as (ports, nginx):
        groups = {"web": pids, "nginx": nginx, "clients": [os.getpid()]}
        for name, step in (("checkout page", _looking), ("checkout form", _sending), ("list", _listing)):
            clients = [step(ports[number % len(ports)], number, address) for number in range(_CLIENTS * len(pids))]
            meter = Meter(shop.dataset.url, groups)
            result = _ask(name, clients, meter=meter, seconds=seconds)
            yield replace(result, groups=len(webs), processes=len(pids))


def _ask(name: str, clients: Sequence[Step], *, meter: Meter, seconds: float) -> Result:
    crowd = Crowd(clients)
    crowd.start()
    time.sleep(_WARM_UP)
    crowd.take()
    meter.start()
    time.sleep(seconds)
    found = crowd.take()
    spent, waited = meter.stop()
    crowd.stop()
    if found.errors:
        raise RuntimeError(f"{name}: {len(found.errors)} errors, the first: {found.errors[0]}")
    count = max(len(found.seconds), 1)
    costs = {group: 1000 * used / count for group, used in spent.items()}
    return Result(name, 0, 0, len(found.seconds) / seconds, found.times, costs, waited)


def _visitor(port: int, number: int) -> Client:
    """No two come from the same address."""
    return Client(port, wanders=True, _number=(os.getpid() % 64 * 64 + number) << 12)


def _looking(port: int, number: int, address: str) -> Step:
    client = _visitor(port, number)
    return lambda: checked(client.get(address), address)


def _sending(port: int, number: int, address: str) -> Step:
    return purchases.Buyer(_visitor(port, number), address).send_form


def _listing(port: int, _number: int, _address: str) -> Step:
    client = sign_in(Client(port), "operator@example.com")
    return lambda: checked(client.get(_LIST), _LIST)


def _deliveries(shop: Shop, workers: int) -> float:
    """Mails a second by so many workers."""
    owed = shop.write(mail_surfaces.owe_again)
    with contextlib.ExitStack() as stack:
        sink = Sink()
        stack.callback(sink.stop)
        settings = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(sink.port)}
        for _ in range(workers):
            stack.enter_context(programs.worker(shop.environment, **settings))
        mail_surfaces.wait_until(lambda: shop.read(mail_surfaces.owed) == 0)
        taken = sorted(mail.at for mail in sink.taken)
    return min(owed, len(taken) - 1) / (taken[-1] - taken[0])


def _say(title: str, found: Sequence[Result], mails: Sequence[tuple[int, float]]) -> None:
    first = {result.surface: result for result in reversed(found)}
    ordered = sorted(found, key=lambda result: result.surface)
    print(f"\n{title}; {os.cpu_count()} cores for all; costs in ms of a core for each request; make many")
    for line in aligned(_HEADINGS, [_cells(result, first[result.surface]) for result in ordered]):
        print(line)
    print()
    for result in ordered:
        if result.processes == 2:
            print(_outlook(first[result.surface], result))
    rates = ", ".join(f"{rate:,.0f} with {count}" for count, rate in mails)
    print(f"deliveries by workers, mails a second: {rates} ({mails[-1][1] / mails[0][1]:.2f} x)")


def _cells(result: Result, one: Result) -> tuple[str, ...]:
    milliseconds = (f"{1000 * seconds:.1f} ms" for seconds in (result.times.p50, result.times.p95))
    costs = (f"{result.costs[group]:.2f}" for group in ("web", "database", "nginx", "clients"))
    return (
        result.surface,
        f"{result.groups} x {result.processes // result.groups}",
        f"{result.rate:,.0f}",
        f"{result.rate / one.rate:.2f} x",
        *milliseconds,
        *costs,
        f"{result.busy:.2f}",
        f"{result.waited:.0%}",
        result.bottleneck,
    )


def _outlook(one: Result, two: Result) -> str:
    """Arithmetic: a web process runs on one core, and twice as many do twice as much unless each request costs more."""
    growth = 2 * one.costs["web"] / two.costs["web"]
    alone, database = 1000 / one.costs["web"], 1000 / two.costs["database"]
    return (
        f"{two.surface}: with cores enough two web processes do {growth:.2f} x what one does (goal 1.8; measured here "
        f"{two.rate / one.rate:.2f}); a core is full at {alone:,.0f} a second for web and {database:,.0f} for the "
        f"database, so a core of the database serves {database / alone:.1f} of web"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
