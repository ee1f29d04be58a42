"""Payment companies behind one contract; each module of this package is one of them and registers itself."""

from importlib import import_module
from pkgutil import iter_modules

from app.gateways.base import Gateway, PaymentGatewayConfig, UnsupportedGateway

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")


def create(config: PaymentGatewayConfig) -> Gateway:
    """The adapter for a config. Raises UnsupportedGateway for a name nobody registered."""
    return find(config.gateway)(config)


def find(name: str) -> type[Gateway]:
    """The adapter class of that name. Raises UnsupportedGateway."""
    try:
        return Gateway.registry[name]
    except KeyError:
        raise UnsupportedGateway(f"There is no payment gateway called {name!r}.") from None


def registered() -> list[type[Gateway]]:
    return [Gateway.registry[name] for name in sorted(Gateway.registry)]


__all__ = ["Gateway", "PaymentGatewayConfig", "create", "find", "registered"]
