"""Lines: nothing of a text is lost, each fits, and what is read from the right stands that way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit import setting

ARABIC, HEBREW = "محمد علي", "שלום"


@given(text=st.text(max_size=60), most=st.integers(1, 20))
def test_every_line_fits_and_nothing_is_lost(text: str, most: int) -> None:
    lines = list(setting.broken(text, lambda line: len(line) <= most))
    assert lines
    assert all(len(line) <= most for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_lines_break_between_words_where_they_can() -> None:
    assert list(setting.broken("one two  three elevenletters x", lambda line: len(line) <= 7)) == [
        "one two",
        "three",
        "elevenl",
        "etters",
        "x",
    ]


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("Asha Rao (Ltd) 12.5", "Asha Rao (Ltd) 12.5"),
        ("आशा राव", "आशा राव"),
        (HEBREW, HEBREW[::-1]),
        (ARABIC, ARABIC[::-1]),
        (f"Ali {HEBREW} x", f"Ali {HEBREW[::-1]} x"),
        (f"{HEBREW} Ali Bey", f"Ali Bey {HEBREW[::-1]}"),
        (f"{HEBREW} 12.5", f"12.5 {HEBREW[::-1]}"),
        (f"a {HEBREW} 12 {HEBREW} b", f"a {HEBREW[::-1]} 12 {HEBREW[::-1]} b"),
        (f"({HEBREW})", f"({HEBREW[::-1]})"),
    ],
)
def test_what_is_read_from_the_right_stands_that_way(line: str, seen: str) -> None:
    assert setting.as_seen(line) == seen


@given(line=st.text())
def test_every_letter_stays_or_is_mirrored(line: str) -> None:
    plain = str.maketrans(")]}>»", "([{<«")
    assert sorted(setting.as_seen(line).translate(plain)) == sorted(line.translate(plain))
