"""What the companies of the simulator have in common; one simulator serves a whole run."""

import atexit
from functools import lru_cache

from app.gateways import PaymentGatewayConfig
from app.gateways.base import PaymentIntent
from tests.simulator import Simulator
from tests.simulator.ledger import Order


@lru_cache(maxsize=1)
def simulator() -> Simulator:
    started = Simulator().__enter__()
    atexit.register(started.__exit__)
    return started


class Simulated:
    """Goes before `Counterparty` among the bases. `news_names` are the events that say how a payment ended."""

    gateway: str
    news_names: tuple[str, ...]

    @property
    def config(self) -> PaymentGatewayConfig:
        return simulator().config(self.gateway)

    def close(self) -> None:
        simulator().clear()

    def news(self, intent: PaymentIntent) -> tuple[bytes, dict[str, str]]:
        known = self._marks(simulator().ledger.find(intent.gateway_intent_id))
        letters = simulator().postman.collect(self.gateway, *self.news_names)
        letter = next(letter for letter in reversed(letters) if any(mark in letter.body for mark in known))
        return letter.body, letter.headers

    def _marks(self, order: Order) -> list[bytes]:
        return [attempt.id.encode() for attempt in order.attempts]
