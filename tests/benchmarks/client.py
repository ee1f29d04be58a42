"""A client that costs next to nothing: one connection, requests written out as bytes."""

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(slots=True)
class Client:
    """Keeps cookies. With `wanders` each request seems to come from another address, as limits count by address; a
    session holds for one only."""

    port: int
    wanders: bool = False
    cookies: dict[str, str] = field(default_factory=dict)
    _socket: socket.socket | None = None
    _number: int = 0

    def get(self, path: str) -> Answer:
        return self.send(self.prepare("GET", path))

    def post(self, path: str, form: Mapping[str, str] | Sequence[tuple[str, str]]) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send(self.prepare("POST", path, urlencode(form).encode(), kind))

    def prepare(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
        self._number += 1
        number = self._number if self.wanders else 1
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"X-Forwarded-For: 10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            *([f"Cookie: {cookies}"] if cookies else []),
            *([f"Content-Length: {len(body)}"] if method != "GET" else []),
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def send(self, request: bytes) -> Answer:
        """Timed from the first byte written to the last one read."""
        for attempt in (1, 2):
            try:
                return self._exchange(request)
            except ConnectionError:
                # Kept open and closed by the server meanwhile.
                self.close()
                if attempt == 2:
                    raise
        raise AssertionError

    def _exchange(self, request: bytes) -> Answer:
        connection = self._connected()
        start = time.perf_counter()
        connection.sendall(request)
        head, body = _read_head(connection)
        status, headers = _parse_head(head)
        for cookie in _cookies(head):
            name, _, value = cookie.partition("=")
            self.cookies[name] = value
        if headers.get("transfer-encoding") == "chunked":
            body = b"".join(_chunks(connection, body))
        else:
            length = int(headers.get("content-length", 0))
            while len(body) < length:
                body += _receive(connection)
        seconds = time.perf_counter() - start
        if headers.get("connection") == "close":
            self.close()
        return Answer(status, headers, body, seconds)

    @contextmanager
    def stream(self, request: bytes) -> Iterator[Iterator[bytes]]:
        """The pieces of a long answer as they arrive, on a connection of its own: an old one may be closed by now."""
        self.close()
        connection = self._connected()
        connection.sendall(request)
        head, body = _read_head(connection)
        status, headers = _parse_head(head)
        if status != 200 or headers.get("transfer-encoding") != "chunked":
            raise RuntimeError(f"no stream: {status} {body[:200]!r}")
        yield _chunks(connection, body)
        self.close()

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=600)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _receive(connection: socket.socket) -> bytes:
    received = connection.recv(262_144)
    if not received:
        raise ConnectionError("the server closed the connection")
    return received


def _read_head(connection: socket.socket) -> tuple[str, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _receive(connection)
    head, _, rest = received.partition(b"\r\n\r\n")
    return head.decode("latin-1"), rest


def _parse_head(head: str) -> tuple[int, dict[str, str]]:
    first, *lines = head.split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    return int(first.split()[1]), {name.lower(): value for name, value in pairs}


def _cookies(head: str) -> list[str]:
    prefix = "set-cookie: "
    return [line[len(prefix) :].split(";", 1)[0] for line in head.split("\r\n") if line.lower().startswith(prefix)]


def _chunks(connection: socket.socket, received: bytes) -> Iterator[bytes]:
    while True:
        while b"\r\n" not in received:
            received += _receive(connection)
        size, _, received = received.partition(b"\r\n")
        length = int(size, 16)
        while len(received) < length + 2:
            received += _receive(connection)
        if length == 0:
            return
        yield received[:length]
        received = received[length + 2 :]
