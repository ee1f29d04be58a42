"""Addresses of which only a few are ever written by a process: what writes one is made when it is first needed."""

from collections.abc import Callable
from types import MethodType
from typing import Any

from werkzeug import routing

_Builder = Callable[..., tuple[str, str]]


class _Late:
    """A method that is made when it is first called."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], _Builder]) -> None:
        self._make = make
        self._made: _Builder | None = None

    def __get__(self, rule: routing.Rule, _owner: object = None) -> MethodType:
        return MethodType(self, rule)

    def __call__(self, rule: routing.Rule, /, **values: Any) -> tuple[str, str]:
        if self._made is None:
            self._made = self._make()
        return self._made(rule, **values)


class Rule(routing.Rule):
    """The library generates, parses and compiles two functions for each, a tenth of all the time that a start takes."""

    def _compile_builder(self, append_unknown: bool = True) -> Any:
        compile_builder = super()._compile_builder
        return _Late(lambda: compile_builder(append_unknown))
