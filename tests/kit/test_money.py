"""Money is exact, rounds in one place, and is written with its currency."""

from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from babel.numbers import get_currency_symbol
from hypothesis import assume, example, given
from hypothesis import strategies as st

from app.kit.money import (
    BASIS_POINTS,
    Money,
    exponent,
    format_percent,
    known_currencies,
    parse_amount,
    parse_percent,
    parse_typed,
)

LOCALES = ("en_IN", "hi_IN", "en_US", "de_DE", "fr_FR", "ja_JP", "ar_EG", "pt_BR", "de_CH", "he_IL", "ta_IN")
# What the database's column can hold.
minors = st.integers(-(2**63), 2**63 - 1)
currencies = st.sampled_from(sorted(known_currencies()))
moneys = st.builds(Money, minors, currencies)


def rounded_half_away_from_zero(value: Fraction) -> int:
    size = floor(abs(value) + Fraction(1, 2))
    return size if value >= 0 else -size


@given(money=moneys, basis_points=st.integers(0, BASIS_POINTS))
@example(money=Money(1, "INR"), basis_points=5_000)
@example(money=Money(-1, "INR"), basis_points=5_000)
@example(money=Money(99_999, "INR"), basis_points=750)
def test_a_share_is_rounded_half_up_and_only_once(money, basis_points):
    exact = Fraction(money.minor) * basis_points / BASIS_POINTS
    assert money.share(basis_points) == Money(rounded_half_away_from_zero(exact), money.currency)


@given(money=moneys, basis_points=st.integers(0, BASIS_POINTS))
def test_a_share_given_back_nets_to_zero(money, basis_points):
    assert money.share(basis_points) + (-money).share(basis_points) == Money(0, money.currency)


@pytest.mark.property(2)
@given(money=moneys, locale=st.sampled_from(LOCALES))
def test_a_price_is_written_with_the_symbol_of_its_currency(money, locale):
    assert get_currency_symbol(money.currency, locale) in money.format(locale)


@pytest.mark.parametrize(
    ("money", "written"),
    [
        (Money(12_345_600, "INR"), "₹1,23,456.00"),
        (Money(5, "INR"), "₹0.05"),
        (Money(-123_456, "INR"), "-₹1,234.56"),
        (Money(123_456, "JPY"), "JP¥1,23,456"),
        (Money(1_234_567, "KWD"), "KWD1,234.567"),
    ],
)
def test_amounts_are_written_as_in_india(money, written):
    assert money.format("en_IN") == written


@pytest.mark.parametrize(("currency", "decimals"), [("INR", 2), ("USD", 2), ("JPY", 0), ("KWD", 3)])
def test_each_currency_has_its_own_number_of_decimals(currency, decimals):
    assert exponent(currency) == decimals
    assert Money(10**decimals, currency).decimal == Decimal(1)


@given(money=st.builds(Money, st.integers(), currencies))
def test_the_decimal_is_exact_whatever_its_size(money):
    assert Fraction(money.decimal) == Fraction(money.minor, 10 ** exponent(money.currency))


@pytest.mark.parametrize("minor", [1.0, 0.1, True, "100", Decimal(1), None])
def test_only_an_integer_is_an_amount(minor):
    with pytest.raises(TypeError):
        Money(minor, "INR")


@given(money=moneys, factor=st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_cannot_come_in_by_a_share(money, factor):
    assume(abs(factor) < 1e300)
    with pytest.raises((TypeError, OverflowError)):
        money.share(factor)


@pytest.mark.parametrize("currency", ["", "inr", "RUPEE", "ZZZ", "₹"])
def test_an_unknown_currency_is_refused(currency):
    with pytest.raises(ValueError, match="unknown currency"):
        Money(1, currency)


@given(a=minors, b=minors)
def test_two_currencies_do_not_mix(a, b):
    rupees, dollars = Money(a, "INR"), Money(b, "USD")
    assert rupees != dollars
    for mix in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__, Money.__gt__, Money.__ge__):
        with pytest.raises(ValueError, match="cannot mix"):
            mix(rupees, dollars)


