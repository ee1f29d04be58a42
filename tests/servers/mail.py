"""A mail server that tests can tell how to behave, and ask what it got."""

import asyncio
import email.policy
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from email.message import EmailMessage
from enum import Enum
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


class Answer(Enum):
    ACCEPT = "accept"
    TRY_LATER = "451"
    REFUSE = "550"
    BUSY = "421"
    WAIT = "450"
    STALL = "stall"  # says nothing until the test is over, or releases it
    HOLD = "hold"  # takes the message, but says so only when released
    DROP = "drop"  # takes the message, then the connection breaks before we say so


_TAKEN = {Answer.ACCEPT, Answer.DROP, Answer.HOLD}


@dataclass(frozen=True, slots=True)
class Received:
    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    answer: Answer
    at: float
    """Monotonic time."""

    @property
    def text(self) -> str:
        body = self.message.get_body(("plain",))
        return "" if body is None else body.get_content()

    @property
    def html(self) -> str:
        body = self.message.get_body(("html",))
        return "" if body is None else body.get_content()


class MailServer:
    """`messages` are those a recipient would have; `attempts` also those refused."""

    def __init__(self, *, takes_all_at_once: bool = False) -> None:
        self.connections = 0
        self._takes_all_at_once = takes_all_at_once
        self.unknown_recipients: set[str] = set()
        self.hangs_up = False
        """On whoever names an unknown recipient."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.attempts: list[Received] = []
        self._answers: deque[Answer] = deque()
        self._lines: list[SMTP] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="mail server", daemon=True)
        self._thread.start()

    @property
    def messages(self) -> list[Received]:
        return [attempt for attempt in self.attempts if attempt.answer in _TAKEN]

    def answer(self, *answers: Answer) -> None:
        """How to meet the next messages, one each; afterwards all are accepted."""
        self._answers.extend(answers)

    def release(self) -> None:
        """Let go of whoever waits for an answer."""
        self._loop.call_soon_threadsafe(self._release)

    def wait_for_attempts(self, number: int, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while len(self.attempts) < number:
            assert time.monotonic() < deadline, f"{len(self.attempts)} of {number} messages came"
            time.sleep(0.01)

    def die(self) -> None:
        """All connections break, and nobody listens any more. What was taken stays taken."""
        self._call(self._break)

    def revive(self) -> None:
        """At the old address."""
        self._socket = socket.create_server(("127.0.0.1", self.port))
        self._call(self._listen)

    def _call(self, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run_coroutine_threadsafe(step(), self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(self._meet, sock=self._socket)

    async def _break(self) -> None:
        self._server.close()
        # Whoever was just let in has no line of its own before this.
        await asyncio.sleep(0)
        self._hang_up()

    def _hang_up(self) -> None:
        for line in self._lines:
            if line.transport is not None:
                line.transport.abort()

    def clear(self) -> None:
        self.connections = 0
        self.attempts.clear()
        self.unknown_recipients.clear()
        self.hangs_up = False
        self._answers.clear()
        self.release()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._release)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, answer: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [answer[0], "250-PIPELINING", *answer[1:]] if self._takes_all_at_once else answer

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.unknown_recipients:
            refusal = f"550 5.1.1 <{address}>: no such mailbox here"
            if self.hangs_up:
                await server.push(refusal)
                server.transport.close()
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        answer = self._answers.popleft() if self._answers else Answer.ACCEPT
        self.attempts.append(_received(envelope, answer))
        match answer:
            case Answer.TRY_LATER:
                return "451 4.3.0 Try again later"
            case Answer.REFUSE:
                return "550 5.1.1 No such mailbox"
            case Answer.BUSY:
                return "421 4.7.0 Too many messages, come back later"
            case Answer.WAIT:
                return "450 4.2.1 This mailbox gets too much mail at the moment"
            case Answer.HOLD:
                await self._test_over.wait()
            case Answer.STALL:
                await self._test_over.wait()
                return "421 4.4.2 Took too long"
            case Answer.DROP:
                server.transport.abort()
        return "250 2.0.0 Taken"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._test_over = asyncio.Event()
        self._loop.run_until_complete(self._listen())
        self._loop.run_forever()
        self._server.close()
        self._hang_up()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(self._server.wait_closed())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())

    def _meet(self) -> SMTP:
        self.connections += 1
        self._lines = [line for line in self._lines if line.transport is not None]
        line = SMTP(self, hostname="localhost")
        self._lines.append(line)
        return line

    def _release(self) -> None:
        self._test_over.set()
        self._test_over = asyncio.Event()


def _received(envelope: Envelope, answer: Answer) -> Received:
    content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
    message = email.message_from_bytes(content, policy=email.policy.default)
    return Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), message, answer, time.monotonic())
