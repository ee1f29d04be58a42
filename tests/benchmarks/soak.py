"""`make soak`: everybody at work for half an hour, and whether memory, answers and connections stay as they are.

Customers buy, their gateway tells of payments (some of them twice), staff list, open and move requests, mails leave.
One line a minute; the last lines judge what came after the first fifth, in which caches fill.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.commands.programs import ROOT, Address, readiness, service_programs
from app.hosting import orphans
from app.hosting.supervisor import Program
from tests.benchmarks import databases, soak_roles, usage
from tests.benchmarks.crowd import Crowd, Found
from tests.benchmarks.programs import Web, free_port, resident
from tests.benchmarks.shop import Shop, closing_engines, make_ready, surroundings
from tests.benchmarks.sink import Sink

_WEB = 2
_CUSTOMERS = 2
_REST = 0.25
_PATIENCE = 60.0
_MEGABYTE = 1 << 20
# Allowed from the first fifth on: so much more memory of any process, so much slower answers, so many more connections.
_MORE_MEMORY, _SLOWER, _MORE_CONNECTIONS = 8, 1.3, 2
_LINE = "{:>6}  {:>8}  {:>6}  {:>9}  {:>9}  {:>6}  {:>11}  {}"


@dataclass(frozen=True, slots=True)
class Minute:
    """`memory` is MiB by process."""

    answered: int
    errors: Sequence[str]
    p50: float
    p95: float
    mails: int
    connections: int
    memory: dict[str, float]


def main(words: Sequence[str]) -> int:
    wanted = _parse(words)
    with contextlib.ExitStack() as stack:
        environment = stack.enter_context(surroundings())
        sink = Sink()
        stack.callback(sink.stop)
        environment |= {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(sink.port)}
        server = stack.enter_context(databases.server())
        beside = databases.Dataset("PostgreSQL", wanted.requests, server)
        url = stack.enter_context(databases.scratch(beside))
        databases.load(url, wanted.requests, environment)
        environment |= {"DATABASE_URL": url, "BENCH_DATABASE_URL": url}
        dataset = databases.Dataset("PostgreSQL", wanted.requests, url)
        app = make_ready(dataset, environment)
        stack.enter_context(closing_engines(app))
        port, started = stack.enter_context(_service(environment))
        web = Web(started["web"], port, 0.0)
        minutes = list(_soak(Shop(dataset, environment, app, web, web, 1), started, sink, wanted))
    return _judge(minutes)


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("make soak", description=__doc__)
    parser.add_argument("--minutes", type=int, default=30, help="how many lines")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each of them")
    parser.add_argument("--requests", type=int, default=10_000, help="how many there are at the start")
    return parser.parse_args(words)


@contextlib.contextmanager
def _service(environment: dict[str, str]) -> Iterator[tuple[int, dict[str, subprocess.Popen]]]:
    """All programs of the product, as `make run` has them."""
    address = Address("127.0.0.1", free_port())
    settings = {**os.environ, **environment, "BASE_URL": f"http://{address}", "PORT": str(address.port)}
    with contextlib.ExitStack() as stack:
        programs = service_programs(settings, address, web_processes=_WEB)
        started = {program.name: _start(program, stack) for program in programs}
        deadline = time.monotonic() + _PATIENCE
        while not readiness(address)():
            if time.monotonic() > deadline:
                raise RuntimeError("the service did not become ready")
            time.sleep(0.1)
        yield address.port, started


def _start(program: Program, stack: contextlib.ExitStack) -> subprocess.Popen:
    process = subprocess.Popen(
        program.command, env=dict(program.environment), cwd=ROOT, preexec_fn=orphans.before_exec()
    )
    stack.callback(process.wait, 60)
    stack.callback(process.terminate)
    return process


def _soak(shop: Shop, started: dict[str, subprocess.Popen], sink: Sink, wanted: argparse.Namespace) -> Iterator[Minute]:
    crowd = Crowd(
        [
            *(soak_roles.customer(shop, number) for number in range(_CUSTOMERS)),
            *(soak_roles.operator(shop, number) for number in range(soak_roles.OPERATORS)),
            soak_roles.gateway(shop),
            soak_roles.manager(shop),
        ],
        pause=_REST,
    )
    print(_LINE.format("minute", "rounds", "errors", "p50", "p95", "mails", "connections", "memory in MiB"), flush=True)
    crowd.start()
    mails = 0
    for number in range(wanted.minutes):
        time.sleep(wanted.seconds)
        minute = _minute(crowd.take(), len(sink.taken) - mails, started, shop.dataset.url)
        mails += minute.mails
        _show(number + 1, minute)
        yield minute
    crowd.stop()


def _minute(found: Found, mails: int, started: dict[str, subprocess.Popen], url: str) -> Minute:
    pids = {name: process.pid for name, process in started.items() if name != "web"}
    for number, pid in enumerate(_children(started["web"].pid), 1):
        pids[f"web {number}"] = pid
    memory = {name: resident(pid) / _MEGABYTE for name, pid in sorted(pids.items())}
    times = found.times
    return Minute(len(found.seconds), found.errors, times.p50, times.p95, mails, usage.connections(url), memory)


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _show(number: int, minute: Minute) -> None:
    memory = ", ".join(f"{name} {size:.0f}" for name, size in minute.memory.items())
    times = (f"{1000 * seconds:.1f} ms" for seconds in (minute.p50, minute.p95))
    counts = (minute.mails, minute.connections)
    print(_LINE.format(number, minute.answered, len(minute.errors), *times, *counts, memory), flush=True)
    for error in minute.errors[:3]:
        print(f"        {error}", flush=True)


def _judge(minutes: Sequence[Minute]) -> int:
    """0 when nothing failed and nothing grew."""
    settled = minutes[max(len(minutes) // 5, min(1, len(minutes) - 1)) :]
    verdicts = [
        (sum(len(minute.errors) for minute in minutes) == 0, f"{sum(len(each.errors) for each in minutes)} errors"),
        (all(minute.mails for minute in settled), f"{sum(each.mails for each in minutes)} mails delivered"),
        *(_memory(name, settled) for name in settled[-1].memory),
        _latency("p50", [minute.p50 for minute in settled]),
        _latency("p95", [minute.p95 for minute in settled]),
        _connections(settled),
    ]
    for is_well, words in verdicts:
        print(f"{'pass' if is_well else 'MISS'}  {words}")
    return 0 if all(is_well for is_well, _ in verdicts) else 1


def _memory(name: str, minutes: Sequence[Minute]) -> tuple[bool, str]:
    grown = _growth([minute.memory.get(name, 0.0) for minute in minutes])
    return grown <= _MORE_MEMORY, f"memory of {name}: {grown:+.1f} MiB (at most +{_MORE_MEMORY})"


def _latency(name: str, seconds: Sequence[float]) -> tuple[bool, str]:
    ratio = 1 + _growth(seconds) / statistics.mean(seconds)
    return ratio <= _SLOWER, f"{name} at the end: {ratio:.2f} x the beginning (at most {_SLOWER:g})"


def _connections(minutes: Sequence[Minute]) -> tuple[bool, str]:
    grown = _growth([float(minute.connections) for minute in minutes])
    return grown <= _MORE_CONNECTIONS, f"connections: {grown:+.1f} (at most +{_MORE_CONNECTIONS})"


def _growth(values: Sequence[float]) -> float:
    """From the first to the last, along the straight line that fits all of them best."""
    if len(values) < 2:
        return 0.0
    return statistics.linear_regression(range(len(values)), values).slope * (len(values) - 1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
