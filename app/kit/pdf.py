"""Writes simple documents in PDF (ISO 32000-1): lines of text and rules, on A4.

Fonts go in as they are, so a page costs little more than copying them; the same page gives the same bytes.
"""

import hashlib
import zlib
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby

from app.kit.typefaces import Piece, Typeface

WIDTH, HEIGHT = 595.28, 841.89
"""Points, as all measures here; places are counted from the upper left corner."""

Colour = tuple[int, int, int]
Place = tuple[float, float]

_CATALOG, _PAGES, _ABOUT, _FONTS = 1, 2, 3, 4
_UNKNOWN = "\ufffd"


class Document:
    """Written on page by page; what is in it may come from anybody, it is text and never more."""

    def __init__(self, *, title: str, made_at: datetime) -> None:
        self._title, self._made_at = title, made_at
        self._names: dict[Piece, str] = {}
        self._pages: list[list[str]] = [[]]

    def begin_page(self) -> None:
        self._pages.append([])

    def write(self, text: str, face: Typeface, *, at: Place, size: int, colour: Colour) -> None:
        """One line of text; `at` is where it begins, on its foot."""
        left, foot = at
        parts = [f"BT {_shares(colour)} rg {left:.2f} {HEIGHT - foot:.2f} Td"]
        for piece, glyphs in groupby(face.glyphs(text), lambda glyph: glyph.piece):
            name = self._names.setdefault(piece, f"F{len(self._names) + 1}")
            parts.append(f"/{name} {size} Tf <{''.join([glyph.code for glyph in glyphs])}> Tj")
        self._pages[-1].append(" ".join((*parts, "ET")))

    def rule(self, *, at: Place, length: float, colour: Colour) -> None:
        left, height = at[0], HEIGHT - at[1]
        line = f"{left:.2f} {height:.2f} m {left + length:.2f} {height:.2f} l S"
        self._pages[-1].append(f"{_shares(colour)} RG 0.57 w {line}")

    def as_bytes(self) -> bytes:
        file = _File(reserved=_FONTS)
        fonts = " ".join(f"/{name} {_add_font(file, piece)} 0 R" for piece, name in self._names.items())
        pages = [self._add_page(file, "\n".join(page)) for page in self._pages]
        file.put(_CATALOG, f"<< /Type /Catalog /Pages {_PAGES} 0 R >>")
        file.put(_PAGES, f"<< /Type /Pages /Kids [{' '.join(f'{page} 0 R' for page in pages)}] /Count {len(pages)} >>")
        made_at = self._made_at.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ")
        file.put(_ABOUT, f"<< /Title <feff{self._title.encode('utf-16-be').hex()}> /CreationDate ({made_at}) >>")
        file.put(_FONTS, f"<< {fonts} >>")
        return file.as_bytes()

    def _add_page(self, file: "_File", content: str) -> int:
        stream = file.add(_stream(content.encode("ascii")))
        box, means = f"[0 0 {WIDTH} {HEIGHT}]", f"<< /Font {_FONTS} 0 R >>"
        return file.add(
            f"<< /Type /Page /Parent {_PAGES} 0 R /MediaBox {box} /Resources {means} /Contents {stream} 0 R >>".encode()
        )


class _File:
    """Numbered objects, and the table at the end that says where each begins."""

    def __init__(self, *, reserved: int) -> None:
        self._objects = [b""] * reserved

    def add(self, content: bytes) -> int:
        self._objects.append(content)
        return len(self._objects)

    def put(self, number: int, content: str) -> None:
        self._objects[number - 1] = content.encode("ascii")

    def as_bytes(self) -> bytes:
        parts, places, end = [b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"], [], 0
        for number, content in enumerate(self._objects, start=1):
            end += len(parts[-1])
            places.append(end)
            parts.append(b"%d 0 obj\n%b\nendobj\n" % (number, content))
        body = b"".join(parts)
        return body + self._table(places, start=len(body), name=hashlib.sha256(body).hexdigest()[:32])

    def _table(self, places: list[int], *, start: int, name: str) -> bytes:
        entries = "".join(f"{place:010} 00000 n \n" for place in places)
        size = len(places) + 1
        about = f"/Size {size} /Root {_CATALOG} 0 R /Info {_ABOUT} 0 R /ID [<{name}> <{name}>]"
        table = f"xref\n0 {size}\n0000000000 65535 f \n{entries}trailer\n<< {about} >>\nstartxref\n{start}\n%%EOF\n"
        return table.encode("ascii")


def _add_font(file: _File, piece: Piece) -> int:
    """The font, what it measures, its program and which letters its glyphs are."""
    program, letters = _streams(piece)
    measures = (
        f"/Flags 4 /FontBBox [{' '.join(map(str, piece.box))}] /ItalicAngle 0 /Ascent {piece.ascent} "
        f"/Descent {piece.descent} /CapHeight {piece.ascent} /StemV 80 /FontFile2 {file.add(program)} 0 R"
    )
    descriptor = file.add(f"<< /Type /FontDescriptor /FontName /{piece.name} {measures} >>".encode("ascii"))
    system = "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /CIDToGIDMap /Identity"
    widths = f"/FontDescriptor {descriptor} 0 R /W [0 [{' '.join(map(str, piece.widths))}]]"
    inner = file.add(
        f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{piece.name} {system} {widths} >>".encode("ascii")
    )
    outer = f"/Encoding /Identity-H /DescendantFonts [{inner} 0 R] /ToUnicode {file.add(letters)} 0 R"
    return file.add(f"<< /Type /Font /Subtype /Type0 /BaseFont /{piece.name} {outer} >>".encode("ascii"))


@lru_cache(maxsize=256)
def _streams(piece: Piece) -> tuple[bytes, bytes]:
    """What of a font is the same in every document, and takes a while to compress."""
    return _stream(piece.program, f"/Length1 {len(piece.program)}"), _stream(_letters(piece).encode("ascii"))


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


def _stream(content: bytes, more: str = "") -> bytes:
    packed = zlib.compress(content, 9)
    return f"<< /Length {len(packed)} /Filter /FlateDecode {more}>>\nstream\n".encode("ascii") + packed + b"\nendstream"


@lru_cache(maxsize=64)
def _shares(colour: Colour) -> str:
    return " ".join(f"{part / 255:.4f}" for part in colour)
