"""Typefaces to set documents in: which glyph a character has, how wide it is, and the font that brings it.

A typeface is an archive of TrueType fonts, each with a stretch of Unicode and its measures beside it
(`tests/cut_fonts.py` makes them), so that a document carries no more than the stretches it uses, ready as they are.
"""

import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

PIECE_BITS = 7
"""A piece holds the characters that agree but for so many bits; the first holds some common ones besides."""

_MISSING = 0
"""The glyph of every font for what it does not have."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One font program. Its measures are in thousandths of the size."""

    name: str
    program: bytes
    glyphs: dict[int, int]
    """By code point."""
    widths: tuple[int, ...]
    """By glyph."""
    box: tuple[int, ...]
    ascent: int
    descent: int


class Glyph(NamedTuple):
    piece: Piece
    code: str
    """Its number, in four hexadecimal digits."""
    width: int


class Typeface:
    """Takes what the first archive lacks from the next; what none has is shown as missing."""

    def __init__(self, *archives: Path) -> None:
        self._archives = [_Archive(path) for path in archives]
        self._known: dict[str, Glyph] = {}

    def glyphs(self, text: str) -> list[Glyph]:
        known = self._known
        return [known.get(letter) or self._find(letter) for letter in text]

    def width(self, text: str) -> int:
        return sum([glyph.width for glyph in self.glyphs(text)])

    def _find(self, letter: str) -> Glyph:
        code = ord(letter)
        for piece in self._pieces(code):
            number = piece.glyphs.get(code)
            if number is not None:
                return self._known.setdefault(letter, _glyph(piece, number))
        # Not kept: there are a million of them, and others choose which come.
        return _glyph(self._archives[0].piece(0), _MISSING)

    def _pieces(self, code: int) -> Iterable[Piece]:
        for archive in self._archives:
            yield archive.piece(0)
            if code >> PIECE_BITS in archive.numbers:
                yield archive.piece(code >> PIECE_BITS)


def _glyph(piece: Piece, number: int) -> Glyph:
    return Glyph(piece, f"{number:04x}", piece.widths[number])


class _Archive:
    """Opened when something is set in it for the first time; what was read is kept."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pieces: dict[int, Piece] = {}
        self._lock = Lock()

    @cached_property
    def numbers(self) -> frozenset[int]:
        with zipfile.ZipFile(self._path) as file:
            return frozenset(int(Path(name).stem, 16) for name in file.namelist())

    def piece(self, number: int) -> Piece:
        with self._lock:
            if number not in self._pieces:
                with zipfile.ZipFile(self._path) as file:
                    program, measures = file.read(f"{number:04x}.ttf"), json.loads(file.read(f"{number:04x}.json"))
                self._pieces[number] = _made_of(f"{self._path.stem}-{number:04X}", program, measures)
            return self._pieces[number]


def _made_of(name: str, program: bytes, measures: dict[str, Any]) -> Piece:
    glyphs = {int(code): number for code, number in measures.pop("glyphs").items()}
    widths, box = tuple(measures.pop("widths")), tuple(measures.pop("box"))
    return Piece(name, program, glyphs, widths, box, **measures)
