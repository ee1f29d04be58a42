"""A wire to the database that can be cut: a socket of its own, behind which the real server stands."""

import contextlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import URL, Engine

from app import postgres

_SHORT = Path("/tmp")  # noqa: S108 - a folder of our own is made in it
_SIZE = 65_536
_PORT = 5432
_connect_as_usual = postgres.connect


class Wire:
    """Every connection to PostgreSQL goes through it to the server of `engine` while it is used as a context. `sent` is
    how often something was sent to the server: one round trip each, for whoever waits for the answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._url = engine.url
        self.directory = Path(tempfile.mkdtemp(prefix="cf-wire-", dir=_SHORT if _SHORT.is_dir() else None))
        self._path = self.directory / f".s.PGSQL.{_PORT}"
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.sent = 0
        self._connecting = mock.patch.object(postgres, "connect", self._connect_here)

    def __enter__(self) -> "Wire":
        self.mend()
        self._engine.dispose()
        self._connecting.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._connecting.stop()
        self.cut()
        self._engine.dispose()
        shutil.rmtree(self.directory, ignore_errors=True)

    def cut(self) -> None:
        """As when the server is stopped: what is open ends, and nothing new gets through."""
        if self._listener is not None:
            _close(self._listener)
            self._listener = None
        self._path.unlink(missing_ok=True)
        while self._open:
            _close(self._open.pop())

    def mend(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self._path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _connect_here(self, *words: Any, **settings: Any) -> postgres.PostgresConnection:
        return _connect_as_usual(*words, **settings | {"host": str(self.directory), "port": _PORT})

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                far = _connect(self._url)
            except OSError:
                return
            self._open += [near, far]
            threading.Thread(target=_pass_on, args=(near, far, self._count), daemon=True).start()
            threading.Thread(target=_pass_on, args=(far, near), daemon=True).start()

    def _count(self) -> None:
        self.sent += 1


def _connect(url: URL) -> socket.socket:
    """To the real server, by its socket or its port."""
    host, port = str(url.query.get("host") or url.host or "127.0.0.1"), url.port or _PORT
    if not host.startswith("/"):
        return socket.create_connection((host, port), timeout=10)
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    end.connect(f"{host}/.s.PGSQL.{port}")
    return end


def _pass_on(source: socket.socket, target: socket.socket, note: Callable[[], object] = lambda: None) -> None:
    with contextlib.suppress(OSError):
        while words := source.recv(_SIZE):
            note()
            target.sendall(words)
    _close(source)
    _close(target)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
