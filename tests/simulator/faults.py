"""Bad days: what goes wrong with the next calls, and when in the call."""

import os
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

_HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
_LONGEST_HANG = 30


class Fault(Enum):
    """The first group happens instead of the work; the second after it, so that only the answer is lost."""

    TOO_MANY = "429"
    FAULTY = "500"
    BAD_GATEWAY = "502 with HTML"
    RESET = "connection reset"
    HANG = "no answer, no work"
    NO_JSON = "200 with HTML"
    NONSENSE = "400 without a known reason"
    BUSY = "409, the same call is being worked on"

    CUT = "answer cut after the work"
    HANG_AFTER = "no answer after the work"
    HELD = "the right answer, but only when the test lets it go"

    @property
    def is_after_work(self) -> bool:
        return self in {Fault.CUT, Fault.HANG_AFTER}


@dataclass
class _Planned:
    method: str
    path: str
    fault: Fault


class Faults:
    """A WSGI layer in front of the façades. `seen` is every call that arrived, faulty or not."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self._planned: deque[_Planned] = deque()
        self._lock = threading.Lock()
        self._end_of_hanging = threading.Event()
        self._holding, self._let_go = threading.Event(), threading.Event()
        self.seen: list[tuple[str, str]] = []
        self.retry_after: str | None = None

    def plan(self, method: str, path: str, *faults: Fault) -> None:
        """These faults, one a call, for calls of that method whose path begins so."""
        self._planned.extend(_Planned(method, path, fault) for fault in faults)

    def count(self, method: str, path: str) -> int:
        return sum(seen == method and where.startswith(path) for seen, where in self.seen)

    def clear(self) -> None:
        self._planned.clear()
        self.seen.clear()
        self.retry_after = None
        self._holding.clear()
        self._let_go.clear()

    def wait_until_held(self) -> None:
        """The work of a call with `HELD` is done, and whoever called waits for the answer."""
        assert self._holding.wait(_LONGEST_HANG), "nobody called"

    def let_go(self) -> None:
        self._let_go.set()

    def stop_hanging(self) -> None:
        self._end_of_hanging.set()
        self.let_go()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.seen.append((method, path))
        fault = self._take(method, path)
        if fault is None:
            return self._app(environ, start_response)
        if fault is Fault.HELD:
            return self._hold(self._app(environ, start_response))
        if fault.is_after_work:
            answer = b"".join(self._app(environ, lambda *_: None))
            return self._lose(environ, answer if fault is Fault.CUT else b"", is_hanging=fault is Fault.HANG_AFTER)
        if fault in {Fault.RESET, Fault.HANG}:
            return self._lose(environ, b"", is_hanging=fault is Fault.HANG)
        status, kind, body = _ANSWERS[fault]
        plea = [("Retry-After", self.retry_after)] if self.retry_after else []
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body))), *plea])
        return [body]

    def _hold(self, answer: Iterable[bytes]) -> Iterable[bytes]:
        self._holding.set()
        self._let_go.wait(_LONGEST_HANG)
        return answer

    def _take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for planned in self._planned:
                if planned.method == method and path.startswith(planned.path):
                    self._planned.remove(planned)
                    return planned.fault
        return None

    def _lose(self, environ: dict[str, Any], answer: bytes, *, is_hanging: bool) -> Iterable[bytes]:
        """Close the connection hard, perhaps after a while of silence or the first bytes of the answer."""
        connection: socket.socket = environ["werkzeug.socket"]
        if is_hanging:
            self._end_of_hanging.wait(_LONGEST_HANG)
        elif answer:
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
            connection.sendall(head.encode() + answer[:10])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(connection.detach())
        raise ConnectionResetError


_ANSWERS = {
    Fault.TOO_MANY: ("429 Too Many Requests", "application/json", b'{"error": {"message": "Slow down"}}'),
    Fault.FAULTY: ("500 Internal Server Error", "application/json", b'{"error": {"message": "Our fault"}}'),
    Fault.BAD_GATEWAY: ("502 Bad Gateway", "text/html", _HTML),
    Fault.NONSENSE: ("400 Bad Request", "application/json", b'{"error": {"code": "?", "message": "No."}}'),
    Fault.BUSY: ("409 Conflict", "application/json", b'{"error": {"message": "Wait."}}'),
    Fault.NO_JSON: ("200 OK", "text/html", _HTML),
}
