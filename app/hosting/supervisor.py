"""Runs the programs that make up the service, as one: started in order, started again when one ends, stopped together.

It has no threads and waits in short sleeps, so it is ready for any signal, and behaves alike on every system.
"""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from app.hosting import orphans

logger = logging.getLogger(__name__)

_TICK = 0.1
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_READY_WITHIN = 90.0
_FAILURES_BEFORE_READY = 3
_LONGEST_PAUSE = 15.0
# After living this long, an end is news and not a continued failure to start.
_SETTLED = 30.0


@dataclass(frozen=True, slots=True)
class Program:
    """`is_up` makes it a foundation: the programs after it start once that holds, and end before it does."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path | None = None
    is_up: Callable[[], bool] | None = None
    keep_open: tuple[int, ...] = ()


@dataclass(slots=True)
class _Running:
    program: Program
    pid: int | None = None
    started_at: float = 0.0
    start_again_at: float | None = None
    failures: int = 0


@dataclass(slots=True)
class Supervisor:
    """`run` returns the exit status: 0 after a signal to stop, 1 when the programs did not become ready."""

    programs: Sequence[Program]
    is_ready: Callable[[], bool]
    on_ready: Callable[[], None]
    grace: float = 25.0
    _running: list[_Running] = field(default_factory=list)
    _signals: int = 0

    def run(self) -> int:
        orphans.adopt_orphans()
        with self._listening():
            try:
                return self._run()
            finally:
                self._stop_all()

    def _run(self) -> int:
        deadline = time.monotonic() + _READY_WITHIN
        if not self._start_all(deadline) or not self._wait(self.is_ready, deadline):
            return 0 if self._signals else 1
        if not self._signals:
            self.on_ready()
        while not self._signals:
            self._tick()
        return 0

    def _start_all(self, deadline: float) -> bool:
        for program in self.programs:
            running = _Running(program)
            self._running.append(running)
            _start(running)
            if program.is_up is not None and not self._wait(program.is_up, deadline):
                return False
        return True

    def _wait(self, holds: Callable[[], bool], deadline: float) -> bool:
        while not self._signals:
            if holds():
                return True
            self._tick()
            failed = next((one for one in self._running if one.failures >= _FAILURES_BEFORE_READY), None)
            if failed is not None or time.monotonic() > deadline:
                _report_failure(failed)
                return False
        return False

    def _tick(self) -> None:
        time.sleep(_TICK)
        for pid, status in _reap():
            for running in self._running:
                if running.pid == pid:
                    _note_end(running, status)
                    # What it left behind would do the same work as its successor.
                    self._kill_orphans()
        for running in self._running:
            if running.start_again_at is not None and time.monotonic() >= running.start_again_at:
                _start(running)

    def _stop_all(self) -> None:
        foundations = [one for one in self._running if one.program.is_up is not None]
        self._stop([one for one in self._running if one.program.is_up is None])
        self._stop(foundations)
        self._kill_orphans()

    def _stop(self, several: Sequence[_Running]) -> None:
        asked = self._signals
        for one in several:
            _signal(one, signal.SIGTERM)
        deadline = time.monotonic() + self.grace
        # A second signal means: now.
        while _alive(several) and time.monotonic() < deadline and self._signals <= max(asked, 1):
            time.sleep(_TICK / 4)
            self._note_ended()
        for one in _alive(several):
            logger.warning("%s did not stop in time and is killed", one.program.name)
            _kill_group(one)
        while _alive(several):
            time.sleep(_TICK / 4)
            self._note_ended()

    def _note_ended(self) -> None:
        for pid, _ in _reap():
            for running in self._running:
                if running.pid == pid:
                    running.pid = None

    def _kill_orphans(self) -> None:
        known = [one.pid for one in self._running if one.pid is not None]
        for pid in orphans.find_orphans(known):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        # A program started by nohup is meant to outlive its terminal.
        heard = [number for number in _STOP_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        heard += [] if signal.SIGINT in heard else [signal.SIGINT]
        before = {number: signal.signal(number, self._on_signal) for number in heard}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1


def _start(running: _Running) -> None:
    program = running.program
    with _output(program) as output:
        process = subprocess.Popen(
            program.command,
            env=dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=program.keep_open,
            preexec_fn=orphans.before_exec(),
            # Ctrl-C reaches us alone, and we stop them in order.
            start_new_session=True,
        )
    running.pid, running.started_at, running.start_again_at = process.pid, time.monotonic(), None
    # We wait for all children at once; Popen must not.
    process.returncode = 0


@contextmanager
def _output(program: Program) -> Iterator[int | None]:
    if program.log is None:
        yield None
        return
    with program.log.open("ab") as log:
        yield log.fileno()


def _reap() -> Iterator[tuple[int, int]]:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, os.waitstatus_to_exitcode(status)


def _note_end(running: _Running, status: int) -> None:
    lived = time.monotonic() - running.started_at
    running.failures = 1 if lived > _SETTLED else running.failures + 1
    pause = min(0.5 * 2 ** (running.failures - 1), _LONGEST_PAUSE)
    running.pid, running.start_again_at = None, time.monotonic() + pause
    logger.warning("%s ended (%s); starting it again in %.1f s", running.program.name, _in_words(status), pause)


def _in_words(status: int) -> str:
    return f"status {status}" if status >= 0 else signal.Signals(-status).name


def _report_failure(failed: _Running | None) -> None:
    name = failed.program.name if failed else "the service"
    where = f"; its last words are in {failed.program.log}" if failed and failed.program.log else ""
    logger.error("%s does not start%s", name, where)


def _alive(several: Sequence[_Running]) -> list[_Running]:
    return [one for one in several if one.pid is not None]


def _signal(one: _Running, number: signal.Signals) -> None:
    if one.pid is not None:
        with suppress(ProcessLookupError):
            os.kill(one.pid, number)


def _kill_group(one: _Running) -> None:
    if one.pid is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(one.pid, signal.SIGKILL)
