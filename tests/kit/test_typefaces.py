"""The pieces of a typeface hold what the whole fonts hold, and measure the same."""

import pytest
from fontTools.ttLib import TTFont

from app.kit.typefaces import PIECE_BITS, Typeface
from tests.cut_fonts import FONTS, NAMES

LOHIT = FONTS / "Lohit-Devanagari.zip"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_was_lost_in_cutting(name: str) -> None:
    face = Typeface(FONTS / f"{name}.zip")
    with TTFont(FONTS / "whole" / f"{name}.ttf") as whole:
        for code, glyph in whole.getBestCmap().items():
            found = face.glyphs(chr(code))[0]
            assert found.code != "0000", hex(code)
            assert found.width == round(whole["hmtx"][glyph][0] * 1000 / whole["head"].unitsPerEm), hex(code)


def test_what_the_first_font_lacks_comes_from_the_next() -> None:
    face = Typeface(FONTS / "DejaVuSans.zip", LOHIT)
    assert [glyph.piece.name for glyph in face.glyphs("aяआ")] == [
        "DejaVuSans-0000",
        f"DejaVuSans-{ord('я') >> PIECE_BITS:04X}",
        f"Lohit-Devanagari-{ord('आ') >> PIECE_BITS:04X}",
    ]


def test_what_no_font_has_is_shown_as_missing_and_not_remembered() -> None:
    face = Typeface(FONTS / "DejaVuSans.zip", LOHIT)
    assert {glyph.code for glyph in face.glyphs("李小龙\x00\udfff")} == {"0000"}
    assert face.glyphs("李")[0] is not face.glyphs("李")[0]


def test_what_nearly_every_receipt_has_is_one_piece() -> None:
    letters = "".join(map(chr, range(0x20, 0x7F))) + "€₹–—’\u00a0"
    assert {glyph.piece.name for glyph in Typeface(FONTS / "DejaVuSans.zip").glyphs(letters)} == {"DejaVuSans-0000"}
