"""What happens to one request: decided here, written down elsewhere.

A tale is told once and again at other times for other customers: most of what it leaves behind is the same each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TypeVar

from app.models import OPEN_STATUSES, PaymentStatus, RequestStatus
from app.samples.numbers import Bits, draw_tail, key_at
from app.samples.scene import Affiliate, Customer, Offer, Person, Scene

T = TypeVar("T")

MICROSECOND = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1) // MICROSECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_ASSIGNED, _STARTED = RequestStatus.TEAM_ASSIGNED, RequestStatus.IN_PROGRESS
_WALKS: tuple[tuple[RequestStatus, ...], ...] = (
    (),
    (_ASSIGNED,),
    (_ASSIGNED, _STARTED),
    (_ASSIGNED, _STARTED, RequestStatus.COMPLETED),
    (RequestStatus.CANCELLED,),
)
# How many of a hundred take each walk, up to two days, up to ten days, and later.
_YOUNG, _MIDDLE, _OLD = (30, 35, 25, 5, 5), (4, 10, 36, 45, 5), (0, 0, 1, 91, 8)
_SETTLED = 10 * DAY
"""From that age on, a tale does not depend on its age any more."""

_PAID, _FAILED = 0.90, 0.96
_ROUTED = 0.7
_AFFILIATED = 0.08
_TALES = 2_000
_NEWEST = 5 * MINUTE


@dataclass(slots=True)
class Change:
    old: RequestStatus
    new: RequestStatus
    at: int
    by: Person | None


@dataclass(slots=True, eq=False)
class Tale:
    """Times are microseconds after the purchase; `latest` is when anything happened last. A settled one is told again
    and again."""

    offer: Offer
    affiliate: Affiliate | None
    payment: PaymentStatus
    is_settled: bool
    latest: int = 0
    paid_at: int | None = None
    status: RequestStatus = RequestStatus.PENDING_CONTACT
    provider: Person | None = None
    assigned_at: int | None = None
    operator: Person | None = None
    first_contact_at: int | None = None
    closed_at: int | None = None
    alerted_at: int | None = None
    returned_minor: int = 0
    returned_at: int = 0
    changes: list[Change] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def due_at(self) -> int | None:
        return None if self.paid_at is None else self.paid_at + self.offer.first_contact

    @property
    def is_all_returned(self) -> bool:
        return self.returned_minor == self.offer.price.minor


@dataclass(slots=True)
class Telling:
    """A tale told of one customer, who bought at `at`; the numbers tell its keys apart."""

    tale: Tale
    customer: Customer
    at: int
    tail: int

    def key(self, offset: int, number: int) -> int:
        return key_at(self.at + offset, self.tail, number)

    @property
    def request(self) -> int:
        return key_at(self.at, self.tail, 0)

    @property
    def payment(self) -> int:
        return key_at(self.at, self.tail, 1)

    @property
    def ledger(self) -> int:
        """The Sandbox company's own key of the payment."""
        return key_at(self.at, self.tail, 2)

    @property
    def refund(self) -> int:
        return key_at(self.at + self.tale.returned_at, self.tail, 3)

    def change(self, number: int) -> int:
        return key_at(self.at + self.tale.changes[number].at, self.tail, 8 + number)


