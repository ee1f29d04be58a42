"""A mail server that takes everything at once and keeps the moment and the receiver of each message."""

import asyncio
import socket
import threading
import time
from dataclasses import dataclass

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class Taken:
    receiver: str
    at: float
    size: int


class Sink:
    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        # As mail servers do. Else the lines of its greeting wait for each other, 40 ms for each connection.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="mail sink", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        size = len(envelope.content or b"")
        self.taken.append(Taken(envelope.rcpt_tos[0], time.perf_counter(), size))
        return "250 2.0.0 Taken"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        starting = self._loop.create_server(lambda: SMTP(self, hostname="localhost"), sock=self._socket)
        self._loop.run_until_complete(starting)
        self._loop.run_forever()
