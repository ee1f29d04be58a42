"""The payment companies' side of the contract, one module each: what an adapter talks to while it is tested."""

from importlib import import_module
from pkgutil import iter_modules

from tests.gateways.counterparties.base import Counterparty

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["Counterparty"]