class Plot:
    """Draws tales; `now` is their present."""

    def __init__(self, scene: Scene, *, random: Random, bits: Bits, now: int) -> None:
        self._scene = scene
        self._random = random.random
        self._bits = bits
        self._now = now
        self._walks = [_spread(weights) for weights in (_YOUNG, _MIDDLE, _OLD)]
        self._settled: list[Tale] = []

    def tell(self, at: int) -> Telling:
        at = min(at, self._now - _NEWEST)
        age = self._now - at
        tale = self._settled_tale() if age >= _SETTLED else self._make(age)
        return Telling(tale, self._pick(self._scene.customers), at, draw_tail(self._bits))

    def _settled_tale(self) -> Tale:
        if len(self._settled) == _TALES:
            return self._pick(self._settled)
        tale = self._make(_SETTLED)
        self._settled.append(tale)
        return tale

    def _make(self, age: int) -> Tale:
        affiliates = self._scene.affiliates
        fate = self._random()
        tale = Tale(
            offer=self._pick(self._scene.offers),
            affiliate=self._pick(affiliates) if affiliates and self._random() < _AFFILIATED else None,
            payment=PaymentStatus.COMPLETED,
            is_settled=age >= _SETTLED,
        )
        if fate < _PAID:
            self._pay(tale, age)
        else:
            _leave_unpaid(tale, age, failed=fate < _FAILED)
        return tale

    def _pick(self, some: Sequence[T]) -> T:
        return some[int(self._random() * len(some))]

    def _pay(self, tale: Tale, age: int) -> None:
        paid_at = tale.paid_at = int((0.7 + 3 * self._random()) * MINUTE)
        _move(tale, RequestStatus.PAYMENT_CONFIRMED, paid_at)
        _move(tale, RequestStatus.PENDING_CONTACT, paid_at + 1000)
        if tale.offer.providers and self._random() < _ROUTED:
            self._assign(tale, paid_at + 1000)
        walk = self._pick(self._walks[0 if age < 2 * DAY else 1 if age < _SETTLED else 2])
        if walk and (tale.offer.providers or walk[0] is not _ASSIGNED):
            self._walk(tale, walk, age)
        self._give_back(tale, age)
        due_at = paid_at + tale.offer.first_contact
        if tale.is_open and tale.first_contact_at is None and due_at + MINUTE < age:
            tale.alerted_at = due_at + MINUTE

    def _walk(self, tale: Tale, walk: Sequence[RequestStatus], age: int) -> None:
        """As far as a request of its age has come."""
        tale.operator = self._pick(self._scene.operators) if self._scene.operators else None
        for status in walk:
            at = tale.latest + min(int((0.5 + 19.5 * self._random()) * HOUR), (age - tale.latest) // 2)
            if status is _ASSIGNED:
                self._assign(tale, at)
            _move(tale, status, at, tale.operator)

    def _assign(self, tale: Tale, at: int) -> None:
        if tale.provider is None:
            tale.provider = self._pick(tale.offer.providers)
            tale.assigned_at = at

    def _give_back(self, tale: Tale, age: int) -> None:
        """Most of what was cancelled is refunded, and some work that went wrong."""
        price = tale.offer.price.minor
        if tale.status is RequestStatus.CANCELLED and self._random() < 0.8:
            tale.payment, tale.returned_minor = PaymentStatus.REFUNDED, price
        elif tale.status is RequestStatus.COMPLETED and self._random() < 0.015:
            tale.returned_minor = price // 2
        if tale.returned_minor:
            tale.returned_at = tale.latest = tale.latest + min(HOUR, (age - tale.latest) // 2)


def _leave_unpaid(tale: Tale, age: int, *, failed: bool) -> None:
    """What nobody pays within a day is closed."""
    is_stale = age > DAY + 10 * MINUTE
    tale.payment = PaymentStatus.FAILED if failed or is_stale else PaymentStatus.PENDING
    if is_stale:
        _move(tale, RequestStatus.CANCELLED, DAY + 5 * MINUTE)


def _move(tale: Tale, status: RequestStatus, at: int, by: Person | None = None) -> None:
    tale.changes.append(Change(tale.status, status, at, by))
    tale.status, tale.latest = status, at
    if status is _STARTED:
        tale.first_contact_at = at
    elif status not in OPEN_STATUSES:
        tale.closed_at = at


def _spread(weights: Sequence[int]) -> list[tuple[RequestStatus, ...]]:
    """A hundred walks to pick one from."""
    return [walk for walk, weight in zip(_WALKS, weights, strict=True) for _ in range(weight)]
