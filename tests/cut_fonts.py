"""`python -m tests.cut_fonts`: cuts the fonts of receipts into pieces small enough to go into every PDF as they are.

A piece holds 128 neighbouring characters, and the first one also what nearly every receipt has beside ASCII. Made
ahead, so that printing a receipt needs nothing but to copy a piece or two.
"""

import io
import json
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

from app.kit.typefaces import PIECE_BITS

FONTS = Path(__file__).parent.parent / "app" / "fonts"
NAMES = ("DejaVuSans", "DejaVuSans-Bold", "Lohit-Devanagari")
COMMON = "\u00a0–—‘’“”•…€₹−"
_TABLES = frozenset({"cmap", "glyf", "head", "hhea", "hmtx", "loca", "maxp"})
_MADE_AT = (1980, 1, 1, 0, 0, 0)


def main() -> None:
    for name in NAMES:
        (FONTS / f"{name}.zip").write_bytes(cut(name))


def cut(name: str) -> bytes:
    """The same bytes each time."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for number, codes in sorted(pieces(characters(name)).items()):
            program = _piece(name, codes)
            _add(file, f"{number:04x}.ttf", program)
            _add(file, f"{number:04x}.json", json.dumps(_measures(program), separators=(",", ":")).encode("ascii"))
    return archive.getvalue()


def _add(file: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _MADE_AT)
    entry.compress_type = zipfile.ZIP_DEFLATED
    file.writestr(entry, content)


def characters(name: str) -> list[int]:
    with _whole(name) as font:
        return sorted(font.getBestCmap())


def pieces(codes: Iterable[int]) -> dict[int, list[int]]:
    found = defaultdict(list)
    for code in codes:
        found[0 if chr(code) in COMMON else code >> PIECE_BITS].append(code)
    return found


def _piece(name: str, codes: list[int]) -> bytes:
    options = Options(hinting=False, layout_features=[], notdef_outline=True, recalc_timestamp=False)
    options.drop_tables += ["FFTM"]
    with _whole(name) as font:
        subsetter = Subsetter(options)
        subsetter.populate(unicodes=codes)
        subsetter.subset(font)
        for table in set(font.keys()) - _TABLES - {"GlyphOrder"}:
            del font[table]
        out = io.BytesIO()
        font.save(out, reorderTables=True)
    return out.getvalue()


def _measures(program: bytes) -> dict[str, object]:
    """What else a document says of a font: in thousandths of the size, glyphs by their code points."""
    with TTFont(io.BytesIO(program)) as font:
        head, lines, order = font["head"], font["hhea"], font.getGlyphOrder()

        def scaled(*measures: int) -> list[int]:
            return [round(measure * 1000 / head.unitsPerEm) for measure in measures]

        ascent, descent = scaled(lines.ascent, lines.descent)
        return {
            "glyphs": {code: font.getGlyphID(glyph) for code, glyph in font.getBestCmap().items()},
            "widths": scaled(*(font["hmtx"][glyph][0] for glyph in order)),
            "box": scaled(head.xMin, head.yMin, head.xMax, head.yMax),
            "ascent": ascent,
            "descent": descent,
        }


def _whole(name: str) -> TTFont:
    return TTFont(FONTS / "whole" / f"{name}.ttf", recalcTimestamp=False)


if __name__ == "__main__":
    main()
