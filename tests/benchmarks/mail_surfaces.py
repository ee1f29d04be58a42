"""Mail: how fast one worker empties a full outbox, and how soon a customer who has paid hears of it."""

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator

from sqlalchemy import func, select, update

from app.db import db
from app.jobs import queue
from app.kit import clock
from app.models import Notification, NotificationStatus, ServiceRequest
from tests.benchmarks import bare_line, programs, purchases
from tests.benchmarks.shop import Shop
from tests.benchmarks.shop_surfaces import first_address
from tests.benchmarks.sink import Sink
from tests.benchmarks.table import Row

_MAILS, _RATE, _SOON = 1_000, 300, 1.0
_TRIES = 10
_PATIENCE = 120.0
_KINDS = ("payment_confirmed", "status_changed", "provider_assigned")


def rows(shop: Shop) -> Iterator[Row]:
    count = shop.write(owe_again)
    with contextlib.ExitStack() as stack:
        sink = Sink()
        stack.callback(sink.stop)
        stack.enter_context(programs.worker(shop.environment, MAIL_SERVER="127.0.0.1", MAIL_PORT=str(sink.port)))
        # Seldom looked, or it would be in the way of the mail server, which is a thread of this process.
        wait_until(lambda: shop.read(owed) == 0, pause=0.5)
        yield _rate(sink, count)
        yield _promptness(shop, sink)


def owe_again() -> int:
    """The newest mails of the sample, receipts among them; whatever else waits is not to be in the way."""
    waiting = update(Notification).where(Notification.status == NotificationStatus.PENDING)
    db.session.execute(waiting.values(status=NotificationStatus.DROPPED, next_attempt_at=None))
    mails = (Notification.kind.in_(_KINDS), Notification.status == NotificationStatus.SENT)
    newest = select(Notification.id).where(*mails).order_by(Notification.created_at.desc()).limit(_MAILS)
    due = {"status": NotificationStatus.PENDING, "next_attempt_at": clock.utc_now(), "attempts": 0}
    keys = list(db.session.scalars(newest))
    db.session.execute(update(Notification).where(Notification.id.in_(keys)).values(due))
    queue.ring_deliveries()
    return len(keys)


def owed() -> int:
    open_ones = (NotificationStatus.PENDING, NotificationStatus.SENDING)
    due = (Notification.status.in_(open_ones), Notification.next_attempt_at <= clock.utc_now())
    return db.session.scalar(select(func.count()).where(*due)) or 0


def _rate(sink: Sink, owed: int) -> Row:
    """From the first to the last: how long the worker took to start is another question."""
    taken = list(sink.taken)
    rate = (len(taken) - 1) / (taken[-1].at - taken[0].at)
    size = int(statistics.mean(mail.size for mail in taken))
    name = f"deliveries, one worker ({len(taken):,} of {owed:,} still true, {size / 1024:.0f} KB each)"
    below = f"bare line, {bare_line.mails_a_second(sink.port, len(taken), size):,.0f} mails/s"
    return Row(name, below, f"{rate:,.0f} mails/s", f"≥ {_RATE} mails/s", rate >= _RATE)


def _promptness(shop: Shop, sink: Sink) -> Row:
    waits = sorted(_paid_to_mailed(shop, sink) for _ in range(_TRIES))
    slowest = waits[-1]
    middle = statistics.median(waits)
    goal = f"≤ {_SOON:g} s, all of {_TRIES}"
    name = "from the news of a payment to its mail handed over"
    return Row(name, "", f"{slowest:.2f} s", goal, slowest <= _SOON, None, middle, slowest)


def _paid_to_mailed(shop: Shop, sink: Sink) -> float:
    buyer = purchases.Buyer(shop.visitor(), shop.read(first_address))
    buyer.send_form()
    payment = shop.read(lambda: purchases.newest_payments(1)[0])
    event, receiver = purchases.paid_event(payment), shop.read(lambda: _receiver(payment.service_request_id))
    known = len(sink.taken)
    start = time.perf_counter()
    purchases.post_webhook(shop.visitor(), event)
    wait_until(lambda: any(mail.receiver == receiver for mail in sink.taken[known:]))
    return next(mail.at for mail in sink.taken[known:] if mail.receiver == receiver) - start


def _receiver(request_id: object) -> str:
    return str(db.session.scalars(select(ServiceRequest.customer_email).where(ServiceRequest.id == request_id)).one())


def wait_until(is_so: Callable[[], bool], *, pause: float = 0.02) -> None:
    deadline = time.perf_counter() + _PATIENCE
    while not is_so():
        if time.perf_counter() > deadline:
            raise RuntimeError("the worker did not get through in time")
        time.sleep(pause)
