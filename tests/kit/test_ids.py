"""A reference number survives the telephone: slips are found, look-alikes are read."""

from itertools import pairwise, product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.ids import (
    ALPHABET,
    check_character,
    format_reference,
    is_mistyped_reference,
    new_id,
    new_reference_number,
    parse_id,
    parse_reference_number,
)

bodies = st.text(ALPHABET, min_size=11, max_size=11)
references = bodies.map(lambda body: format_reference(body + check_character(body)))
gaps = st.sampled_from(["", "-", " ", " - ", "–", "—", "\u2011", "\u2212", "\u00a0", "\t"])


def symbols_of(reference: str) -> str:
    return reference.removeprefix("SR").replace("-", "")


@pytest.mark.property(23)
def test_many_reference_numbers_are_all_different():
    assert len({new_reference_number() for _ in range(20_000)}) == 20_000


def test_every_place_but_the_check_character_takes_every_symbol():
    drawn = [symbols_of(new_reference_number()) for _ in range(2_000)]
    assert all({symbols[place] for symbols in drawn} == set(ALPHABET) for place in range(11))


@given(reference=references)
def test_what_is_made_is_read_as_it_is(reference):
    assert parse_reference_number(reference) == reference
    assert len(reference) == 17


@given(reference=references)
def test_every_wrong_character_in_every_place_is_found(reference):
    symbols = symbols_of(reference)
    for place, wrong in product(range(12), ALPHABET):
        slip = symbols[:place] + wrong + symbols[place + 1 :]
        assert (parse_reference_number(slip) is None) == (slip != symbols)


@given(reference=references)
def test_every_swap_of_neighbours_is_found_unless_their_values_differ_by_sixteen(reference):
    symbols = symbols_of(reference)
    for place, (left, right) in enumerate(pairwise(symbols)):
        swapped = symbols[:place] + right + left + symbols[place + 2 :]
        is_hidden = (ALPHABET.index(left) - ALPHABET.index(right)) % 16 == 0
        assert (parse_reference_number(swapped) is None) == (not is_hidden)


@given(reference=references)
def test_a_missing_or_doubled_character_is_found(reference):
    symbols = symbols_of(reference)
    for place in range(12):
        assert parse_reference_number(symbols[:place] + symbols[place + 1 :]) is None
        assert parse_reference_number(symbols[:place] + symbols[place] + symbols[place:]) is None


@st.composite
def written_by_people(draw):
    """A reference number, and one of the ways in which it comes back."""
    reference = draw(references)
    symbols = symbols_of(reference)
    lookalikes = {"1": "1IiLl", "0": "0Oo"}
    copied = "".join(draw(st.sampled_from(lookalikes.get(symbol, symbol + symbol.lower()))) for symbol in symbols)
    groups = [copied[0:4], copied[4:8], copied[8:12]]
    prefix = draw(st.sampled_from(["", "SR", "sr", "Sr"]))
    return reference, draw(gaps) + prefix + "".join(draw(gaps) + group for group in groups) + draw(gaps)


@given(pair=written_by_people())
def test_case_dashes_spaces_and_lookalikes_do_not_matter(pair):
    reference, typed = pair
    assert parse_reference_number(typed) == reference


@given(text=st.text(ALPHABET, min_size=10, max_size=10), gap=gaps.filter(bool))
def test_a_beginning_is_never_read_as_another_reference(text, gap):
    assert parse_reference_number(f"SR{gap}{text}") is None


@given(text=st.text(max_size=40) | st.text(ALPHABET + "ilou- SRsr", max_size=20))
def test_whatever_is_typed_reading_twice_is_reading_once(text):
    parsed = parse_reference_number(text)
    assert parsed is None or parse_reference_number(parsed) == parsed


@pytest.mark.parametrize(
    "text", ["", "SR-", "SR", "SR-UUUU-UUUU-UUUU", "SR-7K3M-9QXW-2HT", "SR-7K3M-9QXW-2HT!", "١" * 12]
)
def test_what_cannot_be_one_is_none(text):
    assert parse_reference_number(text) is None


@given(references, st.integers(0, 11), st.sampled_from(ALPHABET))
def test_a_whole_reference_with_one_wrong_character_is_told_from_a_right_one(reference, place, symbol):
    body = symbols_of(reference)
    typed = format_reference(body[:place] + symbol + body[place + 1 :])
    assert is_mistyped_reference(typed) == is_mistyped_reference(typed.lower()) == (symbol != body[place])


@pytest.mark.parametrize(
    "text", ["", "SR", "SR-7K3M", "Kavya Iyer", "kavya@example.org", "+91 98765 43210", "SRINIVASARAO"]
)
def test_what_is_no_whole_reference_is_no_mistyped_one(text):
    assert not is_mistyped_reference(text)


def test_keys_are_version_seven_unique_and_in_the_order_they_were_made():
    made = [new_id() for _ in range(10_000)]
    assert {key.version for key in made} == {7}
    assert made == sorted(set(made))


@given(key=st.uuids())
def test_an_id_is_read_back(key):
    assert parse_id(str(key)) == key


@given(text=st.text(max_size=60))
def test_an_address_with_anything_for_an_id_is_none_or_an_id(text):
    parsed = parse_id(text)
    assert parsed is None or isinstance(parsed, UUID)
