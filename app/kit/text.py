"""What people write, as they meant it."""

import unicodedata


def tidy_line(text: str | None) -> str:
    """One line: no control characters, single spaces; empty if nothing of it can be seen."""
    return " ".join(tidy_text(text).split())


def tidy_text(text: str | None) -> str:
    """Without control characters and broken halves of characters; lines end in one way. Empty if nothing shows."""
    lines = (text or "").replace("\r\n", "\n").replace("\r", "\n")
    if not any(_is_visible(character) for character in lines):
        return ""
    return "".join(character for character in lines if _is_printable(character)).strip()


def _is_visible(character: str) -> bool:
    """Letters, figures, marks and signs; not blanks, and not what only steers others, such as a zero-width space."""
    return unicodedata.category(character)[0] in "LMNPS"


def _is_printable(character: str) -> bool:
    return character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cs"}
