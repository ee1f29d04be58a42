"""A thousand requests changed at once: asked for in the list, carried out by a worker while the console goes on."""

import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from app.db import db
from app.models import BulkChange, BulkState, RequestStatus, ServiceRequest
from tests.benchmarks import programs
from tests.benchmarks.client import Client
from tests.benchmarks.measure import checked
from tests.benchmarks.shop import Shop, token_in
from tests.benchmarks.table import Row

_FEW, _MANY, _RATE, _TIMES_SLOWER = 51, 1_000, 1_000, 3
_LIST = "/admin/requests/"
_PATIENCE = 300.0
_KEY = re.compile(r"/admin/bulk_changes/([0-9a-f-]{36})")


@dataclass(frozen=True, slots=True)
class _Run:
    """How it went, and how long the list took meanwhile."""

    seconds: float
    list_seconds: list[float]


def rows(shop: Shop) -> Iterator[Row]:
    found = shop.read(lambda: _completed(_FEW + _MANY))
    first, keys = found[:_FEW], found[_FEW:]
    client = shop.operator
    alone = statistics.median(checked(client.get(_LIST), _LIST).seconds for _ in range(shop.rounds))
    with programs.worker(shop.environment):
        # Waits for the worker's start.
        _change(shop, first, RequestStatus.IN_PROGRESS)
        run = _change(shop, keys, RequestStatus.IN_PROGRESS)
        for part in (first, keys):
            _change(shop, part, RequestStatus.COMPLETED)
    rate = len(keys) / run.seconds
    yield Row(
        "bulk change of 1,000", "", f"{rate:,.0f} rows/s", f"≥ {_RATE:,} rows/s", rate >= _RATE, None, run.seconds
    )
    beside = statistics.median(run.list_seconds)
    yield Row(
        "list while a bulk change runs",
        "list alone",
        f"{beside / alone:.2f} ×",
        f"≤ {_TIMES_SLOWER} ×",
        beside <= _TIMES_SLOWER * alone,
        alone,
        beside,
        max(run.list_seconds),
    )


def _completed(count: int) -> list[UUID]:
    done = select(ServiceRequest.id).where(ServiceRequest.status == RequestStatus.COMPLETED)
    return list(db.session.scalars(done.order_by(ServiceRequest.updated_at).limit(count)))


def _change(shop: Shop, keys: list[UUID], wanted: RequestStatus) -> _Run:
    """Asked for, looked at, confirmed; it takes from there until the last one is done."""
    client = shop.operator
    token = token_in(client.get(_LIST).text)
    form = [("csrf_token", token), ("action", "set_status"), ("status", wanted), ("note", "A benchmark.")]
    asked = checked(client.post(f"{_LIST}action/", [*form, *(("rowid", str(key)) for key in keys)]), "asking", 302)
    found = _KEY.search(asked.headers["location"])
    if found is None:
        raise RuntimeError(f"no preview: {asked.headers['location']}")
    key = UUID(found[1])
    checked(client.get(f"/admin/bulk_changes/{key}"), "the preview")
    checked(client.post(f"/admin/bulk_changes/{key}/confirm", {"csrf_token": token}), "confirming", 302)
    return _wait(shop, client, key)


def _wait(shop: Shop, client: Client, key: UUID) -> _Run:
    """Somebody works in the list meanwhile, once in a while, as people do."""
    seen: list[float] = []
    start = time.perf_counter()
    while time.perf_counter() - start < _PATIENCE:
        change = shop.read(lambda: db.session.get_one(BulkChange, key))
        if change.state is BulkState.DONE and change.started_at and change.finished_at:
            if change.done < change.total:
                raise RuntimeError(f"{change.refused} rows of a bulk change were refused")
            return _Run((change.finished_at - change.started_at).total_seconds(), seen)
        seen.append(checked(client.get(_LIST), _LIST).seconds)
        time.sleep(0.05)
    raise RuntimeError("a bulk change did not end")
