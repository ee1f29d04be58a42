"""What the contract's tests need to know of a payment company."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, ClassVar

from app import gateways
from app.gateways import Gateway, PaymentGatewayConfig
from app.gateways.base import PaymentIntent


class Counterparty(ABC):
    """One company, ready to be spoken to until `close`. A subclass registers itself by its gateway's name.

    `currency` is one that it takes with two decimals.
    """

    gateway: ClassVar[str]
    currency: ClassVar[str] = "INR"
    registry: ClassVar[dict[str, type["Counterparty"]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        Counterparty.registry[cls.gateway] = cls

    @property
    @abstractmethod
    def config(self) -> PaymentGatewayConfig:
        """Credentials that the company accepts, with one webhook secret."""

    @abstractmethod
    def approve(self, intent: PaymentIntent) -> None:
        """The payer pays, and the money is taken."""

    @abstractmethod
    def decline(self, intent: PaymentIntent) -> None:
        """The payer's bank says no, for good."""

    @abstractmethod
    def news(self, intent: PaymentIntent) -> tuple[bytes, dict[str, str]]:
        """The webhook that tells how a payment ended: its body and the headers it comes with."""

    def close(self) -> None:  # noqa: B027 - optional
        """Nothing to do for a company without a server."""

    def adapter(self, **changes: Any) -> Gateway:
        """Made as the application makes it, its config changed as told."""
        return gateways.create(replace(self.config, **changes))
