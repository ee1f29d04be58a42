"""Finding messages by whom they are for and what they are about."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, select, union

from app.columns import keyring
from app.kit.contact import fold
from app.kit.ids import parse_reference_number
from app.models import Notification, ServiceRequest, User


def ids_of(text: str) -> CompoundSelect[UUID]:
    """The messages to a whole email address, about the request with a reference, or with a Message-ID.

    One look into an index for each reading: a single condition of them all would read the whole table.
    """
    return union(*(select(Notification.id).where(*reading) for reading in _readings(text.strip())))


def _readings(term: str) -> Iterator[tuple[ColumnElement[bool], ...]]:
    bare = term.strip("<>")
    yield (Notification.message_id == f"<{bare}>",)
    if "@" in term:
        yield _to_customer(term)
        yield (Notification.recipient_user_id == _account(term),)
    reference = parse_reference_number(term)
    if reference is not None:
        request = select(ServiceRequest.id).where(ServiceRequest.reference_number == reference)
        yield (Notification.service_request_id == request.scalar_subquery(),)


def _to_customer(address: str) -> tuple[ColumnElement[bool], ...]:
    """A customer's messages all belong to a request of theirs, which has the keyed hash of the address."""
    hashes = keyring.hashes(fold(address), "email")
    theirs = select(ServiceRequest.id).where(ServiceRequest.customer_email_hash.in_(hashes))
    return Notification.recipient_user_id.is_(None), Notification.service_request_id.in_(theirs)


def _account(address: str) -> object:
    return select(User.id).where(User.email == address.lower()).scalar_subquery()
