"""The console beside its list: one request's page, its changes in the list, the dashboard."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.db import db
from app.models import ProviderProfile, RequestStatus, ServiceRequest
from tests.benchmarks.client import Answer, Client
from tests.benchmarks.measure import WARM_UP, Shot, Surface, asking, checked, compare
from tests.benchmarks.shop import Shop, token_in, work
from tests.benchmarks.table import Row

_LIST = "/admin/requests/"
_OTHER = {
    RequestStatus.TEAM_ASSIGNED: RequestStatus.IN_PROGRESS,
    RequestStatus.IN_PROGRESS: RequestStatus.TEAM_ASSIGNED,
}
_TIMES = 5
"""The usual rounds: a connection needs some until it has prepared its statements, and then has them for the day."""


def rows(shop: Shop) -> Iterator[Row]:
    pages = [f"{_LIST}{key}" for key in shop.read(lambda: _finished(shop.rounds))]
    page = Surface("request page", _each_once(shop.operator, pages), limit=5)
    yield compare(page, shop.ideal_list, rounds=shop.rounds)
    dashboard = Surface("dashboard with all plots", asking(shop.administrator, "GET", "/admin/"), limit=10)
    yield compare(dashboard, shop.ideal_list, rounds=shop.rounds)
    open_ones = shop.read(lambda: work(2 * (_TIMES * shop.rounds + WARM_UP)))
    status, provider = open_ones[::2], open_ones[1::2]
    change = Surface(
        "status changed in the list", _changing(shop.operator, status), limit=3, rounds=len(status) - WARM_UP
    )
    yield compare(change, shop.ideal_update, rounds=shop.rounds)
    people = shop.read(_people)
    assign = Surface(
        "provider changed in the list",
        _assigning(shop.operator, provider, people),
        limit=3,
        rounds=len(provider) - WARM_UP,
    )
    yield compare(assign, shop.ideal_update, rounds=shop.rounds)


def _finished(count: int) -> list[UUID]:
    """Requests with a long story."""
    done = select(ServiceRequest.id).where(ServiceRequest.status == RequestStatus.COMPLETED)
    return list(db.session.scalars(done.order_by(ServiceRequest.created_at.desc()).limit(count)))


def _people() -> list[UUID]:
    return list(db.session.scalars(select(ProviderProfile.user_id).order_by(ProviderProfile.id)))


def _each_once(client: Client, paths: list[str]) -> Shot:
    def shoot() -> float:
        paths.append(paths.pop(0))
        return checked(client.get(paths[-1]), paths[-1]).seconds

    return shoot


def _changing(client: Client, requests: list[Any]) -> Shot:
    token = token_in(client.get(_LIST).text)
    return lambda: change_status(client, requests.pop(), token).seconds


def change_status(client: Client, row: Any, token: str) -> Answer:
    """Begun, or back to waiting."""
    sent = {"version": row.version, "status": _OTHER[row.status]}
    return checked(_post(client, f"{row.id}/status", sent, token), "a change of status")


def _assigning(client: Client, requests: list[Any], people: list[UUID]) -> Shot:
    token = token_in(client.get(_LIST).text)

    def shoot() -> float:
        row = requests.pop()
        other = next(key for key in people if key != row.assigned_provider_id)
        sent = {"version": row.version, "provider": str(other)}
        return checked(_post(client, f"{row.id}/provider", sent, token), "a change of provider").seconds

    return shoot


def _post(client: Client, path: str, sent: dict[str, Any], token: str) -> Answer:
    """As the list's script sends it."""
    headers = {"Accept": "application/json", "Content-Type": "application/json", "X-CSRFToken": token}
    return client.send(client.prepare("POST", f"{_LIST}{path}", json.dumps(sent).encode(), headers))
