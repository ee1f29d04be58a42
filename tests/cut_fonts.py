"""`python -m tests.cut_fonts`: cuts the fonts of receipts into pieces small enough to go into every PDF as they are.

A piece holds 128 neighbouring characters, and the first one also what nearly every receipt has beside ASCII. Made
ahead, so that printing a receipt needs nothing but to copy a piece or two.
"""

import io
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable

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
            entry = zipfile.ZipInfo(f"{number:04x}.ttf", _MADE_AT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, _piece(name, codes))
    return archive.getvalue()


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
    with _whole(name) as font:
        subsetter = Subsetter(options)
        subsetter.populate(unicodes=codes)
        subsetter.subset(font)
        _keep_one_map(font, codes)
        for table in set(font.keys()) - _TABLES - {"GlyphOrder"}:
            del font[table]
        out = io.BytesIO()
        font.save(out, reorderTables=True)
    return out.getvalue()


def _keep_one_map(font: TTFont, codes: list[int]) -> None:
    """The plainest of all kinds of character maps, which is all that is read here."""
    names = font.getBestCmap()
    table = CmapSubtable.newSubtable(12)
    table.platformID, table.platEncID, table.language, table.reserved = 3, 10, 0, 0
    table.cmap = {code: names[code] for code in codes}
    font["cmap"] = newTable("cmap")
    font["cmap"].tableVersion, font["cmap"].tables = 0, [table]


def _whole(name: str) -> TTFont:
    return TTFont(FONTS / "whole" / f"{name}.ttf", recalcTimestamp=False)


if __name__ == "__main__":
    main()
