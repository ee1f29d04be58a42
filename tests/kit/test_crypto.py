"""What is sealed opens for us, in its own column, unaltered; for nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.crypto import MINIMUM_SECRET_LENGTH, CannotOpen, Keyring

OLD, NEW, OTHER = (f"{name}-secret-0123456789-abcdefghijklmnop" for name in ("old", "new", "other"))
RING, ROTATED, STRANGER = Keyring([OLD]), Keyring([NEW, OLD]), Keyring([OTHER])
contexts = st.text(max_size=40)


@given(plain=st.binary(max_size=300), context=contexts)
def test_what_was_sealed_opens(plain, context):
    assert RING.open(RING.seal(plain, context), context) == plain


@given(plains=st.lists(st.binary(max_size=30)), context=contexts)
def test_many_open_as_each_would_whichever_key_sealed_them(plains, context):
    sealed = [(RING, ROTATED)[number % 2].seal(plain, context) for number, plain in enumerate(plains)]
    assert ROTATED.open_all(sealed, context) == plains


# Sealing the same twice gives something else: only names are the same in all processes that run tests.
@pytest.mark.parametrize(
    "wrong",
    [STRANGER.seal(b"x", "c"), RING.seal(b"x", "other"), b"", b"short"],
    ids=["a stranger's", "of another column", "empty", "short"],
)
def test_one_among_many_that_does_not_open_is_told_of_as_if_alone(wrong):
    with pytest.raises(CannotOpen) as alone:
        RING.open(wrong, "c")
    with pytest.raises(CannotOpen) as among:
        RING.open_all([RING.seal(b"x", "c"), wrong], "c")
    assert str(among.value) == str(alone.value)


@given(plain=st.binary(min_size=4, max_size=300), context=contexts)
def test_the_sealed_value_is_new_each_time_and_shows_nothing(plain, context):
    first, second = RING.seal(plain, context), RING.seal(plain, context)
    assert first != second
    assert plain not in first
    assert len(first) == len(plain) + 32


@given(plain=st.binary(max_size=100), mine=contexts, other=contexts)
def test_a_value_moved_to_another_column_does_not_open(plain, mine, other):
    if mine == other:
        other += "x"
    with pytest.raises(CannotOpen):
        RING.open(RING.seal(plain, mine), other)


@given(plain=st.binary(max_size=100))
def test_another_key_opens_nothing(plain):
    with pytest.raises(CannotOpen):
        STRANGER.open(RING.seal(plain, "c"), "c")


@given(plain=st.binary(max_size=60), mask=st.integers(1, 255))
def test_any_changed_byte_is_noticed(plain, mask):
    sealed = RING.seal(plain, "c")
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= mask
        with pytest.raises(CannotOpen):
            RING.open(bytes(altered), "c")


@given(plain=st.binary(max_size=60), more=st.binary(min_size=1, max_size=5))
def test_a_shortened_or_lengthened_value_is_noticed(plain, more):
    sealed = RING.seal(plain, "c")
    for altered in (*(sealed[:length] for length in range(len(sealed))), sealed + more):
        with pytest.raises(CannotOpen):
            RING.open(altered, "c")


@given(junk=st.binary(max_size=100))
def test_junk_cannot_be_opened(junk):
    with pytest.raises(CannotOpen):
        RING.open(RING.newest.key_id + junk, "c")


@given(plain=st.binary(max_size=100))
def test_after_a_rotation_the_old_key_still_opens_and_the_new_one_seals(plain):
    old, new = RING.seal(plain, "c"), ROTATED.seal(plain, "c")
    assert ROTATED.open(old, "c") == ROTATED.open(new, "c") == plain
    assert (ROTATED.is_current(old), ROTATED.is_current(new)) == (False, True)
    with pytest.raises(CannotOpen):
        RING.open(new, "c")


@given(value=st.text(max_size=50), context=contexts)
def test_a_hash_is_the_same_each_time_but_for_its_key_and_context(value, context):
    assert RING.hash(value, context) == RING.hash(value, context)
    different = {RING.hash(value, context), STRANGER.hash(value, context), RING.hash(value, context + "x")}
    assert len(different) == 3


@given(pair=st.lists(st.text(max_size=50), min_size=2, max_size=2, unique=True))
def test_different_values_do_not_meet(pair):
    assert RING.hash(pair[0], "email") != RING.hash(pair[1], "email")


@given(value=st.text(max_size=50))
def test_a_search_after_a_rotation_finds_old_rows_and_new_ones(value):
    assert ROTATED.hashes(value, "c") == [ROTATED.hash(value, "c"), RING.hash(value, "c")]
    assert ROTATED.hash(value, "c") == Keyring([NEW]).hash(value, "c")


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="at least 32"):
        Keyring(["x" * (MINIMUM_SECRET_LENGTH - 1)])


def test_without_a_key_nothing_is_sealed_hashed_or_opened():
    empty = Keyring()
    for attempt in (
        lambda: empty.seal(b"x", "c"),
        lambda: empty.hash("x", "c"),
        lambda: empty.open(RING.seal(b"x", "c"), "c"),
    ):
        with pytest.raises(CannotOpen):
            attempt()


def test_an_error_says_which_column_and_nothing_of_what_is_in_it():
    with pytest.raises(CannotOpen, match=r"^users\.name ") as raised:
        STRANGER.open(RING.seal(b"Kavya", "users.name"), "users.name")
    assert "Kavya" not in str(raised.value)
