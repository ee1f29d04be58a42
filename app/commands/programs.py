"""The programs that `serve` and `demo` run, and what both check before starting them."""

import fcntl
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

import click

from app.hosting.embedded_queue import EmbeddedQueue
from app.hosting.orphans import before_exec
from app.hosting.supervisor import Program
from app.jobs import queue

ROOT = Path(__file__).resolve().parents[2]
_THREADS = 8
# A service stopped a moment ago may still be letting go of its port.
_PORT_PATIENCE = 3.0
_LAST_PORT = 65535
_UP_WITHIN = 60.0
_LOCK_PATIENCE = 5.0
_COUNTERS = "PROMETHEUS_MULTIPROC_DIR"
_THRIFT = {
    # Each thread would have a heap of its own, and what it gives back would be of no use to the others.
    "MALLOC_ARENA_MAX": "2",
    # What is larger goes back to the system at once: else the 19 MiB of a password's check are kept from then on.
    "MALLOC_MMAP_THRESHOLD_": "1048576",
}
"""What the C library is told about memory, unless the environment says otherwise; other libraries do not listen."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the web program listens. `host` is this machine alone unless BIND says otherwise."""

    host: str
    port: int

    @classmethod
    def of(cls, environment: Mapping[str, str], port: int) -> "Address":
        return cls(environment.get("BIND", "").strip() or "127.0.0.1", port)

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    @property
    def from_here(self) -> str:
        """The host under which this machine itself reaches it."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - read, not bound

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def ensure_free(address: Address) -> None:
    """Raises ClickException when something listens there already, or nothing can."""
    if not 0 < address.port <= _LAST_PORT:
        raise click.ClickException(f"there is no port {address.port}: they go from 1 to {_LAST_PORT}")
    deadline = time.monotonic() + _PORT_PATIENCE
    while (problem := _why_not_free(address)) is not None:
        if time.monotonic() > deadline:
            raise click.ClickException(f"cannot listen on {address}: {problem}; choose another port with PORT=")
        time.sleep(0.2)


def _why_not_free(address: Address) -> str | None:
    with socket.socket(address.family) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((address.host, address.port))
        except OSError as error:
            return error.strerror or str(error)
    return None


def readiness(address: Address) -> Callable[[], bool]:
    """Asks the web program itself whether all it needs is there."""

    def is_ready() -> bool:
        with closing(http.client.HTTPConnection(address.from_here, address.port, timeout=5)) as connection:
            try:
                connection.request("GET", "/readyz")
                return connection.getresponse().status == http.HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                return False

    return is_ready


def service_programs(
    environment: Mapping[str, str], address: Address, *, web_processes: int, logs: Path | None = None
) -> list[Program]:
    """Web, workers and scheduler; each writes to its own file in `logs`, or to our own output."""
    commands = {
        "web": _web(address, web_processes),
        "worker": _flask("worker", "--queues", f"{queue.DELIVERIES},{queue.JOBS}"),
        # By itself, so that nobody's mail waits while a gateway does not answer.
        "gateways": _flask("worker", "--queues", f"{queue.GATEWAYS},{queue.UPKEEP}"),
        "scheduler": _flask("schedule"),
    }
    return [
        Program(name, command, _THRIFT | dict(environment), log=logs / f"{name}.log" if logs else None)
        for name, command in commands.items()
    ]


@contextmanager
def shared_counters(environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The environment with a folder in which all processes add up what they count, empty at the start.

    It is the one of PROMETHEUS_MULTIPROC_DIR, or else one of our own that goes with the service.
    """
    named = environment.get(_COUNTERS, "").strip()
    if named:
        folder = Path(named)
        make_folder(folder)
        for left_over in folder.glob("*.db"):
            left_over.unlink(missing_ok=True)
        yield dict(environment)
        return
    with TemporaryDirectory(prefix="counterfoil-counters-") as own:
        yield {**environment, _COUNTERS: own}


def queue_program(queue: EmbeddedQueue, *, keep_open: tuple[int, ...] = (), logs: Path | None = None) -> Program:
    # A locale that the machine does not have would keep the server from starting.
    environment = {**os.environ, "LC_ALL": "C"}
    log = logs / "queue.log" if logs else None
    return Program("queue", queue.command, environment, log=log, is_up=queue.answers, keep_open=keep_open)


@contextmanager
def held(directory: Path) -> Iterator[int]:
    """One service in a folder; raises ClickException when another is in it.

    The lock is handed on to the queue, so that even one left over from a kill is waited for.
    """
    make_folder(directory, mode=0o700)
    with _opened(directory / "lock") as lock:
        deadline = time.monotonic() + _LOCK_PATIENCE
        while not _is_taken(lock.fileno()):
            if time.monotonic() > deadline:
                raise click.ClickException(f"another service runs on {directory}: stop that one first")
            time.sleep(0.2)
        yield lock.fileno()


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Raises ClickException where we may not."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=mode)
    except OSError as error:
        raise click.ClickException(f"cannot make the folder {folder}: {error.strerror}") from error


def _opened(file: Path) -> TextIO:
    try:
        return file.open("w")
    except OSError as error:
        raise click.ClickException(f"cannot write to {file}: {error.strerror}") from error


def _is_taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def running(program: Program) -> Iterator[None]:
    """A foundation by itself, for steps that need it before the service starts."""
    with subprocess.Popen(
        program.command,
        env=dict(program.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=program.keep_open,
        preexec_fn=before_exec(),
    ) as process:
        try:
            _wait_until_up(program, process)
            yield
        finally:
            process.terminate()


def _wait_until_up(program: Program, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _UP_WITHIN
    while program.is_up is not None and not program.is_up():
        if process.poll() is not None or time.monotonic() > deadline:
            raise click.ClickException(f"the {program.name} does not start: {' '.join(program.command[:1])}")
        time.sleep(0.05)


def web_processes(environment: Mapping[str, str], database_url: str) -> int:
    """WEB_CONCURRENCY, else two; one on SQLite, where only one can write at a time."""
    text = environment.get("WEB_CONCURRENCY", "").strip()
    if not text:
        return 1 if database_url.startswith("sqlite") else 2
    if not text.isdecimal() or int(text) < 1:
        raise click.ClickException(f"WEB_CONCURRENCY must be a number from 1, not {text!r}")
    return int(text)


def _web(address: Address, processes: int) -> tuple[str, ...]:
    settings = {
        "bind": str(address),
        "worker-class": "gthread",
        "threads": str(_THREADS),
        "workers": str(processes),
        "timeout": "60",
        "graceful-timeout": "20",
        "log-level": "warning",
    }
    words = tuple(word for name, value in settings.items() for word in (f"--{name}", value))
    # Loaded once and shared by all of them.
    words = (*words, "--preload") if processes > 1 else words
    return (sys.executable, "-m", "gunicorn", *words, "--no-control-socket", "wsgi:app")


def _flask(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "flask", "--app", "app.background", *words)
