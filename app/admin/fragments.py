"""Pieces of pages that come out the same each time: made once, then kept."""

from collections.abc import Hashable
from types import CodeType
from typing import Any

from markupsafe import Markup

_MOST = 4096
_kept: dict[tuple[Hashable, ...], tuple[CodeType, Markup]] = {}


def once(macro: Any, *arguments: Hashable) -> Markup:
    """`{{ macro|once(1, 2) }}`: what the macro makes of these arguments.

    It may look at nothing else: what differs between two people or two roles has to be an argument, and nothing that a
    customer wrote belongs here.
    """
    # Its code tells apart macros of one name, those of two applications, and those of a template that was changed and
    # loaded anew. It is kept, so that no other has its number.
    code: CodeType = macro._func.__code__
    key = (id(code), *arguments)
    try:
        return _kept[key][1]
    except KeyError:
        made = Markup(macro(*arguments))  # noqa: S704 - a macro's output is escaped
    except TypeError:
        # Something that cannot be told apart from its like.
        return Markup(macro(*arguments))  # noqa: S704
    if len(_kept) >= _MOST:
        _kept.clear()
    _kept[key] = code, made
    return made
