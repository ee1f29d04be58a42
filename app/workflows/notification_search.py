"""Finding messages by whom they are for and what they are about."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select, union

from app.columns import keyring
from app.db import db
from app.kit.contact import fold
from app.kit.ids import parse_reference_number
from app.models import Notification, ServiceRequest, User


def condition(text: str) -> ColumnElement[bool]:
    """The messages to a whole email address, about the request with a reference, or with a Message-ID.

    One look into an index for each reading: a single condition of them all would read the whole table. An
    administrator is told of every sale: theirs alone are read in the order of the list.
    """
    term = text.strip()
    account = _account(term) if "@" in term else None
    if account is not None and not _is_customer(term):
        return Notification.recipient_user_id == account
    return Notification.id.in_(union(*(select(Notification.id).where(*each) for each in _readings(term, account))))


def _readings(term: str, account: UUID | None) -> Iterator[tuple[ColumnElement[bool], ...]]:
    yield (Notification.message_id == f"<{term.strip('<>')}>",)
    if "@" in term:
        yield Notification.recipient_user_id.is_(None), Notification.service_request_id.in_(_bought_by(term))
    if account is not None:
        yield (Notification.recipient_user_id == account,)
    reference = parse_reference_number(term)
    if reference is not None:
        request = select(ServiceRequest.id).where(ServiceRequest.reference_number == reference)
        yield (Notification.service_request_id == request.scalar_subquery(),)


def _bought_by(address: str) -> Select[UUID]:
    """A customer's messages all belong to a request of theirs, which has the keyed hash of the address."""
    hashes = keyring.hashes(fold(address), "email")
    return select(ServiceRequest.id).where(ServiceRequest.customer_email_hash.in_(hashes))


def _is_customer(address: str) -> bool:
    return db.session.scalar(_bought_by(address).limit(1)) is not None


def _account(address: str) -> UUID | None:
    """Looked up at once: of somebody yet unknown the database supposes that every sixth message is theirs."""
    return db.session.scalar(select(User.id).where(User.email == address.lower()))
