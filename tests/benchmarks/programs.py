"""Web servers for the product and for the floors: the product's own command, with one worker."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.commands.programs import ROOT, Address, service_programs
from app.hosting import orphans
from tests.benchmarks.client import Client

_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Web:
    """`seconds_to_answer` is how long it took from the start of the program to the first answer."""

    process: subprocess.Popen
    port: int
    seconds_to_answer: float

    @property
    def workers(self) -> list[int]:
        """The processes that answer; gunicorn's own only watches over them."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(word) for word in path.read_text().split()]


@contextmanager
def product(environment: Mapping[str, str], *, workers: int = 1) -> Iterator[Web]:
    with _web(environment, "wsgi:app", "/healthz", workers=workers) as web:
        yield web


@contextmanager
def floors(environment: Mapping[str, str]) -> Iterator[Web]:
    with _web(environment, "tests.benchmarks.floors:app", "/hello") as web:
        yield web


@contextmanager
def worker(environment: Mapping[str, str], **settings: str) -> Iterator[subprocess.Popen]:
    """The program that empties the queues; it is started when this returns, and ready a moment later."""
    program = service_programs(environment, Address("127.0.0.1", 0), web_processes=1)[1]
    process = subprocess.Popen(
        program.command,
        env={**os.environ, **program.environment, **settings},
        cwd=ROOT,
        preexec_fn=orphans.before_exec(),
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def _web(environment: Mapping[str, str], application: str, path: str, *, workers: int = 1) -> Iterator[Web]:
    port = free_port()
    web = service_programs(environment, Address("127.0.0.1", port), web_processes=workers)[0]
    command = [*web.command[:-1], application]
    settings = {**os.environ, **web.environment, "BASE_URL": f"http://127.0.0.1:{port}", "PORT": str(port)}
    start = time.perf_counter()
    process = subprocess.Popen(command, env=settings, cwd=ROOT, preexec_fn=orphans.before_exec())
    try:
        _wait_for_answer(process, port, path)
        yield Web(process, port, time.perf_counter() - start)
    finally:
        process.terminate()
        process.wait(30)


def _wait_for_answer(process: subprocess.Popen, port: int, path: str) -> None:
    client = Client(port)
    deadline = time.perf_counter() + _PATIENCE
    while True:
        try:
            if client.get(path).status == 200:
                return
        except OSError:
            time.sleep(0.005)
        if process.poll() is not None or time.perf_counter() > deadline:
            raise RuntimeError("the web server did not start")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def resident(pid: int) -> int:
    """Bytes of memory that a process has of its own or shares."""
    return _field(Path(f"/proc/{pid}/status"), "VmRSS")


def proportional(pid: int) -> int:
    """The same with what several processes share counted once among them."""
    return _field(Path(f"/proc/{pid}/smaps_rollup"), "Pss")


def _field(path: Path, name: str) -> int:
    line = next(line for line in path.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
