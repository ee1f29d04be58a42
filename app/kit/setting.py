"""Setting text in lines: where they break, and in which order what is read from right to left stands on them."""

from collections.abc import Callable, Iterator

from bidi import get_base_level, get_display

# Not done by the library: where a line is read to the left, so are its brackets.
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")


def broken(text: str, fits: Callable[[str], bool]) -> Iterator[str]:
    """The lines of `text`, of which each fits, broken between words if that can be; always at least one."""
    words = text.split()
    if fits(whole := " ".join(words)):
        yield whole
        return
    line = ""
    for word in words:
        longer = f"{line} {word}" if line else word
        if fits(longer):
            line = longer
            continue
        if line:
            yield line
        *full, line = _cut(word, fits)
        yield from full
    yield line


def _cut(word: str, fits: Callable[[str], bool]) -> Iterator[str]:
    part = ""
    for letter in word:
        if part and not fits(part + letter):
            yield part
            part = ""
        part += letter
    yield part


def as_seen(line: str) -> str:
    """From left to right, as it stands on paper, by Unicode's rules for text of both directions."""
    if line.isascii():
        return line
    seen = str(get_display(line))
    return seen.translate(_MIRRORED) if get_base_level(line) else seen
