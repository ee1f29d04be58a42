"""What the log lines of one request or one job have in common."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_facts: ContextVar[Mapping[str, str]] = ContextVar("log_context", default=MappingProxyType({}))


def begin(**facts: str) -> None:
    """Whatever was bound before is over."""
    _facts.set(facts)


@contextmanager
def bound(**facts: str) -> Iterator[None]:
    token = _facts.set({**_facts.get(), **facts})
    try:
        yield
    finally:
        _facts.reset(token)


def current() -> Mapping[str, str]:
    return _facts.get()
