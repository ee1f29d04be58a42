"""What the words typed into the search may be, as conditions that indexes answer."""

from collections.abc import Sequence
from functools import cache
from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, FromClause, Select, Table, and_, false, literal, select, union_all

from app.columns import keyring
from app.db import db
from app.kit.contact import InvalidContact, fold, name_words, parse_phone
from app.kit.ids import parse_reference_number
from app.models import REQUESTS, NameWord, Payment
from app.workflows import payment_numbers

_SHORTEST_PREFIX = 5
_LONGEST_SEARCH = 200
_MOST_EXACT = 100
_MOST_JOINED = 4
"""Words of a name. A whole sentence may be pasted: in what order to join thirty tables takes a second to find out, and
SQLite joins no more than 64."""
_WORDS = cast(Table, NameWord.__table__)
WORD = _WORDS.alias("word")
"""The word that a search by name begins with: its rows stand in the order of the list, so that a page of them is read
without the rest, however common it is."""
OF_WORD: ColumnElement[bool] = WORD.c.service_request_id == REQUESTS.id
"""Stands in every query by name."""


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
    return [REQUESTS.id.in_(union_all(select(REQUESTS.id).where(exactly), _keys_of(person)))]


def _keys_of(person: list[ColumnElement[bool]]) -> Select[UUID]:
    """By name the last condition only joins the requests to their words, which know the keys themselves."""
    *of_words, last = person
    return select(WORD.c.service_request_id).where(*of_words) if of_words else select(REQUESTS.id).where(last)


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
    # None of them begins as numbers of phones do.
    if reference is None and (term.startswith("+") or not any(character.isdigit() for character in term)):
        return []
    keys = set(db.session.scalars(_of_payments(term).limit(_MOST_EXACT)))
    if reference is not None:
        # A name or number of twelve characters may be one by chance: once in 32 its check character fits.
        keys.update(db.session.scalars(select(REQUESTS.id).where(REQUESTS.reference_number == reference)))
    return sorted(keys)


def _of_payments(term: str) -> CompoundSelect[UUID]:
    """Each number asked for by itself: where one of them is mostly empty, SQLite reads all payments for an `OR`."""
    return union_all(*(select(Payment.service_request_id).where(each) for each in payment_numbers.of_payments(term)))


def _person(term: str) -> list[ColumnElement[bool]]:
    try:
        phone = parse_phone(term)
    except InvalidContact:
        words = sorted(name_words(term))
        return _has_all(words) if words else []
    return [REQUESTS.customer_phone_hash.in_(keyring.hashes(phone, "phone"))]


def _has_all(words: Sequence[str]) -> list[ColumnElement[bool]]:
    """Requests whose customer's name has all the words.

    Joined, and not looked up in a subquery: the first word's rows stand in the order of the list (`WORD`). The others
    are joined by their time too, as they stand in the index.
    """
    first, *others = words
    found = [_is_word(WORD, first)]
    for number, word in enumerate(others, start=2):
        again = _further(number)
        same = [again.c[name] == WORD.c[name] for name in ("created_at", "service_request_id")]
        wanted = and_(_is_word(again, word), *same)
        found.append(wanted if number <= _MOST_JOINED else _there_is(again, wanted))
    return [*found, OF_WORD]


def _there_is(table: FromClause, wanted: ColumnElement[bool]) -> ColumnElement[bool]:
    """Looked at for each row that has the words before. Not as EXISTS, of which a database makes a join again."""
    return select(literal(1)).select_from(table).where(wanted).correlate(WORD).scalar_subquery().is_not(None)


@cache
def _further(number: int) -> FromClause:
    """Kept: to make it takes as long as all the rest of a condition."""
    return _WORDS.alias(f"word_{number}")


def _is_word(table: FromClause, word: str) -> ColumnElement[bool]:
    newest, *older = keyring.hashes(word, "name")
    condition: ColumnElement[bool] = table.c.word_hash.in_([newest, *older]) if older else table.c.word_hash == newest
    return condition
