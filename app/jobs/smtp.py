"""Handing letters to the mail server: one connection for many, with timeouts, and errors in our own words."""

import copy
import re
import smtplib
import ssl
import time
from contextlib import suppress
from functools import cache, lru_cache
from typing import Any, cast

from flask import current_app
from flask_mail import Attachment, Connection, Mail, Message

from app.jobs import exchange, mime
from app.workflows.letters import Letter
from app.workflows.notifications import postmark

TIMEOUT = 30
"""Seconds for each answer of the server: some look at a message for that long before they take it."""

MESSAGES_A_CONNECTION = 100
"""Then a new one is made, before a server that takes only so many hangs up by itself."""

_BUSY = frozenset({421, 450, 452})
_SERVER_WIDE = re.compile(r"^421|\b4\.7\.\d+")
_BAD_ADDRESS = re.compile(r"\b5\.1\.\d+")
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")


class DeliveryFailed(Exception):
    """Worth another try later. The text is fit for the console: what the server said, without addresses."""


class AddressRefused(DeliveryFailed):
    """There is no such mailbox: not worth another try."""


class ServerBusy(DeliveryFailed):
    """The server asks us to wait; `for_all`: with everything, not with this message alone."""

    def __init__(self, text: str, *, for_all: bool) -> None:
        super().__init__(text)
        self.for_all = for_all


def mail_settings() -> Any:
    """Bound by whoever sends the first mail: web processes send none, and need not load what that takes."""
    return current_app.extensions.get("mail") or Mail().init_app(current_app)


@cache
def _trust() -> ssl.SSLContext:
    """Takes a while to read, and is the same for every connection."""
    return ssl.create_default_context()


class _Connection(Connection):
    """Flask-Mail's connection would wait for ever, and take any certificate."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        name = postmark.host
        host: smtplib.SMTP | smtplib.SMTP_SSL
        if self.mail.use_ssl:
            host = smtplib.SMTP_SSL(self.mail.server, self.mail.port, name, timeout=TIMEOUT, context=_trust())
        else:
            host = smtplib.SMTP(self.mail.server, self.mail.port, name, timeout=TIMEOUT)
        if self.mail.use_tls:
            host.starttls(context=_trust())
        if self.mail.username and self.mail.password:
            host.login(self.mail.username, self.mail.password)
        return host

    def hand_over(self, message: Message) -> None:
        """As `send`, which looks three times at each address, and tells listeners that nobody has."""
        message.date = time.time()
        [receiver] = message.recipients
        exchange.hand_over(
            cast(smtplib.SMTP, self.host),
            message.as_bytes(),
            sender=mime.bracketed(mime.sender_of(message)),
            receiver=mime.bracketed(mime.address_of(receiver)),
        )


class MailServer:
    """Opens its connection with the first letter, and anew after it was lost."""

    def __init__(self) -> None:
        self._connection: _Connection | None = None
        self._sent = 0

    def __enter__(self) -> "MailServer":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def send(self, message: Message) -> None:
        """Returns when the server has taken the message over. Raises DeliveryFailed or one of its children."""
        try:
            self._send(message)
        except ServerBusy:
            # Some servers take so many messages a connection, then hang up: that is worth one fresh connection.
            if not self._sent:
                raise
            self._close()
            self._send(message)

    def _send(self, message: Message) -> None:
        try:
            self._open().hand_over(message)
        except exchange.Refused as error:
            raise self._judge(error.code, error.said, is_about_address=error.is_about_receiver) from None
        except smtplib.SMTPResponseException as error:
            raise self._judge(error.smtp_code, error.smtp_error, is_about_address=False) from None
        except OSError as error:
            self._close()
            raise DeliveryFailed(_words(f"{type(error).__name__}: {error}")) from None
        except ValueError as error:
            # Letters before the @ that only few servers take; Flask-Mail cannot write them.
            raise AddressRefused(f"Mail cannot be addressed like this ({type(error).__name__}).") from None
        self._sent += 1

    def _judge(self, code: int, said: bytes | str, *, is_about_address: bool) -> DeliveryFailed:
        text = _words(f"{code} {said.decode(errors='replace') if isinstance(said, bytes) else said}")
        if code == 421:
            self._close()
        if code in _BUSY or _SERVER_WIDE.search(text):
            return ServerBusy(text, for_all=_SERVER_WIDE.search(text) is not None)
        if 500 <= code < 600 and (is_about_address or _BAD_ADDRESS.search(text)):
            return AddressRefused(text)
        return DeliveryFailed(text)

    def _open(self) -> _Connection:
        if self._sent >= MESSAGES_A_CONNECTION:
            self._close()
            self._sent = 0
        if self._connection is None or cast(smtplib.SMTP, self._connection.host).sock is None:
            connection = _Connection(mail_settings())
            connection.host = connection.configure_host()
            self._connection, self._sent = connection, 0
        return self._connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and connection.host is not None:
            with suppress(smtplib.SMTPException, OSError):
                connection.host.quit()


class _Mail(Message):
    def as_bytes(self) -> bytes:
        return mime.write(self)


@lru_cache(maxsize=2)
def _blank(sender: str) -> Message:
    """A new one would look up this machine's name, perhaps over the network, for an id that ours replaces."""
    return _Mail(sender=sender)


def address(letter: Letter, *, recipient: str, message_id: str, reply_to: str) -> Message:
    """The letter as a mail. Raises ValueError when it cannot be one."""
    message = copy.copy(_blank(mail_settings().default_sender))
    message.subject, message.recipients, message.msgId = letter.subject, [recipient], message_id
    message.body, message.alts, message.reply_to = letter.text, {"html": letter.html}, reply_to
    message.attachments = [Attachment(part.filename, part.content_type, part.content) for part in letter.attachments]
    # Nobody's out-of-office note needs to answer.
    message.extra_headers = {"Auto-Submitted": "auto-generated"}
    if message.has_bad_headers():
        raise ValueError("a line break in a header")
    return message


def _words(text: str) -> str:
    return " ".join(_ADDRESS.sub("[address]", text).split())
