"""What the companies remember. Amounts are the integers or texts that came over the wire, in their own units."""

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class Refusal(Exception):
    """The company says no; each façade has its own words for these codes."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Refund:
    id: str
    amount: int
    told: dict[str, Any]
    status: str = "success"
    created: int = field(default_factory=lambda: int(time.time()))


@dataclass
class Dispute:
    """`status` is open, won or lost, seen from the shop. `is_refunded`: what was lost went as a refund of its own."""

    amount: int
    status: str = "open"
    is_refunded: bool = False

    @property
    def held(self) -> int:
        return 0 if self.status == "won" or self.is_refunded else self.amount


@dataclass
class Attempt:
    """One try to pay an order. `status` is authorized, pending, paid or failed."""

    id: str
    order: "Order"
    status: str
    error: str | None = None
    refunds: list[Refund] = field(default_factory=list)
    dispute: Dispute | None = None
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def refunded(self) -> int:
        return sum(refund.amount for refund in self.refunds if refund.status != "failed")

    @property
    def left(self) -> int:
        """What can still be refunded."""
        return self.order.amount - self.refunded - (self.dispute.held if self.dispute else 0)

    @property
    def lost(self) -> int:
        """What a lost dispute took by itself."""
        return self.dispute.held if self.dispute and self.dispute.status == "lost" else 0


@dataclass
class Order:
    """`amount` is in the units in which the gateway counts."""

    id: str
    gateway: str
    amount: int
    currency: str
    told: dict[str, Any]
    is_cancelled: bool = False
    is_approved: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def last(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts else None

    @property
    def paid(self) -> Attempt | None:
        return next((attempt for attempt in self.attempts if attempt.status == "paid"), None)


@dataclass
class _Kept:
    body: bytes
    answer: Any


class Ledger:
    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.orders: dict[str, Order] = {}
        self.refunds_begin_as = "success"
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._numbers = itertools.count(1)

    def clear(self) -> None:
        with self.lock:
            self.orders.clear()
            self._kept.clear()
            self.refunds_begin_as = "success"

    def forget_keys(self) -> None:
        """As companies do after a while."""
        with self.lock:
            self._kept.clear()

    def new_id(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers):014d}"

    def once(self, gateway: str, key: str | None, body: bytes, work: Callable[[], Any]) -> Any:
        """The answer of the first call with this key; Refusal("other_body") for another call under it."""
        with self.lock:
            if key is None:
                return work()
            kept = self._kept.get((gateway, key))
            if kept is None:
                kept = self._kept[gateway, key] = _Kept(body, work())
            elif kept.body != body:
                raise Refusal("other_body")
            return kept.answer

    def open(self, gateway: str, prefix: str, amount: int, currency: str, told: dict[str, Any]) -> Order:
        with self.lock:
            order = Order(self.new_id(prefix), gateway, amount, currency, told)
            self.orders[order.id] = order
            return order

    def find(self, order_id: str) -> Order:
        try:
            return self.orders[order_id]
        except KeyError:
            raise Refusal("unknown") from None

    def find_attempt(self, attempt_id: str) -> Attempt:
        for order in self.orders.values():
            for attempt in order.attempts:
                if attempt.id == attempt_id:
                    return attempt
        raise Refusal("unknown")

    def pay(self, order: Order, prefix: str, status: str = "paid", error: str | None = None) -> Attempt:
        with self.lock:
            if order.paid is not None:
                raise Refusal("already_paid")
            if order.is_cancelled:
                raise Refusal("cancelled")
            attempt = Attempt(self.new_id(prefix), order, status, error)
            order.attempts.append(attempt)
            return attempt

    def capture(self, attempt: Attempt) -> None:
        with self.lock:
            if attempt.status == "paid":
                raise Refusal("already_captured")
            if attempt.status != "authorized":
                raise Refusal("not_authorized")
            attempt.status = "paid"

    def refund(self, attempt: Attempt, prefix: str, amount: int | None, told: dict[str, Any]) -> Refund:
        with self.lock:
            left = attempt.left
            wanted = left if amount is None else amount
            if attempt.status != "paid":
                raise Refusal("not_paid")
            if wanted > left or left == 0:
                raise Refusal("too_much")
            refund = Refund(self.new_id(prefix), wanted, told, self.refunds_begin_as)
            attempt.refunds.append(refund)
            return refund

    def dispute(self, attempt: Attempt, status: str, amount: int | None = None) -> Dispute:
        """The one of this attempt, opened or brought to its end."""
        with self.lock:
            if attempt.dispute is None:
                attempt.dispute = Dispute(attempt.left if amount is None else amount)
            attempt.dispute.status = status
            return attempt.dispute

    def of(self, gateway: str) -> list[Order]:
        return [order for order in self.orders.values() if order.gateway == gateway]

    def refunds_of(self, gateway: str) -> list[Refund]:
        return [refund for order in self.of(gateway) for attempt in order.attempts for refund in attempt.refunds]
