"""PDFs: a reader that nobody here wrote finds in them what was written."""

import io
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from app.kit.pdf import Document
from app.kit.typefaces import Typeface
from tests.cut_fonts import FONTS

MADE_AT = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
BLACK = (0, 0, 0)
FACE = Typeface(FONTS / "DejaVuSans.zip", FONTS / "Lohit-Devanagari.zip")


def written(*lines: str, title: str = "Receipt") -> bytes:
    document = Document(title=title, made_at=MADE_AT)
    for number, line in enumerate(lines, start=1):
        document.write(line, FACE, at=(50, 40 * number), size=10, colour=BLACK)
    return document.as_bytes()


def read(content: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(content), strict=True)


@settings(max_examples=25)
@given(text=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x17F, exclude_categories=["C", "Z"]), min_size=1))
def test_text_can_be_read_back(text: str) -> None:
    assert "".join(read(written(text)).pages[0].extract_text().split()) == text


def test_scripts_of_several_fonts_stand_on_one_line() -> None:
    assert read(written("Zoë Иван Ελένη आशा ₹5")).pages[0].extract_text() == "Zoë Иван Ελένη आशा ₹5"


def test_what_no_font_has_is_read_as_missing() -> None:
    assert read(written("a李b")).pages[0].extract_text() == "a\ufffdb"


def test_pages_title_and_time_are_told() -> None:
    document = Document(title="(Beleg) №1", made_at=MADE_AT)
    document.rule(at=(10, 10), length=100, colour=BLACK)
    document.begin_page()
    document.write("second", FACE, at=(50, 50), size=10, colour=BLACK)
    reader = read(document.as_bytes())
    assert [page.extract_text() for page in reader.pages] == ["", "second"]
    assert reader.metadata is not None
    assert (reader.metadata.title, reader.metadata.creation_date) == ("(Beleg) №1", MADE_AT)


def test_the_same_is_written_the_same() -> None:
    assert written("one", "two") == written("one", "two")
    assert written("one") != written("two")
