"""The whole service in processes of its own, as a command starts it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_OURS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "APP_ENV", "BASE_URL", "MAIL_", "PORT", "DEMO_")
_READY_WITHIN = 90


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class Shop:
    """`python -m MODULE ARGUMENTS...` at `url`."""

    def __init__(self, *command: str | Path) -> None:
        self._command = command
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._said: list[str] = []

    def start(self, **settings: str) -> "Shop":
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        self._said.clear()
        self.process = subprocess.Popen(
            [sys.executable, "-m", *self._command],
            cwd=ROOT,
            env=inherited | {"PORT": str(self._port)} | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._is_ready = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        return self

    def wait_until_ready(self) -> str:
        """What it said when ready."""
        assert self._is_ready.wait(_READY_WITHIN), "".join(self._said)
        # The lines after it come in one piece with it.
        self._listener.join(0.5)
        said = "".join(self._said)
        assert "Ready: " in said, said
        return said

    def end_by_itself(self) -> str:
        self.process.wait(60)
        self._listener.join(10)
        return "".join(self._said)

    def end(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.end_by_itself()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            for line in stdout:
                self._said.append(line)
                if line.startswith("Ready: "):
                    self._is_ready.set()
        self._is_ready.set()
