"""Cells on their way into a spreadsheet and back, in every dialect that people save."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.spreadsheet import Unreadable, as_meant, cell, cells, decode, harmless, plain, read_rows

KNOWN = ("Service", "Price", "What is in it")
RISKY = st.text(alphabet="'=+-@ \t\r\nab", max_size=8)


@given(st.text(max_size=20) | RISKY)
def test_every_text_comes_back_as_it_went(text):
    assert as_meant(harmless(text)) == text.replace("\0", "")


@given(st.text(max_size=20) | RISKY)
def test_no_cell_begins_like_a_formula(text):
    assert not harmless(text).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@given(
    st.lists(st.text(max_size=20) | st.text(alphabet="',\"\r\n\0;= a", max_size=8) | st.none(), min_size=2, max_size=4)
)
def test_a_cell_is_written_as_the_standard_library_writes_it(values):
    written = io.StringIO(newline="")
    csv.writer(written).writerow([harmless(value) for value in values])
    assert ",".join(map(cell, values)) + "\r\n" == written.getvalue()


@given(
    st.lists(st.text(max_size=20))
    | st.lists(RISKY)
    | st.lists(st.text(alphabet="'=+-@ ab\t\v\x1c\u2028", max_size=4))
    | st.lists(st.text(alphabet="',\"\r\n\0= a", max_size=4))
)
def test_many_cells_are_written_as_each_would_be(texts):
    assert cells(texts) == list(map(cell, texts))


@given(st.lists(st.text(max_size=20), min_size=3, max_size=3), st.sampled_from([",", ";", "\t"]))
def test_every_dialect_is_told_by_its_headings(cells, delimiter):
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerows([KNOWN, [harmless(cell) for cell in cells]])
    found, rows = read_rows(stream.getvalue().replace("\0", ""), known=KNOWN)
    assert found == delimiter
    assert [as_meant(cell) for cell in rows[1]] == [cell.replace("\0", "") for cell in cells]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_read_with_and_without_its_mark(encoding):
    assert decode("Dienst,₹ कविता".encode(encoding)) == "Dienst,₹ कविता"


@pytest.mark.parametrize("content", [b"\xff", "Preis,€".encode("cp1252"), b"PK\x03\x04\xae\xff"])
def test_other_bytes_are_refused_with_what_to_do(content):
    with pytest.raises(Unreadable, match="CSV UTF-8"):
        decode(content)


def test_a_line_that_names_the_separator_is_passed_over():
    assert read_rows("sep=;\r\nService;Price\r\nA;1\r\n", known=KNOWN) == (";", [["Service", "Price"], ["A", "1"]])


def test_a_quotation_without_end_is_no_crash():
    assert read_rows('Service,Price\n"A,1\n', known=KNOWN)[1][1] == ["A,1\n"]
    with pytest.raises(Unreadable):
        read_rows("Service,Price\n" + "x" * 200_000, known=KNOWN)


@given(st.text(max_size=20))
def test_what_is_compared_stays_the_same_once_plain(text):
    assert plain(plain(text)) == plain(text)
