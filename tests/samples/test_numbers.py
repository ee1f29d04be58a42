"""Keys and reference numbers made in bulk are of the very form that the live service makes."""

from collections.abc import Callable
from random import Random
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.kit import ids
from app.samples import numbers

moments = st.integers(min_value=0, max_value=4_000_000_000_000_000)
randoms = st.randoms(use_true_random=False)


def bits_of(random: Random) -> Callable[[int], int]:
    return random.getrandbits


@given(random=randoms)
def test_a_reference_number_reads_as_one(random):
    reference = numbers.reference_number(bits_of(random))
    assert ids.parse_reference_number(reference) == reference


@given(at=moments, random=randoms, number=st.integers(0, 200))
def test_a_key_is_a_uuid_of_version_7_and_of_its_moment(at, random, number):
    key = UUID(int=numbers.key_at(at, numbers.draw_tail(bits_of(random)), number))
    assert (key.version, key.variant) == (7, ids.new_id().variant)
    assert key.int >> 80 == at // 1000
    assert numbers.dashed(key.int) == str(key)


@given(at=moments, random=randoms)
def test_the_keys_of_one_request_differ(at, random):
    tail = numbers.draw_tail(bits_of(random))
    assert len({numbers.key_at(at, tail, number) for number in range(200)}) == 200
