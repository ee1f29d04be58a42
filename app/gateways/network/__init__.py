"""How gateways are called and their certificates fetched: `network.http`, `network.oauth`, `network.certificates`.

Each is loaded when it is first used: with the libraries below they take longer to load than many pages to answer, and
most processes of a shop call nobody for long.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.gateways.network import certificates, http, oauth

__all__ = ["certificates", "http", "oauth"]


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(name)
    return import_module(f"{__name__}.{name}")
