"""Texts on their way into spreadsheets and back: no cell is a program, and each comes back as it went."""

import csv
import io
import re
from collections.abc import Collection, Sequence

# What a spreadsheet would run, also behind spaces; and what would be taken for our own mark in front of such.
_RISKY = re.compile(r"[ ']*[=+\-@\t\r\n]")
_QUOTED = re.compile(r'[",\r\n]')
# The same at the start of a line.
_RISKY_LINE = re.compile(r"\n(?=[ ']*[=+\-@\t])")
_DELIMITERS = (",", ";", "\t")
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class Unreadable(ValueError):
    """The message is written for the person who has the file."""


def harmless(value: object) -> str:
    """The value as a cell's text; one that a spreadsheet would run begins with an apostrophe instead."""
    text = "" if value is None else str(value).replace("\0", "")
    return f"'{text}" if _RISKY.match(text) else text


def cell(value: object) -> str:
    """The value between two commas of a line: what the `csv` module writes of its harmless text, but sooner."""
    text = harmless(value)
    if _QUOTED.search(text) is None:
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def cells(texts: Sequence[str]) -> list[str]:
    """The `cell` of each, for many that hardly ever need quotes: looked through as lines of one text."""
    lines = _RISKY_LINE.sub("\n'", "\n".join(("", *texts)))
    found = lines.split("\n")[1:]
    if len(found) > len(texts) or any(odd in lines for odd in '",\r\0'):
        return list(map(cell, texts))
    return found


def as_meant(text: str) -> str:
    """What `harmless` made the text of."""
    return text[1:] if text.startswith("'") and _RISKY.match(text[1:]) else text


def decode(content: bytes) -> str:
    """UTF-8 with or without its mark, or UTF-16 with it: what spreadsheets save as Unicode. Raises Unreadable."""
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding).replace("\0", "")
    except UnicodeDecodeError as error:
        raise Unreadable(
            "The file is not saved as UTF-8, so its letters cannot be told for certain. "
            "In your spreadsheet choose “CSV UTF-8” when you save it."
        ) from error


def read_rows(text: str, *, known: Collection[str]) -> tuple[str, list[list[str]]]:
    """The delimiter and the rows, headings included; the delimiter is the one that makes most headings known ones.

    Raises Unreadable.
    """
    first, _, rest = text.partition("\n")
    if first.strip().lower() in {"sep=,", "sep=;", "sep=\t"}:
        text = rest
    delimiter = max(_DELIMITERS, key=lambda each: _count_known(text, each, known))
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise Unreadable(
            "This is no CSV file: quotation marks that open and never close, or a cell without end."
        ) from (error)
    return delimiter, rows


def plain(text: str) -> str:
    """The text as it is compared: without spaces around it, and with one kind of line break."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def fold_heading(text: str) -> str:
    return " ".join(text.casefold().split())


def _count_known(text: str, delimiter: str, known: Collection[str]) -> int:
    try:
        first: Sequence[str] = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), ())
    except csv.Error:
        return 0
    wanted = {fold_heading(heading) for heading in known}
    return sum(fold_heading(cell) in wanted for cell in first)
