"""The application behind a real socket, for browsers, many threads at once, and clients of other makers."""

import socket
import threading
import time
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class WebServer:
    """Serves whichever application the running test uses; one address for the whole run."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.app: Flask | None = None
        self._busy = 0
        self._lock = threading.Lock()
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True, fd=self._socket.fileno())
        self._server.log = lambda *_: None  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, name="web server", daemon=True)
        self._thread.start()

    def wait_until_idle(self) -> None:
        """A browser that is gone may have left a request behind; the next test must not meet it."""
        deadline = time.monotonic() + 60
        while self._busy and time.monotonic() < deadline:
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()
        self._socket.close()

    def _serve(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        with self._lock:
            self._busy += 1
        try:
            if self.app is None:
                start_response("503 No test runs", [])
                return []
            answer = self.app.wsgi_app(environ, start_response)
            try:
                return list(answer)
            finally:
                if hasattr(answer, "close"):
                    answer.close()
        finally:
            with self._lock:
                self._busy -= 1
