"""Our own way of writing a mail says what the library's does."""

import email.policy
from email import message_from_bytes

import pytest
from flask_mail import Message
from hypothesis import given
from hypothesis import strategies as st

from app.jobs import mime, smtp
from app.workflows.letters import Attachment, Letter
from tests import strategies

pytestmark = pytest.mark.sqlite

words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=120)
texts = st.lists(words, max_size=5).map("\n".join)
attachments = st.lists(
    st.builds(Attachment, st.just("receipt-SR-1.pdf"), st.just("application/pdf"), st.binary(max_size=200)), max_size=2
).map(tuple)
letters = st.builds(
    Letter, subject=words.map(lambda text: " ".join(text.split())).filter(bool), text=texts, html=texts,
    attachments=attachments,
)  # fmt: skip


def read(written):
    return message_from_bytes(written, policy=email.policy.default)


def headers(mail):
    return {name: str(value) for name, value in mail.items() if name != "Content-Type"}


def parts(mail):
    leaves = [part for part in mail.walk() if not part.is_multipart()]
    return [(part.get_content_type(), part.get_filename(), part.get_content()) for part in leaves]


@given(
    letter=letters,
    recipient=strategies.emails(),
    sender=st.sampled_from(["Counterfoil", "Müller, Rao & Co.", "काउंटर", "“Shop”"]),
)
def test_a_mail_is_read_as_the_librarys_would_be(app, letter, recipient, sender):
    with app.app_context():
        message = smtp.address(letter, recipient=recipient, message_id="<1@example.com>", reply_to="help@example.com")
        message.sender, message.date = (sender, "shop@example.com"), 1_700_000_000
        written, usual = mime.write(message), Message.as_bytes(message)
    ours, theirs = read(written), read(usual)
    assert headers(ours) == headers(theirs)
    [address] = ours["From"].addresses
    assert (address.display_name, address.addr_spec) == (sender, "shop@example.com")
    assert parts(ours) == parts(theirs)
    assert ours.defects == []
    assert all(line.isascii() and len(line) <= 998 and b"\n" not in line for line in written.split(b"\r\n"))
    assert {part.get_content_type() for part in ours.walk() if part.is_multipart()} == {"multipart/alternative"} | (
        {"multipart/mixed"} if letter.attachments else set()
    )
