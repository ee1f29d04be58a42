"""Gateways' news: a payment completed with all that follows from it, and the same news once more."""

from collections.abc import Iterator

from tests.benchmarks import purchases
from tests.benchmarks.measure import WARM_UP, Shot, Surface, compare
from tests.benchmarks.shop import Shop
from tests.benchmarks.shop_surfaces import first_address
from tests.benchmarks.table import Row

_ROUNDS = 5
"""Times the usual: the slowest of a hundred needs more than a hundred."""


def rows(shop: Shop) -> Iterator[Row]:
    rounds = _ROUNDS * shop.rounds
    events = _events(shop, rounds + WARM_UP)
    known = list(events)
    good = Surface(
        "webhook: paid, with all effects", _posting(shop, events), 0.25, 15, rounds, is_share=True, tail=0.99
    )
    yield compare(good, shop.hello, rounds=rounds)
    again = Surface("webhook: a duplicate", _repeating(shop, known), 0.5, None, rounds, is_share=True)
    yield compare(again, shop.hello, rounds=rounds)


def _events(shop: Shop, count: int) -> list[bytes]:
    buyer = purchases.Buyer(shop.visitor(), shop.read(first_address))
    for _ in range(count):
        buyer.send_form()
    return shop.read(lambda: [purchases.paid_event(payment) for payment in purchases.newest_payments(count)])


def _posting(shop: Shop, events: list[bytes]) -> Shot:
    client = shop.visitor()
    return lambda: purchases.post_webhook(client, events.pop()).seconds


def _repeating(shop: Shop, events: list[bytes]) -> Shot:
    client = shop.visitor()

    def shoot() -> float:
        events.append(events.pop(0))
        return purchases.post_webhook(client, events[-1], is_news=False).seconds

    return shoot
