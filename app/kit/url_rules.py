"""Addresses of which only a few are ever written by a process: what writes one is made when it is first needed."""

from collections.abc import Callable
from functools import cache
from typing import Any

from werkzeug import routing


class Rule(routing.Rule):
    """The library generates, parses and compiles two functions for each, a tenth of all the time that a start takes."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        generate = super()._compile_builder

        @cache
        def builder() -> Callable[..., tuple[str, str]]:
            return generate(append_unknown)

        def build(rule: routing.Rule, /, **values: Any) -> tuple[str, str]:
            return builder()(rule, **values)

        return build
