"""What the words typed into the search may be, as conditions that indexes answer."""

from uuid import UUID

from sqlalchemy import ColumnElement, false, or_, select, union_all

from app.columns import keyring
from app.db import db
from app.kit.contact import InvalidContact, fold, name_words, parse_phone
from app.kit.ids import parse_reference_number
from app.models import NameWord, Payment, ServiceRequest

_SHORTEST_PREFIX = 5
_LONGEST_SEARCH = 200
_MOST_EXACT = 100


def conditions(text: str) -> list[ColumnElement[bool]]:
    """A reference or its beginning, an address, a phone number, a gateway's id, a name.

    What could be several things is all of them. No `OR` of conditions on different columns: a database answers that
    by reading the whole table.
    """
    term = text.replace("\0", "").strip()[:_LONGEST_SEARCH]
    if not term:
        return []
    if term.upper().startswith("SR-") and len(term) >= _SHORTEST_PREFIX:
        return [_reference(term)]
    if "@" in term:
        return [ServiceRequest.customer_email_hash.in_(keyring.hashes(fold(term), "email"))]
    return _joined(_exact(term), _person(term))


def _joined(keys: list[UUID], person: list[ColumnElement[bool]]) -> list[ColumnElement[bool]]:
    if not keys:
        return person or [false()]
    exactly = ServiceRequest.id.in_(keys)
    if not person:
        return [exactly]
    both = union_all(select(ServiceRequest.id).where(exactly), select(ServiceRequest.id).where(*person))
    return [ServiceRequest.id.in_(both)]


def _reference(term: str) -> ColumnElement[bool]:
    whole = parse_reference_number(term)
    if whole is not None:
        return ServiceRequest.reference_number == whole
    beginning = term.upper()
    return ServiceRequest.reference_number.between(beginning, beginning + "~")


def _exact(term: str) -> list[UUID]:
    """The requests of which this is an id at the gateway, a bank's reference, or the reference without its hyphens.

    Looked up at once: they are few, and a condition on other columns or tables would not be.
    """
    reference = parse_reference_number(term)
    if reference is None and not any(character.isdigit() for character in term):
        return []
    at_gateway = or_(
        Payment.gateway_payment_id == term,
        Payment.gateway_intent_id == term,
        Payment.bank_reference == term.upper(),
    )
    found = select(Payment.service_request_id).where(at_gateway).limit(_MOST_EXACT)
    keys = set(db.session.scalars(found))
    if reference is not None:
        # A name or number of twelve characters may be one by chance: once in 32 its check character fits.
        keys.update(db.session.scalars(select(ServiceRequest.id).where(ServiceRequest.reference_number == reference)))
    return sorted(keys)


def _person(term: str) -> list[ColumnElement[bool]]:
    try:
        phone = parse_phone(term)
    except InvalidContact:
        return [_has(word) for word in sorted(name_words(term))]
    return [ServiceRequest.customer_phone_hash.in_(keyring.hashes(phone, "phone"))]


def _has(word: str) -> ColumnElement[bool]:
    hashes = keyring.hashes(word, "name")
    return ServiceRequest.id.in_(select(NameWord.service_request_id).where(NameWord.word_hash.in_(hashes)))