@given(a=minors, b=minors, currency=currencies)
def test_sums_and_comparisons_are_those_of_the_minor_units(a, b, currency):
    first, second = Money(a, currency), Money(b, currency)
    assert (first + second).minor == a + b
    assert (first - second).minor == a - b
    comparisons = (first < second, first <= second, first > second, first >= second, first == second, bool(first))
    assert comparisons == (a < b, a <= b, a > b, a >= b, a == b, a != 0)


@given(money=moneys)
def test_a_written_amount_is_read_as_what_it_was(money):
    assert parse_amount(f"  {money.decimal:f} ", money.currency) == money


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("4,999.00", "INR", 499_900),
        ("1,23,456.5", "INR", 12_345_650),
        ("1,234,567", "INR", 123_456_700),
        ("0.10", "INR", 10),
        ("-0.05", "INR", -5),
        ("1.5000", "INR", 150),
        ("500", "JPY", 500),
        ("500.0", "JPY", 500),
        ("1.234", "KWD", 1_234),
        ("12345678901234567890123456789012.34", "INR", 1234567890123456789012345678901234),
    ],
)
def test_amounts_people_type_are_read_exactly(text, currency, minor):
    assert parse_amount(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    ["", " ", "abc", "1e3", "1_000", "4,99", "1,5", ",5", "5,", ".5", "5.", "1.2.3", "--5", "NaN", "Infinity", "1 000"],
)
def test_what_is_no_plain_amount_is_refused_rather_than_guessed(text):
    with pytest.raises(ValueError, match="is not an amount"):
        parse_amount(text, "INR")


@pytest.mark.parametrize(
    ("text", "currency"),
    [("1.005", "INR"), ("1.0000000000000000000000000000000001", "INR"), ("1.5", "JPY"), ("1.2345", "KWD")],
)
def test_more_decimals_than_the_currency_has_are_refused(text, currency):
    with pytest.raises(ValueError, match="more decimals"):
        parse_amount(text, currency)


@given(text=st.text(st.sampled_from("0123456789,.-+eE_ ₹"), max_size=20))
def test_whatever_is_typed_gives_an_amount_or_a_refusal(text):
    try:
        money = parse_amount(text, "INR")
    except ValueError:
        return
    assert money.decimal == Decimal(text.strip().replace(",", ""))


@pytest.mark.parametrize(
    ("text", "basis_points"),
    [("10", 1000), ("7.5", 750), ("7,25 %", 725), ("0", 0), ("100%", 10_000), (" 12.05 ", 1205)],
)
def test_percentages_people_type_are_read_exactly(text, basis_points):
    assert parse_percent(text) == basis_points


@pytest.mark.parametrize("text", ["", "abc", "-1", "100.01", "7.555", "1e1", ".5", "5.", "1.2.3", "١٠", "7.5 percent"])
def test_what_is_no_percentage_is_refused(text):
    with pytest.raises(ValueError, match=r"percentage|more than everything"):
        parse_percent(text)


@given(basis_points=st.integers(0, 10_000))
def test_a_written_percentage_is_read_as_what_it_was(basis_points):
    assert parse_percent(format_percent(basis_points)) == basis_points


@given(st.sampled_from(["INR", "USD", "EUR", "GBP", "JPY", "KWD"]), st.integers(-(10**9), 10**9))
def test_an_amount_copied_from_a_page_is_read_as_it_was_shown(currency, minor):
    money = Money(minor, currency)
    assert parse_typed(f"{currency} {money.decimal:f}", currency) == money
    if minor >= 0:
        assert parse_typed(money.format("en_IN"), currency) == money


@pytest.mark.parametrize("text", ["$5", "USD 5", "₹", "₹ five", "5 ₹ 6"])
def test_the_sign_of_another_currency_is_no_sign_of_this_one(text):
    with pytest.raises(ValueError, match="is not an amount"):
        parse_typed(text, "INR")
