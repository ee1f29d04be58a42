"""Handing one mail to a server, whether that takes all commands at once or one by one."""

import smtplib
import socket
import threading
from contextlib import contextmanager

import pytest

from app.jobs import exchange
from app.jobs.exchange import Refused
from tests.servers.mail import Answer, MailServer

pytestmark = pytest.mark.sqlite

MAIL = b"Subject: Hello\r\n\r\nFirst line.\r\n.hidden\r\n..\r\nLast line.\r\n"


@pytest.fixture(params=[False, True], ids=["one by one", "at once"])
def server(request):
    server = MailServer(takes_all_at_once=request.param)
    yield server
    server.stop()


@contextmanager
def line_to(port):
    host = smtplib.SMTP("127.0.0.1", port, "localhost", timeout=60)
    try:
        yield host
    finally:
        host.close()


def hand_over(host, *, receiver="<asha@example.com>", content=MAIL):
    exchange.hand_over(host, content, sender="<shop@example.com>", receiver=receiver)


def test_many_arrive_unchanged_over_one_line(server):
    with line_to(server.port) as host:
        for _ in range(3):
            hand_over(host)
    assert server.connections == 1
    assert [(one.sender, one.recipients) for one in server.messages] == [
        ("shop@example.com", ("asha@example.com",))
    ] * 3
    assert {one.message.get_content() for one in server.messages} == {"First line.\r\n.hidden\r\n..\r\nLast line.\r\n"}


def test_a_refused_receiver_does_not_stand_in_the_way_of_the_next(server):
    server.unknown_recipients.add("nobody@example.com")
    with line_to(server.port) as host:
        with pytest.raises(Refused) as refused:
            hand_over(host, receiver="<nobody@example.com>")
        hand_over(host)
    assert (refused.value.code, refused.value.is_about_receiver) == (550, True)
    assert [one.recipients for one in server.attempts] == [("asha@example.com",)]


def test_a_refused_mail_does_not_stand_in_the_way_of_the_next(server):
    server.answer(Answer.TRY_LATER)
    with line_to(server.port) as host:
        with pytest.raises(Refused) as refused:
            hand_over(host)
        hand_over(host)
    assert (refused.value.code, refused.value.is_about_receiver) == (451, False)
    assert len(server.messages) == 1


@pytest.mark.parametrize("receiver", ["<a@example.com>\r\nRCPT TO:<b@example.com>", "<ü@example.com>"])
def test_an_address_that_no_command_can_hold_is_refused_before_anything_is_said(server, receiver):
    with line_to(server.port) as host:
        with pytest.raises(ValueError, match=r"line break|ordinal"):
            hand_over(host, receiver=receiver)
        hand_over(host)
    assert [one.recipients for one in server.attempts] == [("asha@example.com",)]


HELLO = [b"220 here\r\n", b"250-here\r\n250 PIPELINING\r\n"]


@contextmanager
def scripted(*steps):
    """A server that reads so many lines, then says what it has to say: (lines, answer) for each step."""
    heard = []

    def serve(listening):
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as file:
            connection.sendall(HELLO[0])
            file.readline()
            connection.sendall(HELLO[1])
            for lines, answer in steps:
                heard.extend(file.readline() for _ in range(lines))
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        with line_to(listening.getsockname()[1]) as host:
            yield host, heard
        thread.join(10)


def test_a_server_that_offers_it_gets_all_commands_before_it_has_to_answer():
    with scripted((3, b"250 ok\r\n250 ok\r\n354 go\r\n"), (3, b"250 taken\r\n")) as (host, heard):
        hand_over(host, content=b"Subject: Hello\r\n\r\n")
    assert heard[0].startswith(b"MAIL FROM:<shop@example.com>")
    assert heard[1:] == [b"RCPT TO:<asha@example.com>\r\n", b"DATA\r\n", b"Subject: Hello\r\n", b"\r\n", b".\r\n"]


def test_a_server_that_waits_for_the_text_of_a_mail_to_nobody_gets_none():
    answers = (3, b"250 ok\r\n550 no such mailbox\r\n354 go\r\n"), (1, b"554 for whom?\r\n"), (1, b"250 reset\r\n")
    with scripted(*answers) as (host, heard), pytest.raises(Refused) as refused:
        hand_over(host)
    assert (refused.value.code, refused.value.said) == (550, b"no such mailbox")
    assert heard[3:] == [b".\r\n", b"RSET\r\n"]


@pytest.mark.parametrize(
    "more",
    [[(0, b"")], [(0, b"503 no receiver\r\n")], [(0, b"503 no receiver\r\n"), (1, b"421 too many of these\r\n")]],
)
def test_a_server_that_says_no_and_hangs_up_is_believed(more):
    with scripted((3, b"250 ok\r\n550 no such mailbox\r\n"), *more) as (host, _), pytest.raises(Refused) as refused:
        hand_over(host)
    assert (refused.value.code, refused.value.is_about_receiver, host.sock) == (550, True, None)


def test_a_server_that_goes_away_amid_the_commands_is_believed():
    with scripted((3, b"250 ok\r\n421 4.7.0 come back later\r\n")) as (host, _), pytest.raises(Refused) as refused:
        hand_over(host)
    assert refused.value.code == 421
