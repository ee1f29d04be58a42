"""Contact details have one canonical form, so that the same person is found again."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from app.kit.contact import InvalidContact, fold, format_phone, name_words, parse_email, parse_phone
from tests import strategies

FORMS = (
    PhoneNumberFormat.E164,
    PhoneNumberFormat.INTERNATIONAL,
    PhoneNumberFormat.NATIONAL,
    PhoneNumberFormat.RFC3966,
)
EXAMPLES = [
    (region, example)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in PhoneNumberType.values()
    if (example := phonenumbers.example_number_for_type(region, kind)) is not None
]


@given(email=strategies.emails())
def test_the_canonical_address_is_a_fixed_point(email):
    assert parse_email(email) == email
    assert parse_email(f"  {email}\n") == email


@given(email=st.emails())
def test_whatever_address_is_taken_stays_as_it_is_taken(email):
    try:
        canonical = parse_email(email)
    except InvalidContact:
        return
    assert parse_email(canonical) == canonical


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("Kavya.Iyer@Example.ORG", "Kavya.Iyer@example.org"),
        (" name+tag@example.co.in ", "name+tag@example.co.in"),
    ],
)
def test_addresses_are_read(typed, canonical):
    assert parse_email(typed) == canonical


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "name",
        "name@",
        "@example.com",
        "a b@example.com",
        "a@b",
        "a@@example.com",
        "a@example..com",
        "a@-b.com",
        "a\n@example.com",
        "<a@example.com>",
        f"{'a' * 65}@example.com",
        f"a@{'b' * 250}.com",
    ],
)
def test_what_is_no_address_is_refused_in_words(typed):
    with pytest.raises(InvalidContact, match=r"name@example\.com"):
        parse_email(typed)


@given(example=st.sampled_from(EXAMPLES), form=st.sampled_from(FORMS))
def test_a_number_of_any_country_in_any_form_has_one_canonical_form(example, form):
    region, number = example
    canonical = parse_phone(phonenumbers.format_number(number, form), region)
    assert canonical == phonenumbers.format_number(number, PhoneNumberFormat.E164)
    assert parse_phone(canonical) == canonical
    assert parse_phone(format_phone(canonical)) == canonical


@pytest.mark.parametrize(
    "typed", ["98765 43210", "098765-43210", "+91 98765 43210", "0091 9876543210", "(+91) 98765.43210", "९८७६५४३२१०"]
)
def test_indian_numbers_are_read_however_they_are_written(typed):
    assert parse_phone(typed) == "+919876543210"


@pytest.mark.parametrize("typed", ["", "12345", "phone", "98765 4321", "+91 98765 43210 ext. 5", "9" * 300, "+999123"])
def test_what_is_no_number_is_refused_in_words(typed):
    with pytest.raises(InvalidContact, match="phone number"):
        parse_phone(typed)


@given(text=st.text(max_size=300))
def test_whatever_is_typed_is_read_or_refused(text):
    for parse in (parse_email, parse_phone):
        try:
            parsed = parse(text)
        except InvalidContact:
            continue
        assert parse(parsed) == parsed


@given(text=st.text(max_size=60))
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Kavya Iyer", {"kavya", "iyer"}),
        ("  José  ÑANDÚ ", {"jose", "nandu"}),
        ("D'Souza-Smith, Jr.", {"d", "souza", "smith", "jr"}),
        ("Straße", {"strasse"}),
        ("İpek", {"ipek"}),
        ("कविता आयर", {"कविता", "आयर"}),
        ("தமிழ் செல்வி", {"தமிழ", "செலவி"}),
        ("क्\u200dषमा", {"कषमा"}),
        ("محمّد علی", {"محمد", "علی"}),
        ("刘 德华", {"刘", "德华"}),
        ("R2 D2", {"r2", "d2"}),
        ("!!! ---", set()),
        ("", set()),
    ],
)
def test_a_name_is_searched_by_its_words_in_any_script(name, words):
    assert name_words(name) == {fold(word) for word in words}


@given(name=strategies.names())
def test_a_name_typed_without_accents_or_in_capitals_is_the_same_name(name):
    assert name_words(name.upper().lower()) == name_words(name.upper())
    assert name_words(fold(name)) == name_words(name)


@given(words=st.lists(st.text(st.characters(categories=["L"]), min_size=1, max_size=10), min_size=1, max_size=4))
def test_every_word_of_a_name_is_found_by_itself(words):
    every = name_words(" ".join(words))
    assert all(name_words(word) <= every for word in words)


def test_an_address_that_common_mail_servers_cannot_take_is_refused_at_once():
    with pytest.raises(InvalidContact):
        parse_email("कविता@example.org")
    assert parse_email("kavita@उदाहरण.भारत").startswith("kavita@")
