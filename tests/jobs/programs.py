"""The worker and the scheduler as programs of their own, so that they can be stopped and killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.config import Settings
from app.hosting import orphans

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Program:
    process: subprocess.Popen
    log_path: Path

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """The exit status after a polite request."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def running(command: str, settings: Settings, folder: Path, *options: str) -> Iterator[Program]:
    """`flask --app app.background <command>` on the settings of the test."""
    log_path = folder / f"{command}-{time.monotonic_ns()}.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "app.background", command, *options],
            cwd=ROOT,
            env=_environment(settings),
            stdout=log,
            stderr=log,
            preexec_fn=orphans.before_exec(signal.SIGKILL),
        )
    program = Program(process, log_path)
    try:
        yield program
    except AssertionError:
        # What pytest shows with a failed test.
        print(f"--- {command}, exit status {process.poll()}:\n{program.log}")
        raise
    finally:
        process.kill()
        process.wait(10)


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)


def _environment(settings: Settings) -> dict[str, str]:
    ours = {
        "APP_ENV": settings.app_env,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "BASE_URL": settings.base_url,
        "SECRET_KEY": settings.secret_key,
        "ENCRYPTION_KEYS": ",".join(settings.encryption_keys),
        "MAIL_SERVER": settings.mail.server or "",
        "MAIL_PORT": str(settings.mail.port),
    }
    return {name: value for name, value in os.environ.items() if not name.startswith("MAIL_")} | ours
