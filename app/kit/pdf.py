"""Simple documents in PDF: lines of text and rules, on A4.

pydyf writes the file. Fonts go in as they are, so a page costs little more than copying them; the same page gives the
same bytes.
"""

import io
import zlib
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from operator import attrgetter

import pydyf

from app.kit.typefaces import Piece, Typeface

WIDTH, HEIGHT = 595.28, 841.89
"""Points, as all measures here; places are counted from the upper left corner."""

Colour = tuple[int, int, int]
Place = tuple[float, float]

_UNKNOWN = "\ufffd"
_piece_of = attrgetter("piece")


class Document:
    """Written on page by page; what is in it may come from anybody, it is text and never more."""

    def __init__(self, *, title: str, made_at: datetime) -> None:
        self._file = pydyf.PDF()
        self._file.info["Title"] = pydyf.String(title)
        self._file.info["CreationDate"] = pydyf.String(made_at.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ"))
        self._fonts = pydyf.Dictionary()
        self._names: dict[Piece, str] = {}
        self.begin_page()

    def begin_page(self) -> None:
        self._page = pydyf.Stream(compress=True)
        self._file.add_object(self._page)
        box = pydyf.Array([0, 0, WIDTH, HEIGHT])
        means = pydyf.Dictionary({"Font": self._fonts})
        about = {"Type": "/Page", "Parent": self._file.pages.reference, "MediaBox": box, "Resources": means}
        self._file.add_page(pydyf.Dictionary(about | {"Contents": self._page.reference}))

    def write(self, text: str, face: Typeface, *, at: Place, size: int, colour: Colour) -> None:
        """One line of text; `at` is where it begins, on its foot."""
        shown = [
            f"/{self._name(piece)} {size} Tf <{''.join([glyph.code for glyph in glyphs])}> Tj"
            for piece, glyphs in groupby(face.glyphs(text), _piece_of)
        ]
        # In one piece: step by step a receipt takes a fifth longer.
        self._page.stream.append(f"BT {_ink(colour)} {at[0]:.3f} {HEIGHT - at[1]:.3f} Td {' '.join(shown)} ET")

    def rule(self, *, at: Place, length: float, colour: Colour) -> None:
        left, height = at[0], HEIGHT - at[1]
        self._page.set_color_rgb(*_shares(colour), stroke=True)
        self._page.set_line_width(0.57)
        self._page.move_to(left, height)
        self._page.line_to(left + length, height)
        self._page.stroke()

    def as_bytes(self) -> bytes:
        """All of it. Nothing is written on it afterwards."""
        out = io.BytesIO()
        self._file.write(out)
        return out.getvalue()

    def _name(self, piece: Piece) -> str:
        if piece not in self._names:
            name = self._names[piece] = f"F{len(self._names) + 1}"
            self._fonts[name] = self._add_font(piece).reference
        return self._names[piece]

    def _add_font(self, piece: Piece) -> pydyf.Dictionary:
        """The font, what it measures, its program and which letters its glyphs are (ISO 32000-1, 9.7)."""
        program, letters = _packed(piece)
        descriptor = self._add({
            "Type": "/FontDescriptor", "FontName": f"/{piece.name}", "Flags": 4, "FontBBox": pydyf.Array(piece.box),
            "ItalicAngle": 0, "Ascent": piece.ascent, "Descent": piece.descent, "CapHeight": piece.ascent, "StemV": 80,
            "FontFile2": self._add_packed(program, Length1=len(piece.program)),
        })  # fmt: skip
        order = {"Registry": pydyf.String("Adobe"), "Ordering": pydyf.String("Identity"), "Supplement": 0}
        # In one piece: number by number they are a third of all that is written out.
        widths = f"[0 [{' '.join(map(str, piece.widths))}]]"
        inner = self._add({
            "Type": "/Font", "Subtype": "/CIDFontType2", "BaseFont": f"/{piece.name}", "W": widths,
            "FontDescriptor": descriptor.reference, "CIDSystemInfo": pydyf.Dictionary(order),
            "CIDToGIDMap": "/Identity",
        })  # fmt: skip
        return self._add({
            "Type": "/Font", "Subtype": "/Type0", "BaseFont": f"/{piece.name}", "Encoding": "/Identity-H",
            "DescendantFonts": pydyf.Array([inner.reference]), "ToUnicode": self._add_packed(letters),
        })  # fmt: skip

    def _add(self, values: dict[str, object]) -> pydyf.Dictionary:
        added = pydyf.Dictionary(values)
        self._file.add_object(added)
        return added

    def _add_packed(self, content: bytes, **extra: int) -> bytes:
        added = pydyf.Stream([content], {"Filter": "/FlateDecode", **extra})
        self._file.add_object(added)
        return bytes(added.reference)


@lru_cache(maxsize=256)
def _packed(piece: Piece) -> tuple[bytes, bytes]:
    """What of a font is the same in every document, and takes a while to compress."""
    return zlib.compress(piece.program, 9), zlib.compress(_letters(piece).encode("ascii"), 9)


def _letters(piece: Piece) -> str:
    letters = {number: chr(code) for code, number in piece.glyphs.items()} | {0: _UNKNOWN}
    lines = [f"<{number:04x}> <{letter.encode('utf-16-be').hex()}>" for number, letter in sorted(letters.items())]
    # No more than a hundred at once, says the standard.
    parts = [lines[first : first + 100] for first in range(0, len(lines), 100)]
    blocks = "\n".join("\n".join((f"{len(part)} beginbfchar", *part, "endbfchar")) for part in parts)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        f"1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n{blocks}\n"
        "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
    )


@lru_cache(maxsize=16)
def _ink(colour: Colour) -> str:
    return " ".join(f"{share:.4f}" for share in _shares(colour)) + " rg"


def _shares(colour: Colour) -> tuple[float, float, float]:
    red, green, blue = colour
    return red / 255, green / 255, blue / 255
