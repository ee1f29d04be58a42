"""What the words typed into the search may be, as conditions that indexes answer."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, false, func, select, union_all
from sqlalchemy.orm import aliased

from app.columns import keyring
from app.db import db
from app.kit.contact import InvalidContact, fold, name_words, parse_phone
from app.kit.ids import parse_reference_number
from app.models import REQUESTS, NameWord, Payment

_SHORTEST_PREFIX = 5
_LONGEST_SEARCH = 200
_MOST_EXACT = 100
_COMMON = 5_000


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
        return [REQUESTS.customer_email_hash.in_(keyring.hashes(fold(term), "email"))]
    return _joined(_exact(term), _person(term))


def _joined(keys: list[UUID], person: list[ColumnElement[bool]]) -> list[ColumnElement[bool]]:
    if not keys:
        return person or [false()]
    exactly = REQUESTS.id.in_(keys)
    if not person:
        return [exactly]
    both = union_all(select(REQUESTS.id).where(exactly), select(REQUESTS.id).where(*person))
    return [REQUESTS.id.in_(both)]


def _reference(term: str) -> ColumnElement[bool]:
    whole = parse_reference_number(term)
    if whole is not None:
        return REQUESTS.reference_number == whole
    beginning = term.upper()
    return REQUESTS.reference_number.between(beginning, beginning + "~")


def _exact(term: str) -> list[UUID]:
    """The requests of which this is an id at the gateway, a bank's reference, or the reference without its hyphens.

    Looked up at once: they are few, and a condition on other columns or tables would not be.
    """
    reference = parse_reference_number(term)
    if reference is None and not any(character.isdigit() for character in term):
        return []
    keys = set(db.session.scalars(_of_payments(term).limit(_MOST_EXACT)))
    if reference is not None:
        # A name or number of twelve characters may be one by chance: once in 32 its check character fits.
        keys.update(db.session.scalars(select(REQUESTS.id).where(REQUESTS.reference_number == reference)))
    return sorted(keys)


def _of_payments(term: str) -> CompoundSelect[UUID]:
    """Each number asked for by itself: where one of them is mostly empty, SQLite reads all payments for an `OR`."""
    numbers = (
        Payment.gateway_payment_id == term,
        Payment.gateway_intent_id == term,
        Payment.bank_reference == term.upper(),
    )
    return union_all(*(select(Payment.service_request_id).where(number) for number in numbers))


def _person(term: str) -> list[ColumnElement[bool]]:
    try:
        phone = parse_phone(term)
    except InvalidContact:
        words = sorted(name_words(term))
        return [_has_all(words)] if words else []
    return [REQUESTS.customer_phone_hash.in_(keyring.hashes(phone, "phone"))]


def _has_all(words: Sequence[str]) -> ColumnElement[bool]:
    """Requests whose customer's name has all the words."""
    first, *others = words
    if not others and _is_common(first):
        return select(NameWord.word_hash).where(_is_word(NameWord, first), _of_request(NameWord)).exists()
    found = select(NameWord.service_request_id).where(_is_word(NameWord, first))
    for word in others:
        again = aliased(NameWord)
        found = found.join(again, again.service_request_id == NameWord.service_request_id).where(_is_word(again, word))
    return REQUESTS.id.in_(found)


def _is_word(table: Any, word: str) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = table.word_hash.in_(keyring.hashes(word, "name"))
    return condition


def _of_request(table: Any) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = table.service_request_id == REQUESTS.id
    return condition


def _is_common(word: str) -> bool:
    """So many have it that one looks through the requests for it, instead of looking up all who have it.

    PostgreSQL knows how common a word is, and decides by itself.
    """
    if db.session.get_bind().dialect.name == "postgresql":
        return False
    some = select(NameWord.service_request_id).where(_is_word(NameWord, word)).limit(_COMMON).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) == _COMMON
