"""One mail over an open line to a mail server, with as few waits for its answers as it allows (RFC 5321, 2920).

The library asks and waits four times for each mail, and takes both addresses apart and the text through a pattern.
"""

import smtplib
from collections.abc import Iterator, Sequence
from contextlib import suppress

_FINE = 250
_TAKEN_FURTHER = 251
_GO_ON = 354
_GOING_AWAY = 421


class Refused(Exception):
    """What the server answered; `is_about_receiver`: to the receiver's address."""

    def __init__(self, code: int, said: bytes, *, is_about_receiver: bool = False) -> None:
        super().__init__(code, said)
        self.code, self.said, self.is_about_receiver = code, said, is_about_receiver


def hand_over(host: smtplib.SMTP, content: bytes, *, sender: str, receiver: str) -> None:
    """Returns when the server has taken the mail over. Raises Refused, smtplib's errors and OSError.

    Both addresses stand in their brackets; `content` has whole lines that end as mail wants it.
    """
    host.ehlo_or_helo_if_needed()
    refusal, answer = _announce(host, _commands(host, len(content), sender=sender, receiver=receiver))
    if refusal is not None:
        # Asked for everything at once it may wait for a text, which must be none.
        _begin_anew(host, *([".", "RSET"] if answer == _GO_ON else ["RSET"]), after=refusal)
        raise refusal
    host.send(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
    code, said = host.getreply()
    if code != _FINE:
        refusal = Refused(code, said)
        _begin_anew(host, "RSET", after=refusal)
        raise refusal


def _begin_anew(host: smtplib.SMTP, *commands: str, after: Refused) -> None:
    """Where the line is lost, it is closed."""
    if after.code != _GOING_AWAY:
        with suppress(smtplib.SMTPServerDisconnected):
            for command in commands:
                if host.docmd(command)[0] == _GOING_AWAY:
                    host.close()


def _commands(host: smtplib.SMTP, size: int, *, sender: str, receiver: str) -> list[bytes]:
    """Raises ValueError for addresses that no command can hold, before anything is said."""
    said_ahead = f" SIZE={size}" if host.has_extn("size") else ""
    commands = (f"MAIL FROM:{sender}{said_ahead}", f"RCPT TO:{receiver}", "DATA")
    if any(end in command for command in commands for end in "\r\n"):
        raise ValueError("a line break in an address")
    return [f"{command}\r\n".encode("ascii") for command in commands]


def _announce(host: smtplib.SMTP, commands: Sequence[bytes]) -> tuple[Refused | None, int]:
    """What was refused first, if anything was; and the last answer that came."""
    is_at_once = host.has_extn("pipelining")
    refusal, code = None, 0
    try:
        for position, (code, said) in enumerate(_answers(host, commands, is_at_once=is_at_once)):
            if code == _GOING_AWAY or (refusal is None and code not in _EXPECTED[position]):
                refusal = Refused(code, said, is_about_receiver=position == 1)
            if code == _GOING_AWAY or (refusal and not is_at_once):
                break
    except smtplib.SMTPServerDisconnected:
        # Some say no, and hang up.
        if refusal is None:
            raise
    return refusal, code


_EXPECTED = ({_FINE}, {_FINE, _TAKEN_FURTHER}, {_GO_ON})
"""The answers to each of the commands with which all is well."""


def _answers(host: smtplib.SMTP, commands: Sequence[bytes], *, is_at_once: bool) -> Iterator[tuple[int, bytes]]:
    for said in [b"".join(commands)] if is_at_once else commands:
        host.send(said)
        for _ in range(said.count(b"\r\n")):
            yield host.getreply()
