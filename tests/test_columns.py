"""What goes into a column comes out the same, and stands in the database as promised."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text, insert, select, type_coerce
from sqlalchemy.exc import StatementError

from app.columns import EnumText, Sealed, SealedBytes, SealedJson, UtcDateTime, keyring
from app.db import db
from app.kit.crypto import CannotOpen
from app.models import Category, Role

samples = Table(
    "column_samples",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("moment", UtcDateTime),
    Column("text", Sealed("samples.text")),
    Column("bytes", SealedBytes("samples.bytes")),
    Column("object", SealedJson("samples.object")),
    Column("category", EnumText(Category)),
)
texts = st.text(st.characters(exclude_categories=["Cs"]))
objects = st.dictionaries(texts, st.none() | st.booleans() | st.integers() | texts | st.lists(texts), max_size=5)
aware = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.timezones())  # noqa: DTZ001


@pytest.fixture
def connection(app):
    """A table of the test's own, that the roll-back takes away."""
    with app.app_context(), db.engine.connect() as connection:
        samples.create(connection)
        yield connection
        connection.rollback()


def store(connection, **values):
    return connection.execute(insert(samples).values(**values).returning(samples.c.id)).scalar_one()


def load(connection, key, *columns):
    return connection.execute(select(*columns).where(samples.c.id == key)).one()


def stored(connection, key, column):
    """As it stands in the database."""
    return bytes(load(connection, key, type_coerce(column, LargeBinary))[0])


@given(moment=aware)
def test_a_time_comes_back_as_the_same_instant_in_utc(connection, moment):
    (loaded,) = load(connection, store(connection, moment=moment), samples.c.moment)
    assert loaded == moment.astimezone(UTC)
    assert loaded.tzinfo is UTC


@given(pair=st.tuples(aware, aware))
def test_times_are_compared_as_instants(connection, pair):
    first, second = (moment.astimezone(UTC) for moment in pair)
    key = store(connection, moment=first)
    assert load(connection, key, samples.c.moment < second)[0] == (first < second)


def test_a_time_without_a_zone_is_refused(connection):
    with pytest.raises(StatementError, match="without a time zone"):
        store(connection, moment=datetime(2026, 1, 1))  # noqa: DTZ001


@given(text=texts)
def test_sealed_text_comes_back_and_is_not_seen(connection, text):
    key = store(connection, text=text)
    assert load(connection, key, samples.c.text) == (text,)
    sealed = stored(connection, key, samples.c.text)
    assert keyring.open(sealed, "samples.text") == text.encode()
    assert len(text) < 4 or text.encode() not in sealed


@given(content=st.binary(max_size=200))
def test_sealed_bytes_come_back(connection, content):
    assert load(connection, store(connection, bytes=content), samples.c.bytes) == (content,)


@given(content=objects)
def test_a_sealed_object_comes_back(connection, content):
    assert load(connection, store(connection, object=content), samples.c.object) == (content,)


def test_nothing_stays_nothing(connection):
    columns = [samples.c.moment, samples.c.text, samples.c.bytes, samples.c.object, samples.c.category]
    key = store(connection, moment=None)
    assert load(connection, key, *columns) == (None,) * 5


def test_a_value_moved_to_another_column_does_not_open(connection):
    key = store(connection, text="Kavya")
    sealed = stored(connection, key, samples.c.text)
    moved = store(connection, bytes=b"")
    connection.execute(samples.update().where(samples.c.id == moved).values(bytes=type_coerce(sealed, LargeBinary)))
    with pytest.raises(CannotOpen, match=r"samples\.bytes"):
        load(connection, moved, samples.c.bytes)


@pytest.mark.parametrize("category", list(Category))
def test_an_enum_is_stored_by_its_value(connection, category):
    key = store(connection, category=category)
    assert load(connection, key, samples.c.category)[0] is category
    assert load(connection, key, type_coerce(samples.c.category, Text)) == (category.value,)
    assert load(connection, store(connection, category=category.value), samples.c.category)[0] is category


@pytest.mark.parametrize("value", ["LEGAL", "", "unknown", Role.ADMIN])
def test_a_value_that_is_no_member_is_refused(connection, value):
    with pytest.raises(StatementError, match="is not a valid Category"):
        store(connection, category=value)
